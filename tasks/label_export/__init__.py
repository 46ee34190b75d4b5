"""Stage label_export: what people should label next, as tasks for Label Studio."""
