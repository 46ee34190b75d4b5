"""Partitions of feedback written, published and moved: whole or absent, killed at any moment."""
