"""Sphinx reads this: the documentation is Markdown (MyST) in the theme furo, without outside resources."""

from __future__ import annotations

import eclaireur

project = "Éclaireur"
author = "The Éclaireur founders"
project_copyright = "2026, The Éclaireur founders"
version = release = eclaireur.__version__

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "Éclaireur"
html_static_path = ["_static"]
html_show_sphinx = False
