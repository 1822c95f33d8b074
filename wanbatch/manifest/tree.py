"""Paths that stay inside the manifest's folder tree.

What it may not do: read the files; look outside to answer.

How it works: the tree is ``--media-root``, else the repository that the manifest stands in, else its folder. A path is resolved with every
symbolic link and must then lie inside the resolved tree.
"""

from __future__ import annotations

import os
from pathlib import Path


def find_tree(manifest: Path, media_root: Path | None) -> Path:
    """The folder that all files of a manifest must lie in, resolved."""
    if media_root is not None:
        return Path(os.path.realpath(media_root))
    folder = Path(os.path.realpath(manifest)).parent
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists():
            return candidate
    return folder


def is_inside(path: Path, tree: Path) -> bool:
    """Whether ``path``, every link followed, lies in the resolved folder ``tree``."""
    try:
        return Path(os.path.realpath(path)).is_relative_to(tree)
    except (OSError, ValueError):
        return False
