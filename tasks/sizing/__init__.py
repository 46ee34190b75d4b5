"""How much memory, arithmetic and traffic one training needs; no part of it trains."""
