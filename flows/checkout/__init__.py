"""What keeps the user's checkout safe: one run at a time, DVC's state mended, nothing lost."""
