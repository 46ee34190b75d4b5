"""What the flow costs on a chain of eight tiny steps, beside plain DVC and other orchestrators."""
