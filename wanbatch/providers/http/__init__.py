"""Requests, downloads, connections.

httpx brings a command line of its own, and loads what paints it (rich, pygments)
wherever that is installed: a tenth of the start of every run. It is told that there is
none; whoever wants it later still finds it.
"""

import sys

if "httpx" not in sys.modules:
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    import httpx  # noqa: F401

    del sys.modules["httpx._main"]
