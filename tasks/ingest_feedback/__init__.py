"""Action ingest_feedback: rows of the service's store become partitions, each event once."""
