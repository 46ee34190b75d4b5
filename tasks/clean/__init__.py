"""Normal form of each text; exact duplicates merged, near-duplicates grouped."""
