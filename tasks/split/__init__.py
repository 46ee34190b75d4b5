"""Train, validation and test by the hash of each text; twins of held-out texts set aside."""
