"""The live side: the prediction service and its store."""
