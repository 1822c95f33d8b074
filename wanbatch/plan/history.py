"""What the ledger knows of each job, under every rule of identity that there ever was.

What it may not do: decide what follows from it (``planner`` does), or take for new what
may have been bought.

How it works: a job's attempts are those of its fingerprint. Where the ledger has rows
of the earlier rule, each job is also looked for as version 0.1.0 would have known it.
Two things are left that no fingerprint finds, and for both the stored request is read.
One is a row of the earlier rule that the present one calls the same: its prompt was
trimmed since, or its link signed anew. The other differs in nothing but the query of a
URL (``likeness``): it is the same, another, or a *doubt*, which a person settles.
Rows that a fingerprint found are not read, so that planning by a large ledger stays
cheap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from wanbatch.model.lifecycle import UNSETTLED, Attempt, State
from wanbatch.plan.earlier import Earlier
from wanbatch.plan.identity import Identified, JobKey, upstream_first
from wanbatch.plan.likeness import (
    Likeness,
    Row,
    compare,
    likeness_key_of_job,
    likeness_key_of_row,
    read_row,
)
from wanbatch.plan.rule_1 import TAG

BOUGHT = UNSETTLED | {State.STORED, State.ABANDONED}
"""States of an attempt that was, or may have been, paid for."""


class History:
    """One look into the ledger for all jobs of a plan, in one realm."""

    def __init__(
        self, attempts: Iterable[Attempt], realm: str, identified: Mapping[JobKey, Identified]
    ) -> None:
        self.identified = identified
        self.rows: dict[str, list[Attempt]] = defaultdict(list)
        self._order: dict[int, int] = {}
        for place, attempt in enumerate(attempts):
            if attempt.realm == realm:
                self.rows[attempt.fingerprint].append(attempt)
                self._order[attempt.attempt_id] = place
        self._found: dict[str, dict[int, Attempt]] = {}
        self._doubts: dict[str, Attempt] = {}
        self._judged: set[str] = set()
        if any(text.startswith(TAG) for text in self.rows):
            self._look_under_rule_1()
        if self.rows:
            self._look_at_queries()

    def attempts_of(self, key: JobKey) -> tuple[Attempt, ...]:
        """The attempts that have the job's identity, oldest first."""
        if not self.rows:  # of a first run: nothing was bought yet
            return ()
        text = self.identified[key].fingerprint
        own = () if text in self._judged else self.rows.get(text, ())
        found = self._found.get(text)
        if not found:
            return tuple(own)
        every = found | {attempt.attempt_id: attempt for attempt in own}
        return tuple(every[number] for number in sorted(every, key=self._order.__getitem__))

    def doubt_of(self, key: JobKey) -> Attempt | None:
        """What was bought for the job but for the query of its URL, where nobody but a
        person can say whether that is another file."""
        return self._doubts.get(self.identified[key].fingerprint)

    def _keep(self, entry: Identified, attempt: Attempt) -> None:
        self._found.setdefault(entry.fingerprint, {})[attempt.attempt_id] = attempt

    def _doubt(self, entry: Identified, attempt: Attempt) -> None:
        if attempt.state in BOUGHT:
            self._doubts[entry.fingerprint] = attempt

    # -- the rule of version 0.1.0 -----------------------------------------------------

    def _look_under_rule_1(self) -> None:
        earlier = Earlier(self.identified)
        seen: set[int] = set()
        for key, entry in self.identified.items():
            for attempt in self.rows.get(earlier.of(key), ()):
                self._keep(entry, attempt)
                seen.add(attempt.attempt_id)
        unknown = {
            key
            for key, entry in self.identified.items()
            if entry.fingerprint not in self.rows and entry.fingerprint not in self._found
        }
        if unknown:
            self._read_rule_1(earlier, unknown, self._index_rule_1(seen))

    def _index_rule_1(self, seen: set[int]) -> dict[object, list[Row]]:
        index: dict[object, list[Row]] = defaultdict(list)
        for text, attempts in self.rows.items():
            for attempt in attempts if text.startswith(TAG) else ():
                if attempt.attempt_id not in seen and (row := read_row(attempt)):
                    index[likeness_key_of_row(row)].append(row)
        return index

    def _read_rule_1(
        self, earlier: Earlier, unknown: set[JobKey], index: Mapping[object, list[Row]]
    ) -> None:
        """Upstream first: what a job was known by decides what those were known by that
        take its video."""
        for key in upstream_first(self.identified):
            if key not in unknown:
                continue
            entry = self.identified[key]
            for text in earlier.widen(key):
                for attempt in self.rows.get(text, ()):
                    self._keep(entry, attempt)
            for row in index.get(likeness_key_of_job(entry), ()) if index else ():
                if row.attempt.fingerprint not in earlier.remake(key, row):
                    continue
                likeness = compare(entry.request, row)
                if likeness is Likeness.SAME:
                    self._keep(entry, row.attempt)
                    earlier.add(key, row.attempt.fingerprint)
                elif likeness is Likeness.DOUBT:
                    self._doubt(entry, row.attempt)

    # -- queries -----------------------------------------------------------------------

    def _look_at_queries(self) -> None:
        """For jobs whose URLs have queries and whose fingerprint does not say it
        all."""
        open_: dict[str, Identified] = {}
        for entry in self.identified.values():
            trace = entry.request.trace
            if trace is not None and (
                entry.fingerprint not in self.rows or any(a.choosing for _, a in trace.addresses)
            ):
                open_.setdefault(entry.fingerprint, entry)
        if not open_:
            return
        settled = {e.fingerprint for e in self.identified.values()} - open_.keys()
        families = self._families(settled)
        for entry in open_.values():
            trace = entry.request.trace
            self._judge(entry, families.get(trace.family, ()) if trace else ())

    def _families(self, settled: set[str]) -> dict[str, list[Row]]:
        families: dict[str, list[Row]] = defaultdict(list)
        for text, attempts in self.rows.items():
            for attempt in attempts if text not in settled else ():
                if '"trace":' in attempt.request and (row := read_row(attempt)):
                    families[row.family].append(row)
        return families

    def _judge(self, entry: Identified, family: Iterable[Row]) -> None:
        rows = {row.attempt.attempt_id: row for row in family}
        by_identity = (
            *self.rows.get(entry.fingerprint, ()),
            *self._found.get(entry.fingerprint, {}).values(),
        )
        same: dict[int, Attempt] = {}
        for attempt in by_identity:
            row = rows.get(attempt.attempt_id) or read_row(attempt)
            if row is None:
                same[attempt.attempt_id] = attempt
            else:
                rows[attempt.attempt_id] = row
        for number in sorted(rows):
            likeness = compare(entry.request, rows[number])
            if likeness is Likeness.SAME:
                same[number] = rows[number].attempt
            elif likeness is Likeness.DOUBT:
                self._doubt(entry, rows[number].attempt)
        self._found[entry.fingerprint] = same
        self._judged.add(entry.fingerprint)
        if any(attempt.state in BOUGHT for attempt in same.values()):
            self._doubts.pop(entry.fingerprint, None)


class KnownAs:
    """What jobs are known by under every rule, for looking into reports, locks and
    other ledgers; an earlier rule's fingerprint is made when it is asked for."""

    def __init__(self, identified: Mapping[JobKey, Identified]) -> None:
        self._identified = identified
        self._earlier = Earlier(identified)

    def of(self, key: JobKey) -> Iterator[str]:
        """The job's fingerprints, the present one first."""
        yield self._identified[key].fingerprint
        yield self._earlier.of(key)


def known_fingerprints(
    identified: Mapping[JobKey, Identified],
) -> dict[JobKey, tuple[str, ...]]:
    """All that each job is known by, the present fingerprint first."""
    known_as = KnownAs(identified)
    return {key: tuple(known_as.of(key)) for key in identified}
