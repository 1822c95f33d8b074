"""What the attempts of a run hold of its budget, and of those of day and month. Pure.

What it may not do: decide what is bought, or when.

How it works: a price is held back before the intent is written (``hold``). The answer
to the POST gives it back (``release``), charges it (``spend``), or names the attempt
that it is held for until its task ends (``accepted``, then ``settle``). A task that
failed costs nothing; where the provider takes its failure back, it is charged after all
(``turned``). The periods count rows, whoever's run they are of: they are told each
(``seen``), and hold a price back only until its intent is written.
"""

from __future__ import annotations

from decimal import Decimal

from wanbatch.engine.pacing.budget import Budget
from wanbatch.engine.pacing.periods import Periods
from wanbatch.model.lifecycle import Attempt, State


class Money:
    """One run's budget, by attempt. ``periods`` are what all runs of the ledger
    share."""

    def __init__(self, budget: Budget, periods: Periods | None = None) -> None:
        self.budget = budget
        self.periods = periods or Periods()
        # Accepted attempts whose price is reserved, and neither spent nor released.
        # Each is under watch; what this run did not buy is never here.
        self.held: set[int] = set()
        # Attempts whose price was released when their task failed, and has not been
        # charged since. None of them is in ``held``.
        self.given_back: set[int] = set()

    def hold(self, price: Decimal | None) -> str:
        """Reserves a price before its POST; why no budget allows it where none does,
        else nothing."""
        refusal = self.periods.refusal(price)
        if refusal or not self.budget.reserve(price):
            return refusal or f"{self.budget.title} does not allow it"
        self.periods.hold(price)
        return ""

    def unsent(self, price: Decimal | None) -> None:
        """The POST did not go out, and there is no intent."""
        self.budget.release(price)
        self.periods.let_go(price)

    def intended(self, price: Decimal | None) -> None:
        """The intent is written: its row was seen, and counts."""
        self.periods.let_go(price)

    def seen(self, attempt: Attempt) -> None:
        """The row of an attempt, after each event."""
        self.periods.take(attempt)

    def release(self, price: Decimal | None) -> None:
        """The POST was refused."""
        self.budget.release(price)

    def spend(self, price: Decimal | None) -> None:
        """The POST ended uncertain: that counts as spent."""
        self.budget.spend(price)

    def accepted(self, attempt: Attempt) -> None:
        """The reservation is this attempt's until its task has ended."""
        self.held.add(attempt.attempt_id)

    def settle(self, attempt: Attempt) -> None:
        """The task has ended: what it holds is charged, or given back if it failed."""
        if attempt.attempt_id not in self.held:
            return
        self.held.discard(attempt.attempt_id)
        if attempt.state is State.REMOTE_FAILED:
            self.given_back.add(attempt.attempt_id)
            self.budget.release(attempt.price)
        else:
            self.budget.spend(attempt.price)

    def turned(self, attempt: Attempt) -> None:
        """The provider takes a failure back: what was given back is charged."""
        if attempt.attempt_id in self.given_back:
            self.given_back.discard(attempt.attempt_id)
            self.budget.charge(attempt.price)
