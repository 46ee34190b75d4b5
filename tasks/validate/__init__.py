"""Stage `validate`: Great Expectations over rows and tables; bad rows leave, bad tables stop."""
