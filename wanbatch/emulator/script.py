"""Scripted faults: when an answer is spoiled, and how. Values and the choosing; reading the YAML is ``script_file``.

What it may not do: I/O, draw from any random source but its own seeded one.

How it works: rules are asked in order, and the first that fires decides. Each rule counts the calls of its route that reach it, so ``call:
3`` is the third call whatever other rules do. Probabilities are drawn from a source seeded by the script, one for each rule: the same calls
give the same faults.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Route = Literal["submit", "status", "content", "media", "upload", "list", "cancel"]
ROUTES: tuple[Route, ...] = ("submit", "status", "content", "media", "upload", "list", "cancel")

Act = Literal[
    "answer", "reset", "close", "stall", "slow", "short_body", "no_length", "redirect", "huge_body", "wrong_types",
    "duplicate_id", "invalid_id", "fail", "forever", "late", "expired",
]  # fmt: skip
FATES: frozenset[Act] = frozenset({"fail", "forever", "late", "expired"})
"""Acts that spoil the task and not the answer; they belong to ``submit``."""

Envelope = Literal["task", "auth", "content", "dashscope", "html", "text", "json", "empty"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One fault and when it happens. Without ``calls``, ``every`` and ``probability`` it happens at each call; at most ``times`` times.

    ``after`` (for submits) spoils the answer of a task that *was* accepted. ``details`` are the act's own fields.
    """

    route: Route
    act: Act
    calls: frozenset[int] = frozenset()
    every: int = 0
    probability: float = 1.0
    times: int | None = None
    after: bool = False
    details: Mapping[str, object] = field(default_factory=dict)

    def number(self, name: str, default: float) -> float:
        """A number among the details."""
        value = self.details.get(name, default)
        return float(value) if isinstance(value, (int, float)) else default

    def text(self, name: str, default: str = "") -> str:
        """A text among the details."""
        value = self.details.get(name, default)
        return value if isinstance(value, str) else default


@dataclass(frozen=True, slots=True)
class Script:
    """All faults of one file, in order."""

    rules: tuple[Rule, ...]
    seed: int = 0


class Faults:
    """A script being played: it remembers how often each rule was asked and fired."""

    def __init__(self, script: Script | None) -> None:
        self._rules = script.rules if script else ()
        self._asked = [0] * len(self._rules)
        self.fired = [0] * len(self._rules)
        seed = script.seed if script else 0
        self._sources = [random.Random(f"{seed} {i}") for i in range(len(self._rules))]  # noqa: S311 - a rehearsal, not a secret

    def choose(self, route: str) -> Rule | None:
        """The rule that spoils this call of ``route``, or ``None``."""
        chosen = None
        for i, rule in enumerate(self._rules):
            if rule.route == route and self._fires(i, rule) and chosen is None:
                chosen = i
        if chosen is None:
            return None
        self.fired[chosen] += 1
        return self._rules[chosen]

    def _fires(self, i: int, rule: Rule) -> bool:
        self._asked[i] += 1
        drawn = rule.probability >= 1.0 or self._sources[i].random() < rule.probability
        if rule.times is not None and self.fired[i] >= rule.times:
            return False
        if rule.calls:
            return self._asked[i] in rule.calls and drawn
        return drawn and (not rule.every or self._asked[i] % rule.every == 0)
