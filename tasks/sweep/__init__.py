"""Search hyperparameters of stage train on the validation split, stopping bad trials early."""
