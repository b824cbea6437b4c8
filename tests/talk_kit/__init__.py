"""A checkout of eleven questions as one function, and talks that change while they are open."""
