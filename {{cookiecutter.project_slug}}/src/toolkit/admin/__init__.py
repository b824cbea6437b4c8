"""The records of a store looked at, moved and removed by hand, while its bot may be running."""
