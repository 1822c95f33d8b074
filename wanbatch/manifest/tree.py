"""Paths that stay inside the manifest's folder tree.

What it may not do: read the files; look outside to answer.

How it works: the tree is ``--media-root``, else the repository that the manifest stands
in, else its folder. A path is resolved with every symbolic link and must then lie
inside the resolved tree. Folders are resolved once each: a hundred thousand files
mostly stand in a few.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from wanbatch.words.lookalike import Folders


@dataclass(slots=True)
class Tree:
    """The folder that all files of a manifest must lie in: ``root``, resolved.
    ``chosen`` is what ``--media-root`` named."""

    root: Path
    chosen: Path | None = None
    _folders: dict[str, bool] = field(default_factory=dict)
    _names: Folders = field(default_factory=Folders)

    def holds(self, path: Path) -> bool:
        """Whether ``path``, every link followed, lies in the tree. A path that leads
        nowhere is judged by where it would."""
        try:
            if path.name in ("", "..") or path.is_symlink():
                return self._is_inside(path)
            folder = str(path.parent)
            known = self._folders.get(folder)
            if known is None:
                known = self._folders[folder] = self._is_inside(path.parent)
        except (OSError, ValueError):
            return False
        return known

    def find(self, folder: Path, source: str) -> Path:
        """The file that ``source`` names under ``folder``, which the tree is known to
        hold; its letters may be composed otherwise on disk."""
        path = folder / source
        if source.isascii():
            return path
        found = self._names.find(folder, source)
        return found if found == path or self.holds(found) else path

    def _is_inside(self, path: Path) -> bool:
        return Path(os.path.realpath(path)).is_relative_to(self.root)


def find_tree(manifest: Path, media_root: Path | None) -> Tree:
    """The tree of a manifest."""
    if media_root is not None:
        return Tree(Path(os.path.realpath(media_root)), media_root)
    folder = Path(os.path.realpath(manifest)).parent
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists():
            return Tree(candidate)
    return Tree(folder)
