"""Batch scoring: files of any size through a release, in constant memory, and resumable."""
