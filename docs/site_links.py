"""Completes what MkDocs makes of docs/: the list of decisions, and links that leave docs/.

The site has docs/ alone. A link to another file of the repository leads to the file in `repo_url`, or is
its text where no address is given. A hook of MkDocs: https://www.mkdocs.org/user-guide/configuration/#hooks
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(((?:\.\./)+[^)\s]*)\)")


def on_config(config: Any) -> Any:
    """Return the settings of MkDocs with every decision in the list of pages."""
    folder = Path(config.docs_dir) / "decisions"
    config.nav.append({"Decisions": [f"decisions/{path.name}" for path in sorted(folder.glob("*.md"))]})
    return config


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Return the Markdown of a page as the site has it."""
    folder = posixpath.dirname(f"docs/{page.file.src_uri}")

    def replaced(link: re.Match[str]) -> str:
        text, target = link.groups()
        path = posixpath.normpath(posixpath.join(folder, target))
        if path.startswith("docs/"):
            return link.group(0)
        return f"[{text}]({config.repo_url.rstrip('/')}/blob/main/{path})" if config.repo_url else text

    return _LINK.sub(replaced, markdown)
