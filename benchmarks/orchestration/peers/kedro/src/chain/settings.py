"""Kedro's defaults; a project must have the file."""
