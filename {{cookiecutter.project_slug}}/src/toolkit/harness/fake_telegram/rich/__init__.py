"""Rich messages: their blocks, and the HTML and Markdown that they are written in.

https://core.telegram.org/bots/api#rich-messages
"""
