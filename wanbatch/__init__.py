"""wanbatch: the declarative batch runner for video generation with wan2.7-i2v.

The names of ``__all__`` are the library; ``wanbatch.api`` has them, and is imported
with the first use of one, so that ``wanbatch --help`` costs nothing. ``docs/python.md``
shows how they are used.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wanbatch.api import (
        Plan,
        Report,
        WanbatchError,
        check,
        fetch,
        load,
        open_report,
        plan,
        run,
        run_sync,
    )

__version__ = "0.2.0"
__all__ = [
    "Plan",
    "Report",
    "WanbatchError",
    "check",
    "fetch",
    "load",
    "open_report",
    "plan",
    "run",
    "run_sync",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from wanbatch import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Library(ModuleType):
    """The room ``wanbatch.plan`` has the name of a function. Whoever imports the room
    first would put it in the function's place; the import system finds it without."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Library
