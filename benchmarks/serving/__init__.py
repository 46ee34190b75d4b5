"""The prediction service beside its peers, under a load from a process of its own."""
