"""The booking bot: yours to change."""
