"""A quiz in several files, as aiogram's multi-file example is: dispatcher and bot of the module."""
