"""Action `retrain_policy`: whether new evidence is worth a training, by rules and by history."""
