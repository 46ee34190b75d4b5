"""Action forget: what a person said, and what they said it of, is taken out everywhere."""
