"""What the proof of several replicas is made of: a bot that books, its processes, and a proxy."""
