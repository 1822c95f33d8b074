"""Opens where a profile's videos live, and says how reports lead there.

What it may not do: reach a store; that is the first request's work.
"""

from __future__ import annotations

from wanbatch.model.wire import Profile
from wanbatch.operations.at_hand import RunArchive
from wanbatch.report.addresses import Shelf, base_address
from wanbatch.stores.archive import REQUEST_S, ObjectArchive
from wanbatch.stores.opening import open_objects
from wanbatch.stores.posters import REQUEST_S as POSTER_S


def open_archive(profile: Profile) -> ObjectArchive | None:
    """Where the profile's videos live; ``None`` for the output folder. Raises
    ``WanbatchError`` where the store cannot be used."""
    if profile.store is None:
        return None
    quick = open_objects(profile.store, POSTER_S)
    return ObjectArchive(open_objects(profile.store, REQUEST_S), quick=quick)


def shelf_of(profile: Profile, archive: RunArchive | None) -> Shelf | None:
    """The profile's store as its reports lead to it."""
    if profile.store is None or archive is None:
        return None
    return Shelf(base_address(profile.store), archive.posters.has)
