"""Named timers of a session, kept in its record and committed with it."""
