"""The decoders, loaded whole by one thread before any other goes on.

What it may not do: decode.

How it works: PyAV is many modules that import each other. Two threads that load it from
two ends wait for each other; Python then gives one of them a half-loaded module, and a
run ended for a name that was not there yet (seen one time in three). So whoever is
about to use a decoder in a thread comes through here first.
"""

from __future__ import annotations

import threading

_LOADING = threading.Lock()


def load_decoders() -> None:
    """Returns once PyAV and Pillow are there. Costs nothing after the first time."""
    with _LOADING:
        import av  # noqa: F401
        import PIL.Image  # noqa: F401
