"""A plan as Markdown for a pull request: the sums, what is there already, what it would
add, and what changed, by job id.

What it may not do: print, decide anything, let a text of a manifest act where it is
shown, or be longer than a comment may be.

How it works: every text that comes from a manifest, a ledger or a provider stands in a
code span (``words.markdown``). First comes what everybody reads, then a folded list for
each job id. Where not all has room, the lists are shortened before ids are left out,
and a line says what is missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

from wanbatch.cli.wording import plan_line
from wanbatch.model.changes import find_changes
from wanbatch.model.lifecycle import RESERVED, SPENT, Attempt, Snapshot, State
from wanbatch.model.plan import Action, JobState, Plan, PlannedJob
from wanbatch.words.hiding import hide_queries
from wanbatch.words.humanize import money, plural
from wanbatch.words.markdown import MOST_CHARACTERS, code_span, cut_middle, flatten, length

NAMED = 5
"""Jobs of one kind that are named."""
EXPLAINED = 3
"""Changed jobs of one id whose changes are told in words."""
NAME, VALUE = 80, 160
"""So many characters of a name and of a value are shown (all chosen)."""
SPARE = 400
"""Characters kept for the lines that say what was left out."""

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Section:
    """A job id: its sum, and how the lines below it are made, which may be many."""

    title: str
    sums: str
    lines: Callable[[], Sequence[str]]
    jobs: int

    def text(self, lines: Sequence[str] = ()) -> str:
        """Folded, with a line end behind it."""
        body = "".join(f"{line}\n" for line in lines)
        return f"<details><summary>{self.title}: {self.sums}</summary>\n\n{body}\n</details>\n\n"


def render_plan_markdown(plan: Plan, snapshot: Snapshot, digest: str, left: str = "") -> str:
    """The whole comment, at most ``MOST_CHARACTERS`` long. ``left`` is a sentence about
    the budgets of day and month."""
    head = [*_head(plan, snapshot, digest), *(["", left] if left else []), ""]
    before = _last_of_name(plan, snapshot)
    by_id: dict[Key, list[PlannedJob]] = {}
    for entry in plan.selected():
        by_id.setdefault((entry.job.manifest, entry.job.id), []).append(entry)
    several = len({manifest for manifest, _ in by_id}) > 1
    ids = [
        _section(f"{key[0]}/{key[1]}" if several else key[1], entries, plan, before)
        for key, entries in by_id.items()
        if any(entry.action is not Action.REUSE for entry in entries)
    ]
    quiet = len(by_id) - len(ids)
    gone = _gone(plan, snapshot)
    sections = [*([gone] if gone else []), *ids]
    tail = [f"{plural(quiet, 'job id')} without changes: not listed."] if quiet else []
    return _laid_out(head, sections, tail)


# -- what everybody reads --------------------------------------------------------------


def _head(plan: Plan, snapshot: Snapshot, digest: str) -> list[str]:
    ledger = code_span(snapshot.ledger_id[:8]) if snapshot.ledger_id else "none yet"
    total = len(plan.jobs) - len(plan.selected())
    lines = [
        f"### {plan_line(plan)}",
        "",
        f"Backend {code_span(plan.backend, NAME)}, ledger {ledger}, digest {code_span(digest)}.",
        "",
        "| | jobs | price |",
        "| --- | ---: | ---: |",
        *(f"| {what} | {count:,} | {price} |" for what, count, price in _sums(plan, snapshot)),
    ]
    if total:
        lines += ["", f"{plural(total, 'job')} of the manifest not selected."]
    return lines


def _sums(plan: Plan, snapshot: Snapshot) -> Iterable[tuple[str, int, str]]:
    """What there is, and what this plan adds to it."""
    entries = plan.selected()
    done = [e for e in entries if e.state is JobState.DONE]
    under_way = [e for e in entries if e.state in (JobState.RUNNING, JobState.FINISHED)]
    if done:
        yield "done already", len(done), _cost(plan, done)
    if under_way:
        yield "under way", len(under_way), _cost(plan, under_way)
    added = plan.count()[Action.GENERATE]
    yield "**to generate**", added, f"**{money(plan.total, plan.currency)}**"
    rest = len(entries) - len(done) - len(under_way) - added
    if rest > 0:
        yield "blocked, skipped or to decide", rest, ""
    selected = {(e.job.manifest, e.name) for e in entries}
    known = {a.attempt_id for e in plan.jobs for a in e.attempts}
    earlier = [
        a
        for a in snapshot.attempts
        if a.realm == plan.realm and (a.manifest, a.job) in selected
        if _is_counted(a) and a.attempt_id not in known
    ]
    if earlier:
        yield "earlier versions of these, kept", len(earlier), _sum_of(plan, earlier)


def _cost(plan: Plan, entries: Iterable[PlannedJob]) -> str:
    """What the attempts of jobs cost, each once."""
    attempts = {a.attempt_id: a for e in entries for a in e.attempts if _is_counted(a)}
    return _sum_of(plan, attempts.values())


def _sum_of(plan: Plan, attempts: Iterable[Attempt]) -> str:
    if plan.realm == "emulator":
        return money(Decimal(0), plan.currency)
    counted = list(attempts)
    prices = [a.price for a in counted if a.price is not None]
    currencies = {a.currency for a in counted if a.price is not None} or {plan.currency}
    is_known = len(prices) == len(counted) and len(currencies) == 1
    return money(sum(prices, Decimal(0)) if is_known else None, min(currencies))


def _is_counted(attempt: Attempt) -> bool:
    return attempt.state in SPENT | RESERVED


def _last_of_name(plan: Plan, snapshot: Snapshot) -> Mapping[Key, Attempt]:
    """What was bought last under each name."""
    return {
        (a.manifest, a.job): a
        for a in snapshot.attempts
        if a.realm == plan.realm and a.state is not State.PLANNED
    }


# -- by job id -------------------------------------------------------------------------


def _section(
    name: str, entries: Sequence[PlannedJob], plan: Plan, before: Mapping[Key, Attempt]
) -> Section:
    sums = []
    for action in Action:
        jobs = [entry for entry in entries if entry.action is action]
        if jobs:
            sums.append(f"{len(jobs):,} {_VERBS[action]}{_priced(action, jobs, plan)}")
    return Section(
        _title(name), ", ".join(sums), lambda: _groups(entries, plan, before), len(entries)
    )


def _groups(
    entries: Sequence[PlannedJob], plan: Plan, before: Mapping[Key, Attempt]
) -> Sequence[str]:
    """Lines for the jobs that have one action for one reason, by action."""
    groups: dict[tuple[Action, str], list[PlannedJob]] = {}
    for entry in entries:
        groups.setdefault((entry.action, entry.reason.code.value), []).append(entry)
    order = list(Action)
    found: list[str] = []
    for (action, _), jobs in sorted(groups.items(), key=lambda one: order.index(one[0][0])):
        found += _group(action, jobs, plan, before)
    return found


_VERBS = {
    Action.GENERATE: "to generate",
    Action.RESUME: "to resume",
    Action.REUSE: "up to date",
    Action.BLOCKED: "blocked",
    Action.SKIP: "skipped",
    Action.ASK: "to decide",
}


def _title(name: str) -> str:
    """Inside of HTML, where a backtick is none."""
    return f"<code>{escape(cut_middle(flatten(hide_queries(name)), NAME))}</code>"


def _priced(action: Action, jobs: Sequence[PlannedJob], plan: Plan) -> str:
    if action is not Action.GENERATE:
        return ""
    prices = [entry.price for entry in jobs if entry.price is not None]
    total = sum(prices, Decimal(0)) if len(prices) == len(jobs) else None
    return f" ({money(total, plan.currency)})"


def _group(
    action: Action, jobs: Sequence[PlannedJob], plan: Plan, before: Mapping[Key, Attempt]
) -> Iterable[str]:
    """Jobs that have their action for one reason."""
    what = f"- **{action.value}** {len(jobs):,}{_priced(action, jobs, plan)}"
    if action is Action.REUSE:
        return [f"{what}: up to date"]
    reason = code_span(str(jobs[0].reason), VALUE)
    changed = [(e, changes) for e in jobs[:EXPLAINED] if (changes := _changes(e, before))]
    if not changed:
        names = ", ".join(code_span(entry.name, NAME) for entry in jobs[:NAMED])
        return [f"{what}, {reason}: {names}{_more(len(jobs) - NAMED)}"]
    return [
        f"{what}, {reason}:",
        *(f"  - {code_span(entry.name, NAME)}: {changes}" for entry, changes in changed),
        *([f"  - and {len(jobs) - len(changed):,} more"] if len(jobs) > len(changed) else []),
    ]


def _changes(entry: PlannedJob, before: Mapping[Key, Attempt]) -> str:
    """What of a job is another than when its name was bought last; empty for one that
    is as it was, or new."""
    last = before.get((entry.job.manifest, entry.name))
    if entry.action is not Action.GENERATE or last is None or last in entry.attempts:
        return ""
    found = find_changes(json.loads(last.request), json.loads(entry.request.describe()))
    return "; ".join(f"{one.part} {code_span(one.words, VALUE)}" for one in found)


def _more(count: int) -> str:
    return f" and {count:,} more" if count > 0 else ""


def _gone(plan: Plan, snapshot: Snapshot) -> Section | None:
    """What was paid for and no job of the manifests stands for any more."""
    names = {entry.job.manifest for entry in plan.jobs}
    known = {a.attempt_id for entry in plan.jobs for a in entry.attempts}
    present = {(entry.job.manifest, entry.name) for entry in plan.jobs}
    gone = [
        a
        for a in snapshot.attempts
        if a.realm == plan.realm and a.manifest in names and a.attempt_id not in known
        if _is_counted(a) and (a.manifest, a.job) not in present
    ]
    if not gone:
        return None
    jobs = dict.fromkeys(a.job for a in gone)
    shown = [f"- {code_span(name, NAME)}" for name in list(jobs)[: 10 * NAMED]]
    more = [f"- and {len(jobs) - len(shown):,} more"] if len(jobs) > len(shown) else []
    sums = f"{plural(len(jobs), 'job')}, {_sum_of(plan, gone)} spent; their videos stay"
    return Section("No longer in the manifest", sums, lambda: (*shown, *more), len(jobs))


# -- within the bound ------------------------------------------------------------------


def _laid_out(head: Sequence[str], sections: Iterable[Section], tail: Sequence[str]) -> str:
    """Every section closed, as far as they go; then their lists, in order, as far as
    those go."""
    room = MOST_CHARACTERS - SPARE - sum(length(line) + 1 for line in (*head, *tail))
    kept: list[Section] = []
    left: list[Section] = []
    for section in sections:
        needed = length(section.text())
        (kept if needed <= room and not left else left).append(section)
        room -= needed if not left else 0
    texts, short = [], 0
    for section in kept:
        lines = section.lines() if room else ("",)
        taken, room = _as_many(lines, room)
        short += len(taken) < len(lines)
        texts.append(section.text(taken))
    return (
        "\n".join(head)
        + "\n"
        + "".join(texts)
        + "".join(f"{line}\n" for line in (*tail, *_left_out(left, short)))
    )


def _as_many(lines: Sequence[str], room: int) -> tuple[list[str], int]:
    """The lines that have room, and what is left of it: nothing, where one had none."""
    taken: list[str] = []
    for line in lines:
        if room < length(line) + 1:
            return taken, 0
        room -= length(line) + 1
        taken.append(line)
    return taken, room


def _left_out(sections: Sequence[Section], short: int) -> list[str]:
    parts = []
    if sections:
        jobs = sum(section.jobs for section in sections)
        parts.append(f"{plural(len(sections), 'list')} of {plural(jobs, 'job')}")
    if short:
        parts.append(f"lines of {plural(short, 'list')} above")
    return [f"**Left out for its length:** {', '.join(parts)}."] if parts else []
