"""The pages a run leaves in the Prefect UI: pure functions from what lies on disk to Markdown."""
