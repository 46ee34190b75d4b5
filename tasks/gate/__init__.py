"""Action gate: may a candidate take the champion's place? Both are scored now, on the same rows."""
