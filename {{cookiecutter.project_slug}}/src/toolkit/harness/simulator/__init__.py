"""Talk to a bot without a token: in the terminal."""
