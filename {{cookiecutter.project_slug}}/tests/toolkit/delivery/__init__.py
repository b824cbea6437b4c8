"""A bot delivered to by polling and by webhook."""
