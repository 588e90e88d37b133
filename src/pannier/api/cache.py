"""`cache`: what the cache holds, and making it smaller."""

from pannier.api.settings import Settings
