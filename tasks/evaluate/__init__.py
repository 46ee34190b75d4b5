"""Score the trained model on the test split, beside baselines, and write its card."""
