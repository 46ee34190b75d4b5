"""Fine-tune an encoder with a classification head on the train split."""
