"""What `make up` starts, and how the rest finds it."""
