"""What the proof of several replicas is made of: a bot that books, its processes, and a proxy."""

import tests.delivery_kit  # noqa: F401 - where the toolkit is, and before aiogram
