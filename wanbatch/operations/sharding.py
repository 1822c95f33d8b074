"""What a ledger remembers of the shards that it was filled by: part I of N runs apart,
and another N, or none, would part the jobs differently.

What it may not do: choose the jobs of a shard (``plan.shards`` does).

How it works: a note of the ledger holds, by realm and N, which parts were run here or
imported. Where all N are known, the ledger is whole, and whatever is run by it follows
from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from wanbatch.model.wire import Profile
from wanbatch.operations.options import DEFAULT_OUTPUT, PlanningOptions
from wanbatch.plan.shards import Shard, parse_shard
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.humanize import quoted

SHARDS = "shards"
"""The name of the note."""

Known = dict[str, dict[int, set[int]]]
"""By realm and N the parts that are known."""


def read_shards(text: str) -> Known:
    """What a note says; nothing where it is none."""
    try:
        document = json.loads(text)
        return {
            str(realm): {int(count): {int(part) for part in parts} for count, parts in by.items()}
            for realm, by in document.items()
        }
    except (ValueError, AttributeError, TypeError):
        return {}


def write_shards(known: Known) -> str:
    """The note that ``read_shards`` reads."""
    if not any(known.values()):
        return ""
    shown = {
        realm: {str(count): sorted(parts) for count, parts in by.items()}
        for realm, by in known.items()
    }
    return json.dumps(shown, sort_keys=True, separators=(",", ":"))


def join_shards(*notes: str) -> str:
    """What two ledgers know together."""
    known: Known = {}
    for note in notes:
        for realm, by in read_shards(note).items():
            for count, parts in by.items():
                known.setdefault(realm, {}).setdefault(count, set()).update(parts)
    return write_shards(known)


def with_shard(note: str, realm: str, shard: Shard) -> str:
    """The note after a run of ``shard``."""
    return join_shards(note, write_shards({realm: {shard.count: {shard.index}}}))


def refuse_other_shards(
    options: PlanningOptions, profile: Profile, notes: Mapping[str, str]
) -> None:
    """Raises ``WanbatchError`` (3) where the ledger holds parts of another division
    than the one that is asked for."""
    asked = parse_shard(options.shard) if options.shard is not None else None
    known = read_shards(notes.get(SHARDS, "")).get(profile.realm, {})
    for count, parts in sorted(known.items()):
        missing = sorted(set(range(1, count + 1)) - parts)
        if missing and (asked is None or asked.count != count):
            raise _refusal(options, asked, count, sorted(parts), missing)


def _refusal(
    options: PlanningOptions, asked: Shard | None, count: int, parts: list[int], missing: list[int]
) -> WanbatchError:
    held = ", ".join(f"{part}/{count}" for part in parts)
    wanted = f"--shard {asked.index}/{asked.count}" if asked else "no shard"
    absent = ", ".join(f"{part}/{count}" for part in missing)
    into = [] if options.output == DEFAULT_OUTPUT else ["--output", str(options.output)]
    folder = str(Path(options.output).parent / "OTHER")
    return WanbatchError(
        ExitCode.REFUSED,
        f"the ledger {options.ledger} holds shard {held}, and {wanted} was asked for; what the"
        " other shards bought would be bought again; nothing was sent",
        f"bring the other shards together first ({absent}), each by its output folder: "
        + quoted(["wanbatch", "import", folder, *into]),
        f"or go on with this one: --shard {parts[0]}/{count}",
    )
