"""Adopt, absent or undecided: what a listing may and may not prove."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from builders import attempt, job, opening

from wanbatch.engine.reconcile import (
    MAY_STILL_BE_SENT,
    Absent,
    Adopt,
    Undecided,
    _not_for_foreign,
    judge,
    reconcile,
)
from wanbatch.ledger.store import Ledger
from wanbatch.model.lifecycle import FOREIGN, Authority, Event, EventKind, Opening, State
from wanbatch.model.outcomes import ListedTask, TaskListing

HOUR = 3600.0
CLOCKS: dict[str, Any] = {"intent_offset_s": 0.5, "outcome_offset_s": 0.5}
UNCERTAIN = attempt(state=State.UNCERTAIN, updated_at=1010.0, **CLOCKS)
OTHER = replace(attempt(job("two", seed=8), 2, state=State.UNCERTAIN, updated_at=1010.0))
TASK = ListedTask("t-1", "RUNNING", "wan2.7-i2v", None, 1001.0)
FITS = {"t-1": "a harbour"}


def listing(*tasks, started_at=2000.0, complete=True, offset_s=0.0):
    return TaskListing(tasks, started_at, complete, offset_s=offset_s)


def verdict(found, prompts=FITS, uncertain=(UNCERTAIN,), known=None, quiet_s=120.0):
    shown = {
        task_id: told if isinstance(told, ListedTask) else ListedTask(task_id, prompt=told)
        for task_id, told in prompts.items()
    }
    return judge(uncertain, found, known or {}, shown, quiet_s)[0]


def test_one_task_that_fits_in_prompt_model_and_time_is_adopted():
    assert verdict(listing(TASK)) == Adopt(UNCERTAIN, TASK)
    dated = replace(TASK, model="wan2.7-i2v-2026-04-25")
    assert verdict(listing(dated)) == Adopt(UNCERTAIN, dated)


def test_adopting_needs_no_complete_listing_and_no_quiet_time():
    assert verdict(listing(TASK, started_at=1011.0, complete=False)) == Adopt(UNCERTAIN, TASK)


@pytest.mark.parametrize(
    "found",
    [
        listing(TASK, replace(TASK, task_id="t-2")),
        listing(replace(TASK, task_id="t-3")),
    ],
    ids=["two fit", "no prompt shown yet"],
)
def test_doubt_is_left_to_a_person(found):
    assert isinstance(verdict(found, {"t-1": "a harbour", "t-2": "a harbour"}), Undecided)


def test_a_start_up_whose_clock_was_behind_does_not_make_the_quiet_time_shorter():
    behind = attempt(state=State.UNCERTAIN, updated_at=1000.0 - 7200.0, intent_offset_s=0.5)
    assert isinstance(verdict(listing(started_at=1010.0), uncertain=(behind,)), Undecided)
    assert isinstance(verdict(listing(started_at=1121.0), uncertain=(behind,)), Absent)
    assert verdict(listing(TASK), uncertain=(behind,)) == Adopt(behind, TASK)


def test_two_intents_that_fit_one_task_are_left_to_a_person():
    assert isinstance(verdict(listing(TASK), uncertain=(UNCERTAIN, OTHER)), Undecided)


@pytest.mark.parametrize("created_at", [1010.0 + 121, 1000.0 - 121], ids=["later", "earlier"])
def test_what_was_made_at_another_time_is_nobodys(created_at):
    assert verdict(listing(replace(TASK, created_at=created_at))) == Absent(UNCERTAIN)


@pytest.mark.parametrize(
    ("model", "prompt", "absent"),
    [
        ("wan2.6-t2v", "another", True),
        ("qwen-image", "another", True),
        ("wan2.6-t2v", "a harbour", False),
        ("wan2.7-i2v", "another", False),
        ("WAN2.7-I2V", "another", False),
        ("wan2.7-i2v-2026-04-25", "another", False),
        ("", "another", False),
        ("wan2.6-t2v", "A  Harbour\u200b\n", False),
    ],
)
def test_a_task_of_that_time_proves_no_absence_unless_prompt_and_model_are_others(
    model, prompt, absent
):
    found = verdict(listing(replace(TASK, model=model)), {"t-1": prompt})
    assert isinstance(found, Absent if absent else Undecided)


@pytest.mark.parametrize(
    ("asked", "told", "adopted"),
    [
        ("a harbour\n", "a harbour", True),
        ("  a\r\nharbour ", "a\nharbour", True),
        ("caf\u00e9", "cafe\u0301", True),
        ("a harbour", "a  harbour", False),
        ("a harbour", "A harbour", False),
        ("a harbour", "a\u200bharbour", False),
    ],
)
def test_services_trim_prompts_and_nothing_else_is_adopted(asked, told, adopted):
    row = replace(UNCERTAIN, request=json.dumps({"model": "wan2.7-i2v", "prompt": asked}))
    found = verdict(listing(replace(TASK, model="WAN2.7-i2v")), {"t-1": told}, uncertain=(row,))
    assert isinstance(found, Adopt if adopted else Undecided), found


@pytest.mark.parametrize(
    "told",
    [{"seconds": 10.0}, {"size": "1080P"}, {"seconds": 5.04, "size": "1080P"}],
)
def test_a_colleagues_task_of_another_length_or_size_is_not_adopted(told):
    colleagues = ListedTask("t-1", prompt="a harbour", **told)
    assert isinstance(verdict(listing(TASK), {"t-1": colleagues}), Undecided)
    ours = ListedTask("t-1", prompt="a harbour", seconds=5.04, size="720P")
    assert verdict(listing(TASK), {"t-1": ours}) == Adopt(UNCERTAIN, TASK)


@pytest.mark.parametrize(
    ("intent", "outcome", "now", "absent"),
    [
        (0.5, 0.5, 0.0, True),
        (0.5, None, 0.0, True),
        (-600.0, -600.0, 0.0, False),
        (0.0, -600.0, 0.0, False),
        (0.0, 0.0, 30.0, False),
        (None, None, 0.0, False),
        (0.0, 0.0, None, False),
    ],
)
def test_absence_needs_clocks_that_agreed_all_along(intent, outcome, now, absent):
    row = replace(UNCERTAIN, intent_offset_s=intent, outcome_offset_s=outcome)
    found = verdict(listing(offset_s=now), {}, uncertain=(row,))
    assert isinstance(found, Absent if absent else Undecided)


def test_a_task_that_another_attempt_has_is_not_adopted():
    assert verdict(
        listing(TASK), known={"t-1": replace(OTHER, request=UNCERTAIN.request)}
    ) == Absent(UNCERTAIN)


def test_a_task_that_shows_another_prompt_than_its_holders_leaves_its_owner_in_doubt():
    holder = replace(OTHER, request=OTHER.request.replace("a harbour", "another"), intent_at=1001.5)
    assert isinstance(verdict(listing(TASK), known={"t-1": holder}), Undecided)
    assert isinstance(verdict(listing(TASK), {}, known={"t-1": holder}), Undecided)
    assert verdict(listing(TASK), {"t-1": "another"}, known={"t-1": holder}) == Absent(UNCERTAIN)
    assert verdict(listing(replace(TASK, created_at=1013.0)), {}, known={"t-1": holder}) == Absent(
        UNCERTAIN
    )


def test_a_task_older_than_the_job_that_has_its_id_leaves_its_owner_in_doubt():
    assert isinstance(
        verdict(listing(TASK), known={"t-1": replace(OTHER, intent_at=1001.0 + 121)}), Undecided
    )


@pytest.mark.parametrize(
    "found",
    [
        listing(complete=False),
        listing(started_at=1010.0 + 119),
        listing(started_at=1000.0 + 23 * HOUR + 1),
    ],
    ids=["incomplete", "too soon", "too late"],
)
def test_absence_is_concluded_only_from_a_complete_listing_in_its_time(found):
    assert isinstance(verdict(found, {}), Undecided)
    assert verdict(listing(started_at=1010.0 + 121), {}) == Absent(UNCERTAIN)


class Account:
    """An account that lists what it was given."""

    def __init__(self, found, prompts):
        self.found, self.prompts = found, prompts

    async def list_tasks(self, since, until):
        return self.found

    async def look_at(self, task_id):
        return ListedTask(task_id, "SUCCEEDED", "", self.prompts.get(task_id), None)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("found", "state", "event"),
    [
        (listing(TASK, started_at=1e6), State.ACCEPTED, EventKind.ADOPTED),
        (listing(started_at=2000.0), State.PLANNED, EventKind.ABSENT),
        (None, State.UNCERTAIN, EventKind.UNCERTAIN),
    ],
    ids=["adopted", "absent", "no list"],
)
async def test_what_is_decided_is_recorded(tmp_path, found, state, event):
    row = attempt()
    async with Ledger.open(tmp_path / "ledger.db") as ledger:
        opening = Opening(
            row.fingerprint,
            "paid",
            "dashscope",
            row.origin,
            "m",
            "one",
            "r",
            Authority.FIRST,
            row.request,
            5,
            "720P",
            row.price,
            "USD",
            1000.0,
            intent_offset_s=0.0,
        )
        opened = await ledger.open_attempt(opening)
        await ledger.append(
            Event(opened.attempt_id, EventKind.UNCERTAIN, 1010.0, {"reason": "reset"})
        )
        await reconcile(ledger, Account(found, FITS), row.origin, 120.0, lambda: 3000.0)
        after = ledger.attempt(opened.attempt_id)
    assert (after.state, after.last_event) == (state, event)
    assert after.task_id == ("t-1" if state is State.ACCEPTED else "")


async def left_uncertain(ledger):
    opened = await ledger.open_attempt(
        Opening(
            **{
                name: getattr(UNCERTAIN, name)
                for name in ("fingerprint", "realm", "backend", "origin", "manifest", "job")
            },
            run_id="r",
            authority=Authority.FIRST,
            request=UNCERTAIN.request,
            length_s=5,
            size="720P",
            price=UNCERTAIN.price,
            currency="USD",
            at=1000.0,
            intent_offset_s=0.0,
        )
    )
    return await ledger.append(
        Event(opened.attempt_id, EventKind.UNCERTAIN, 1010.0, {"reason": "reset"})
    )


class Silent:
    """An account that nobody may ask."""

    async def list_tasks(self, since: float, until: float) -> TaskListing | None:
        raise AssertionError("the list was asked for")

    async def look_at(self, task_id: str) -> ListedTask | None:
        raise AssertionError(f"{task_id} was asked for")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("origin", "shared", "verdicts"),
    [("https://other.test", False, 0), (UNCERTAIN.origin, True, 1)],
    ids=["none of this account", "an account of several"],
)
async def test_where_a_list_can_settle_nothing_it_is_not_asked(tmp_path, origin, shared, verdicts):
    async with Ledger.open(tmp_path / "ledger.db") as ledger:
        row = await left_uncertain(ledger)
        found = await reconcile(ledger, Silent(), origin, 120.0, lambda: 3000.0, shared=shared)
        assert found == [Undecided(row, "others submit in this account too")] * verdicts
        assert ledger.attempt(row.attempt_id) == row


@pytest.mark.anyio
async def test_what_stays_undecided_changes_nothing_in_the_ledger(tmp_path):
    async with Ledger.open(tmp_path / "ledger.db") as ledger:
        row = await left_uncertain(ledger)
        found = listing(TASK, replace(TASK, task_id="t-2"))
        account = Account(found, {"t-1": "a harbour", "t-2": "a harbour"})
        verdicts = await reconcile(ledger, account, row.origin, 120.0, lambda: 3000.0)
        assert verdicts == [Undecided(row, "2 tasks fit")]
        assert ledger.attempt(row.attempt_id) == row


async def settled(ledger, told, **changes):
    """A row of the ledger that is settled by these events."""
    names = ("fingerprint", "realm", "backend", "origin", "manifest", "job", "request", "price")
    born = {name: getattr(UNCERTAIN, name) for name in names} | changes
    row = await ledger.open_attempt(
        Opening(
            **born,
            run_id="r",
            authority=Authority.FIRST,
            length_s=5,
            size="720P",
            currency="USD",
            at=950.0,
        )
    )
    for kind, facts in told:
        row = await ledger.append(Event(row.attempt_id, kind, 960.0, facts))
    return row


ELSEWHERE = {"realm": "emulator", "origin": "emulator"}
TAKEN: list[tuple[EventKind, dict[str, Any]]] = [
    (EventKind.ACCEPTED, {"task_id": "t-1", "accepted_at": 951.0})
]
LET_GO: list[tuple[EventKind, dict[str, Any]]] = [
    (EventKind.UNCERTAIN, {}),
    (EventKind.RESUBMIT, {}),
]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("told", "changes", "reason"),
    [
        (TAKEN, ELSEWHERE, "'one' has task t-1 of emulator: it may be the same"),
        (LET_GO, {}, "a submit that a person let go, of 'one', fits task t-1 too"),
        (
            [(EventKind.UNCERTAIN, {}), (EventKind.ABANDONED, {})],
            {},
            "a submit that a person let go, of 'one', fits task t-1 too",
        ),
    ],
    ids=["an id of elsewhere", "resubmitted", "abandoned"],
)
async def test_a_task_that_may_be_another_attempts_is_neither_adopted_nor_overlooked(
    tmp_path, told, changes, reason
):
    """An id that the emulator had given too hid the task, and a second was bought. A
    list that shows the older of two tasks first gave the job the one that a person had
    let go, and the younger was never fetched."""
    async with Ledger.open(tmp_path / "ledger.db") as ledger:
        await settled(ledger, told, **changes)
        row = await left_uncertain(ledger)
        account = Account(listing(TASK), FITS)
        verdicts = await reconcile(ledger, account, row.origin, 120.0, lambda: 3000.0)
        assert verdicts == [Undecided(row, reason)]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("told", "changes"),
    [
        ([(EventKind.UNCERTAIN, {}), (EventKind.ABSENT, {})], {}),
        (LET_GO, ELSEWHERE),
        (LET_GO, {"request": json.dumps({"model": "wan2.7-i2v", "prompt": "a forest"})}),
    ],
    ids=["proven absent", "let go elsewhere", "of another prompt"],
)
async def test_who_cannot_have_made_a_task_hinders_nobody(tmp_path, told, changes):
    async with Ledger.open(tmp_path / "ledger.db") as ledger:
        await settled(ledger, told, **changes)
        row = await left_uncertain(ledger)
        account = Account(listing(TASK), FITS)
        verdicts = await reconcile(ledger, account, row.origin, 120.0, lambda: 3000.0)
        assert verdicts == [Adopt(row, TASK)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model": ""}, "task t-1 does not name its model"),
        ({"created_at": None}, "task t-1 does not tell when it was made"),
    ],
)
def test_a_task_that_does_not_tell_enough_is_not_adopted(changes, reason):
    assert verdict(listing(replace(TASK, **changes))) == Undecided(UNCERTAIN, reason)


def test_a_task_without_a_time_hinders_absence_only_where_it_may_be_the_one():
    timeless = replace(TASK, created_at=None, model="qwen-image")
    assert verdict(listing(timeless), {"t-1": "another"}) == Absent(UNCERTAIN)
    assert isinstance(verdict(listing(timeless), {"t-1": "a harbour"}), Undecided)


HOURS = [-13.0, -8.0, 5.5, 8.0, 14.0]


@pytest.mark.parametrize("hours", HOURS)
@pytest.mark.parametrize("told", ["a harbour", "A  harbour\n", None])
def test_a_task_of_this_prompt_whole_half_hours_away_may_be_it_in_another_zone(hours, told):
    away = replace(TASK, created_at=1001.0 + hours * HOUR)
    found = verdict(listing(away, started_at=2000.0), {"t-1": told})
    assert isinstance(found, Undecided)


def test_a_submit_that_was_long_in_doubt_may_be_misread_at_any_of_its_minutes():
    """The process died; the next one began 40 minutes later, and says so of the
    outcome."""
    long = replace(UNCERTAIN, updated_at=1000.0 + 2400.0)
    for minutes in (1, 12, 20, 29, 39):
        away = replace(TASK, created_at=1000.0 + 60 * minutes + 8 * HOUR)
        found = verdict(listing(away, started_at=4000.0), uncertain=(long,))
        assert isinstance(found, Undecided), minutes


@pytest.mark.parametrize(
    ("away_s", "told"),
    [(8 * HOUR, "another"), (8 * HOUR + 600.0, "a harbour"), (15 * HOUR, "a harbour")],
)
def test_what_no_zone_explains_is_another_task(away_s, told):
    away = replace(TASK, created_at=1001.0 + away_s)
    assert verdict(listing(away), {"t-1": told}) == Absent(UNCERTAIN)


def own(task_id="t-9", accepted_at=1300.0, **changes):
    """A task of the same account that was accepted after the uncertain submit."""
    known = attempt(
        job("two", seed=8),
        9,
        state=State.ACCEPTED,
        intent_at=1290.0,
        accepted_at=accepted_at,
        task_id=task_id,
        updated_at=1900.0,
        intent_offset_s=0.5,
    )
    return {task_id: replace(known, **changes)}


def test_a_list_that_lacks_what_the_account_accepted_since_proves_nothing():
    assert isinstance(verdict(listing(), known=own()), Undecided)
    shown = ListedTask("t-9", "RUNNING", "wan2.7-i2v", None, 1300.0)
    assert verdict(listing(shown), known=own()) == Absent(UNCERTAIN)


@pytest.mark.parametrize(
    "changes",
    [
        {"realm": "emulator"},
        {"origin": "https://other.example"},
        {"accepted_at": 2001.0},
        {"accepted_at": 1000.0 - 8.1 * HOUR, "intent_at": 990.0 - 8.1 * HOUR},
    ],
    ids=["another realm", "another API", "after the list", "before it"],
)
def test_what_the_list_need_not_show_yet_is_no_doubt(changes):
    assert verdict(listing(), known=own(**changes)) == Absent(UNCERTAIN)


def test_a_list_that_does_not_show_a_task_of_a_moment_ago_is_asked_again_later():
    """It may be late, or another account's: which of the two, a later list tells."""
    assert isinstance(verdict(listing(), known=own(accepted_at=1950.0)), Undecided)


@pytest.mark.parametrize("away_s", [8 * HOUR, -8 * HOUR, 200.0])
def test_a_list_that_tells_another_time_of_our_own_task_proves_nothing(away_s):
    moved = ListedTask("t-9", "RUNNING", "wan2.7-i2v", None, 1300.0 + away_s)
    assert isinstance(verdict(listing(moved), known=own()), Undecided)


def test_the_time_of_our_own_task_is_compared_by_the_servers_clock():
    """Our clock was set by an hour between the two: the task did not move."""
    known = own(intent_offset_s=3600.5, intent_at=1290.0 - HOUR, accepted_at=1300.0 - HOUR)
    shown = ListedTask("t-9", "RUNNING", "wan2.7-i2v", None, 1300.0)
    assert verdict(listing(shown, offset_s=0.5), known=known) == Absent(UNCERTAIN)


def test_an_old_intent_may_lie_before_what_a_list_in_another_zone_shows():
    assert verdict(listing(started_at=1000.0 + 14.9 * HOUR)) == Absent(UNCERTAIN)
    assert isinstance(verdict(listing(started_at=1000.0 + 15.1 * HOUR)), Undecided)


# -- intents of other machines ---------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("found", "offset_s", "state"),
    [
        (listing(started_at=2000.0), 0.0, State.UNCERTAIN),
        (listing(TASK), 0.0, State.ACCEPTED),
        (listing(replace(TASK, created_at=1901.0)), 0.0, State.ACCEPTED),
        (listing(replace(TASK, created_at=4601.0), started_at=5e3), 3600.0, State.ACCEPTED),
        (listing(TASK), 3600.0, State.UNCERTAIN),
        (listing(TASK), None, State.UNCERTAIN),
        (listing(TASK, offset_s=None), 0.0, State.UNCERTAIN),
        (listing(started_at=8e3), None, State.UNCERTAIN),
        (listing(started_at=8e3, offset_s=None), 0.0, State.UNCERTAIN),
    ],
    ids=[
        "absent",
        "listed",
        "sent late",
        "other clock",
        "not its time",
        "no clock",
        "no date",
        "absent, no clock",
        "absent, no date",
    ],
)
async def test_an_intent_of_another_machine_is_adopted_and_never_absent(
    tmp_path, found, offset_s, state
):
    async with Ledger.open(tmp_path / "ledger.db") as ledger:
        given = opening(
            origin="https://api.test", request='{"model":"wan2.7-i2v","prompt":"a harbour"}',
            at=1000.0, intent_offset_s=offset_s,
        )  # fmt: skip
        row = await ledger.open_attempt(given)
        await ledger.keep_note(f"{FOREIGN}{row.attempt_id}", repr(row.intent_at))
        await ledger.append(Event(row.attempt_id, EventKind.UNCERTAIN, 1500.0, {"reason": "?"}))
        await reconcile(ledger, Account(found, FITS), row.origin, 120.0, lambda: 9000.0)
        assert ledger.attempt(row.attempt_id).state is state


def test_what_another_machine_may_still_send_no_verdict_calls_absent():
    """Whatever led to it: such a verdict would buy the job twice."""
    number = UNCERTAIN.attempt_id
    kept = _not_for_foreign(Absent(UNCERTAIN), {number}, listing())
    assert kept == Undecided(UNCERTAIN, MAY_STILL_BE_SENT)
    own = Absent(UNCERTAIN)
    assert _not_for_foreign(own, set(), listing()) is own


@pytest.mark.anyio
async def test_a_clock_that_was_hours_off_at_the_intent_is_allowed_for(tmp_path):
    async with Ledger.open(tmp_path / "ledger.db") as ledger:
        given = opening(
            origin="https://api.test", request='{"model":"wan2.7-i2v","prompt":"a harbour"}',
            at=8200.0, intent_offset_s=-7200.0,
        )  # fmt: skip
        row = await ledger.open_attempt(given)
        await ledger.append(Event(row.attempt_id, EventKind.UNCERTAIN, 8210.0, {"reason": "?"}))
        await reconcile(ledger, Account(listing(TASK), FITS), row.origin, 120.0, lambda: 9000.0)
        assert ledger.attempt(row.attempt_id).task_id == "t-1"
