"""What Sphinx goes by; `scripts/make_site.py` lays the pages out and calls it."""

from __future__ import annotations

project = "bot-starter"
extensions = ["myst_parser"]
exclude_patterns = ["README.md"]

# The pages are written for GitHub, which has none of MyST's own syntax. `myst_gfm_only` would check
# no links.
myst_disable_syntax = ["myst_block_break", "myst_line_comment", "myst_role", "myst_target"]
myst_enable_extensions = ["strikethrough"]
myst_heading_anchors = 4
suppress_warnings = ["myst.strikethrough"]  # it says that only HTML has it

smartquotes = False

html_theme = "furo"
html_title = project
html_show_sphinx = False
html_copy_source = False
