"""What the world of a seed is like, beside faults: the API's protocol and habits, its
clock and ours, and what people do to manifests, profiles and ledgers between runs.

What it may not do: decide while the simulation runs; all of it is drawn here.

How it works: its own ``Random``, so that a new circumstance changes no fault of an old
seed. Every circumstance is off in most seeds: what comes together with everything else
hides what it does by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

DATES = ("node_behind", "node_ahead", "epoch", "day_ahead", "none")
"""Wrong ``Date`` headers of single answers: one node's, a proxy's, none at all."""
DATE_OFF_S = {"node_behind": -600.0, "node_ahead": 600.0, "day_ahead": 26 * 3600.0}

Vocabulary = Literal["plain", "shouting", "strange", "doubtful"]
Naming = Literal["plain", "uuid", "number", "odd"]
Place = Literal["home", "respelled", "address", "account", "emulator"]
"""Where a process works: the usual API, the same under another spelling, another
address, another account of the same address, or the emulator (another realm)."""
Edit = Literal["", "rename", "edit", "drop", "restore"]
Harm = Literal["", "lose", "restore", "copy"]
"""What becomes of the ledger between two runs: deleted; put back from a copy that was
made between runs, or in the middle of one."""
PROCESSES = 8


@dataclass(frozen=True, slots=True)
class Circumstances:
    """``dates_wrong`` is the share of answers with one of ``dates``; ``server_ahead_s``
    is how wrong the API's own clock always is. ``link_life_s`` is how long a signed
    link lives. ``turns`` is the share of good tasks that are called failed for
    ``turns_for_s`` first. ``drift`` is by what share all of this machine's clocks are
    slow. ``places``, ``edits`` and ``harms`` are by process; ``retries_failed`` is how
    likely a person adds ``--retry-failed``; ``fits`` is whether videos are as asked
    for, ``stale_list`` whether the list calls every task running for ever."""

    protocol: Literal["gateway", "dashscope"] = "gateway"
    dates_wrong: float = 0.0
    dates: tuple[str, ...] = ()
    server_ahead_s: float = 0.0
    link_life_s: float = 86_400.0
    turns: float = 0.0
    turns_for_s: float = 60.0
    vocabulary: Vocabulary = "plain"
    naming: Naming = "plain"
    spelling: bool = False
    drift: float = 0.0
    two_manifests: bool = False
    places: tuple[Place, ...] = ("home",) * PROCESSES
    edits: tuple[Edit, ...] = ("",) * PROCESSES
    harms: tuple[Harm, ...] = ("",) * PROCESSES
    copied_at: int = 3
    lock_removed: bool = False
    retries_failed: float = 0.0
    reports: bool = False
    fits: bool = True
    stale_list: bool = False


def draw_circumstances(seed: int) -> Circumstances:
    """The circumstances of a seed; the same in every process and Python."""
    chance = Random(f"wanbatch circumstances {seed}")

    def rarely(likely: float) -> bool:
        return chance.random() < likely

    wrong_dates, harmed, moved, edited = rarely(0.2), rarely(0.2), rarely(0.2), rarely(0.25)
    return Circumstances(
        protocol="dashscope" if rarely(0.3) else "gateway",
        dates_wrong=chance.choice((0.02, 0.2, 0.6)) if wrong_dates else 0.0,
        dates=tuple(sorted(chance.sample(DATES, chance.randint(1, 2)))) if wrong_dates else (),
        server_ahead_s=chance.choice((-3600.0, -90.0, 90.0, 7200.0)) if rarely(0.15) else 0.0,
        link_life_s=chance.choice((20.0, 300.0)) if rarely(0.2) else 86_400.0,
        turns=chance.choice((0.3, 0.9)) if rarely(0.2) else 0.0,
        turns_for_s=chance.choice((5.0, 60.0, 3000.0)),
        vocabulary=chance.choice(("shouting", "strange", "doubtful")) if rarely(0.3) else "plain",
        naming=chance.choice(("uuid", "number", "odd")) if rarely(0.3) else "plain",
        spelling=rarely(0.3),
        drift=chance.choice((-0.01, 0.01)) if rarely(0.2) else 0.0,
        two_manifests=rarely(0.2),
        places=tuple(_place(chance) if moved else "home" for _ in range(PROCESSES)),
        edits=tuple(_edit(chance) if edited else "" for _ in range(PROCESSES)),
        harms=_harms(chance) if harmed else ("",) * PROCESSES,
        copied_at=chance.randint(1, 20),
        lock_removed=rarely(0.1),
        retries_failed=0.4 if rarely(0.15) else 0.0,
        reports=harmed or rarely(0.1),
        fits=not rarely(0.2),
        stale_list=rarely(0.1),
    )


def _place(chance: Random) -> Place:
    places: tuple[Place, ...] = ("home", "home", "respelled", "address", "account", "emulator")
    return chance.choice(places)


def _edit(chance: Random) -> Edit:
    edits: tuple[Edit, ...] = ("", "", "rename", "edit", "edit", "drop", "restore")
    return chance.choice(edits)


def _harms(chance: Random) -> tuple[Harm, ...]:
    """One harm in a seed: after two it could not be told what anybody may still
    know."""
    kinds: tuple[Harm, ...] = ("lose", "restore", "copy")
    when, kind = chance.randint(1, 4), chance.choice(kinds)
    return tuple(kind if number == when else "" for number in range(PROCESSES))
