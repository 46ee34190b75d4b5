"""What happens: one module or package per stage; runs without Prefect and without DVC."""
