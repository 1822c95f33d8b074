"""Scripted faults: when an answer is spoiled, and how. Values and the choosing; reading
the YAML is ``script_file``.

What it may not do: I/O, draw from any random source but its own seeded one.

How it works: rules are asked in order, and the first that fires decides. Each rule
counts the calls that concern it, so ``call: 3`` is the third of them whatever other
rules do; with ``per_task`` it counts for each task apart. Probabilities are drawn from
a source seeded by the script, one for each rule: the same calls give the same faults.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Route = Literal["submit", "status", "content", "media", "upload", "list", "cancel", "probe"]

Act = Literal[
    "answer",
    "reset",
    "close",
    "stall",
    "slow",
    "short_body",
    "no_length",
    "redirect",
    "huge_body",
    "wrong_types",
    "duplicate_id",
    "invalid_id",
    "fail",
    "forever",
    "late",
    "expired",
    "say",
    "address",
    "other_task",
    "strange_id",
    "coded",
    "append",
    "chunked",
    "wrong_date",
    "no_date",
]
FATES: frozenset[Act] = frozenset({"fail", "forever", "late", "expired"})
"""Acts that spoil the task and not the answer; they belong to ``submit``."""

DATES: frozenset[Act] = frozenset({"wrong_date", "no_date"})
"""Acts that spoil nothing of an answer but its ``Date``."""


@dataclass(frozen=True, slots=True)
class Call:
    """What rules can ask about one call, beside its route.

    ``task_id`` is empty where it is about no task, or about one that was never
    accepted; ``number`` counts tasks from 1. ``phase`` is ``running``, ``finished`` or
    ``failed``, ``by`` how bytes are asked for. ``is_probe`` marks a query of a task
    that was never accepted.
    """

    task_id: str = ""
    number: int = 0
    phase: str = ""
    by: str = ""
    is_probe: bool = False


_PLAIN = Call()


@dataclass(frozen=True, slots=True)
class Rule:
    """One fault and when it happens. Without ``calls``, ``every`` and ``probability``
    it happens at each call; at most ``times`` times.

    ``after`` (for submits and cancels) spoils the answer of what *was* done.
    ``during``, ``by`` and ``tasks`` narrow which calls concern the rule (see ``Call``);
    empty ones do not. ``details`` are the act's own fields.
    """

    route: Route
    act: Act
    calls: frozenset[int] = frozenset()
    every: int = 0
    probability: float = 1.0
    times: int | None = None
    after: bool = False
    during: str = ""
    by: str = ""
    tasks: frozenset[int] = frozenset()
    per_task: bool = False
    details: Mapping[str, object] = field(default_factory=dict)

    def number(self, name: str, default: float) -> float:
        """A number among the details."""
        value = self.details.get(name, default)
        return float(value) if isinstance(value, (int, float)) else default

    def text(self, name: str, default: str = "") -> str:
        """A text among the details."""
        value = self.details.get(name, default)
        return value if isinstance(value, str) else default

    def concerns(self, route: str, call: Call) -> bool:
        """Whether the rule counts this call."""
        if self.route != route and not (self.route == "probe" and call.is_probe):
            return False
        return (
            (not self.during or call.phase == self.during)
            and (not self.by or call.by == self.by)
            and (not self.tasks or call.number in self.tasks)
            and (not self.per_task or bool(call.task_id))
        )


@dataclass(frozen=True, slots=True)
class Script:
    """All faults of one file, in order."""

    rules: tuple[Rule, ...]
    seed: int = 0


class Faults:
    """A script being played: it remembers how often each rule was asked and fired."""

    def __init__(self, script: Script | None) -> None:
        self._rules = script.rules if script else ()
        self._asked: Counter[tuple[int, str]] = Counter()
        self._played: Counter[tuple[int, str]] = Counter()
        self.fired = [0] * len(self._rules)
        seed = script.seed if script else 0
        self._sources = [random.Random(f"{seed} {i}") for i in range(len(self._rules))]  # noqa: S311 - a rehearsal, not a secret

    def __bool__(self) -> bool:
        """Whether there is any rule."""
        return bool(self._rules)

    def choose(self, route: str, call: Call = _PLAIN) -> Rule | None:
        """The rule that spoils this call of ``route``, or ``None``."""
        chosen = None
        for i, rule in enumerate(self._rules):
            if rule.concerns(route, call) and self._fires(i, rule, call) and chosen is None:
                chosen = i
        if chosen is None:
            return None
        self.fired[chosen] += 1
        self._played[self._count_of(chosen, call)] += 1
        return self._rules[chosen]

    def _count_of(self, i: int, call: Call) -> tuple[int, str]:
        """Under what the rule counts this call."""
        return i, call.task_id if self._rules[i].per_task else ""

    def _fires(self, i: int, rule: Rule, call: Call) -> bool:
        count = self._count_of(i, call)
        self._asked[count] += 1
        drawn = rule.probability >= 1.0 or self._sources[i].random() < rule.probability
        if rule.times is not None and self._played[count] >= rule.times:
            return False
        if rule.calls:
            return self._asked[count] in rule.calls and drawn
        return drawn and (not rule.every or self._asked[count] % rule.every == 0)
