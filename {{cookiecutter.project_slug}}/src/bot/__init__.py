"""The booking bot: yours to change."""

import toolkit  # noqa: F401 - before aiogram, which then starts in a fraction of its time
