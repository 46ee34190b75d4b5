"""Our training beside transformers' Trainer, plain PyTorch and plain Lightning."""
