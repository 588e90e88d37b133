"""`cache`: what the cache holds, and making it smaller."""
