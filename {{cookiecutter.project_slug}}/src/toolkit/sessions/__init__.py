"""Sessions: their keys, their stored form (codec), exclusive access (checkout)."""
