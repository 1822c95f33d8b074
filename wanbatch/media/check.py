"""Local media against the limits of the API, before anything is sent.

What it may not do: fetch a URL, or decide what a manifest may name (the manifest's room resolves and contains paths).
"""

from __future__ import annotations

from wanbatch.media.files import hash_file as hash_file
