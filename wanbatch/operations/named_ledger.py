"""Is this the ledger that a project names?

What it may not do: look for another one.

How it works: a project's ``wanbatch.toml`` may name a ledger by its id. Every other
one, and a new one, knows less of what was bought, so nothing is bought by it. The
emulator costs nothing, and is not asked about.
"""

from __future__ import annotations

from collections.abc import Sequence

from wanbatch.config.project import ProjectSettings
from wanbatch.model.lifecycle import Snapshot
from wanbatch.model.wire import Profile
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.humanize import quoted


def refuse_other_ledger(
    projects: Sequence[ProjectSettings], profile: Profile, snapshot: Snapshot, ledger: str
) -> None:
    """Raises ``WanbatchError`` (3) where a project names another ledger than the one
    that was read, which people know as ``ledger``."""
    for project in projects:
        if not project.ledger or profile.realm == "emulator":
            continue
        if project.ledger == snapshot.ledger_id:
            continue
        here = f"{ledger} is {snapshot.ledger_id}" if snapshot.attempts else f"{ledger} is new"
        raise WanbatchError(
            ExitCode.REFUSED,
            f"{project.path} names the ledger {project.ledger}, and {here}; what that one bought"
            " would be bought again; nothing was sent",
            "use the output folder of that ledger: --output DIR",
            "or, where that ledger is lost, take up what it bought, and name this one: "
            + quoted(["wanbatch", "import", "FOLDER"]),
        )
