"""Stage label: votes to class, soft distribution and agreement."""
