"""Requests, downloads, connections.

httpx brings a command line of its own, and loads what paints it (rich, pygments)
wherever that is installed: a tenth of the start of every run. It is told that there is
none; whoever wants it later still finds it.
"""

import sys

_loaded = sys.modules.get("httpx._main")
sys.modules["httpx._main"] = _loaded  # type: ignore[assignment]

import httpx  # noqa: E402, F401

del sys.modules["httpx._main"]
sys.modules.update({"httpx._main": _loaded} if _loaded else {})
