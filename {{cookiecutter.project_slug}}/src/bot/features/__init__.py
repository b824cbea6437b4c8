"""One module per feature: its transcript, its texts, its keyboards, its handlers."""
