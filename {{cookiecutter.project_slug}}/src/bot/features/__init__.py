"""One module a feature: its transcript, its texts, its keyboards, its handlers."""
