"""Plan a training before it is paid for: memory, time and cost of every way to run it."""
