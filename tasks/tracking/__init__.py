"""Experiment trackers beside our own record: they may fail, be slow or be away, and no more."""
