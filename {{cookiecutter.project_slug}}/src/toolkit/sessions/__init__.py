"""Sessions: whose they are (keys), how they are stored (codec), one at a time (checkout)."""
