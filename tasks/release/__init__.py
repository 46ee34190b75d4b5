"""What is live: a candidate becomes a release, is promoted step by step, or rolled back."""
