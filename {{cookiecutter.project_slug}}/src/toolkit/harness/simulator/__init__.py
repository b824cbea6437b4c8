"""Talk to a bot without a token: in the terminal and in the browser."""
