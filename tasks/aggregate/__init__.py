"""Stage `aggregate`: every source of params.yaml in one table, malformed lines set aside."""
