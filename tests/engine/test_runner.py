"""The runner over real sockets, on both async backends: a whole batch, what goes wrong
on the way, and what is durable before what."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from typing import cast

import pytest
from builders import follow, job, manifest, media
from PIL import Image

from wanbatch.config.profiles import load_profiles, resolve_profile
from wanbatch.emulator.process import start_emulator
from wanbatch.engine.runner import ApiClient, RunContext, Runner
from wanbatch.ledger.store import Ledger
from wanbatch.ledger.verify import verify_ledger
from wanbatch.model.job import FileMedia
from wanbatch.model.lifecycle import EventKind, Opening, State
from wanbatch.model.media import FileDigest
from wanbatch.model.outcomes import Accepted, Rejected, Uncertain
from wanbatch.model.plan import Action
from wanbatch.model.wire import Secret
from wanbatch.operations.approval import Nobody
from wanbatch.operations.check import Checked
from wanbatch.operations.choose import SpendingLimit
from wanbatch.operations.events import NotPrepared, Planned
from wanbatch.operations.options import PlanningOptions, RunOptions
from wanbatch.operations.run import Prepared, Run, watch_nothing
from wanbatch.operations.wiring import real_ports
from wanbatch.plan.planner import PlanOptions, Target, make_plan
from wanbatch.testing.pool import AtOnce

pytestmark = pytest.mark.anyio
PROFILE = resolve_profile(load_profiles({"WANBATCH_CONFIG": "/dev/null"}), "emulator", {})


class House:
    """A folder with a picture, an emulator and a ledger; ``run`` is the shipped run
    once all was checked."""

    def __init__(self, output, server):
        self.output, self.server = output, server
        picture = output / "picture.png"
        Image.new("RGB", (320, 240), "teal").save(picture)
        self.picture = picture
        self.digests = {
            picture: FileDigest(
                hashlib.sha256(picture.read_bytes()).hexdigest(),
                picture.stat().st_size,
                "image/png",
            )
        }
        self.seen = []

    def job(self, name, **changes):
        return job(
            name,
            **{
                "seconds": 2,
                "media": (media(source=FileMedia("picture.png", self.picture)),),
                **changes,
            },
        )

    async def run(self, *jobs, retries=0):
        """Returns the plan that the run began with, and the ledger at its end."""
        self.seen.clear()
        profile = replace(
            PROFILE,
            base_url=self.server.base_url,
            api_key=Secret("emulator-key"),
            poll_interval_s=0.1,
        )
        options = PlanningOptions(files=(self.output / "m.wanbatch.yaml",), output=self.output)
        checked = Checked((manifest(*jobs, retries=retries),), self.digests, ())
        prepared = Prepared(options, RunOptions(wait_s=60.0), checked, profile, SpendingLimit())
        ports = replace(real_ports(prepared, watch_nothing), report=lambda *_: ())
        run = Run(prepared, ports, Nobody(), self.seen.append)
        with run.lock():
            result = await run.execute()
        (planned,) = (e.plan for e in self.seen if isinstance(e, Planned))
        self.scheduler = run.scheduler
        return planned, result.snapshot

    def accepted(self):
        lines = (self.output / "books/tasks.jsonl").read_text().splitlines()
        return [e for e in map(json.loads, lines) if e["event"] == "accepted"]


@pytest.fixture
def house(tmp_path):
    with start_emulator(tmp_path / "books", "--render", "cached", "--latency", "0.2") as server:
        yield House(tmp_path, server)


async def test_a_batch_with_a_chain_comes_home(house):
    jobs = [
        house.job("a", seed=1),
        house.job("b", seed=2),
        job("next", media=follow("a"), seconds=4),
    ]
    _, snapshot = await house.run(*jobs)
    assert [a.state for a in snapshot.attempts] == [State.STORED] * 3
    assert len(house.accepted()) == 3
    for attempt in snapshot.attempts:
        content = (house.output / attempt.path).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (
            attempt.sha256,
            attempt.bytes,
        )
        assert attempt.seconds == pytest.approx(attempt.length_s, abs=0.1)
    assert not list((house.output / "m/videos/.part").iterdir())
    assert verify_ledger(house.output / "ledger.db") == []
    again, _ = await house.run(*jobs)
    assert again.count() == {Action.REUSE: 3}
    assert len(house.accepted()) == 3


async def test_twins_share_one_purchase_and_each_gets_a_name(house):
    plan, snapshot = await house.run(house.job("a"), house.job("twin"))
    assert len(house.accepted()) == len(snapshot.attempts) == 1
    files = {p.path for p in snapshot.placements}
    assert files == {e.path for e in plan.jobs}
    assert len(files) == 2
    assert all((house.output / f).is_file() for f in files)


async def test_a_renamed_job_keeps_its_video(house):
    await house.run(house.job("a"))
    plan, snapshot = await house.run(house.job("b"))
    assert plan.jobs[0].action is Action.REUSE
    assert len(house.accepted()) == 1
    assert (house.output / snapshot.placements[-1].path).name.startswith("b.")


async def test_an_intent_without_an_answer_is_uncertain_and_never_sent_again(house):
    one = house.job("a")
    plan, _ = await house.run()
    async with Ledger.open(house.output / "ledger.db") as ledger:
        target = Target("emulator", "emulator", PROFILE.origin, PROFILE.prices)
        plan = make_plan(
            [manifest(one)],
            house.digests,
            ledger.snapshot,
            frozenset(),
            target,
            PlanOptions(),
            time.time(),
        )
        entry = plan.jobs[0]
        from wanbatch.model.lifecycle import Authority

        await ledger.open_attempt(
            Opening(
                entry.fingerprint,
                "emulator",
                "emulator",
                PROFILE.origin,
                "m",
                "a",
                "old",
                Authority.FIRST,
                "{}",
                2,
                "720P",
                entry.price,
                "USD",
                time.time(),
            )
        )
    plan, snapshot = await house.run(one)
    assert (plan.jobs[0].action, snapshot.attempts[0].state) == (Action.ASK, State.UNCERTAIN)
    assert not (house.output / "books/tasks.jsonl").exists() or not house.accepted()


async def test_bytes_that_were_staged_get_their_name_at_the_next_start(house):
    await house.run(house.job("a"))
    attempt = await rewind(house, State.STAGED)
    part = house.output / "m/videos/.part" / f"{attempt.attempt_id}.part"
    (house.output / attempt.path).rename(part)
    _, snapshot = await house.run(house.job("a"))
    assert snapshot.attempts[0].state is State.STORED
    assert (house.output / snapshot.attempts[0].path).is_file()
    assert not part.exists()


async def test_staged_bytes_that_are_gone_are_fetched_again(house):
    await house.run(house.job("a"))
    attempt = await rewind(house, State.STAGED)
    (house.output / attempt.path).unlink()
    _, snapshot = await house.run(house.job("a"))
    assert snapshot.attempts[0].state is State.STORED
    assert (house.output / snapshot.attempts[0].path).stat().st_size == attempt.bytes
    assert len(house.accepted()) == 1


async def test_a_stored_video_that_was_lost_is_downloaded_again(house):
    _, snapshot = await house.run(house.job("a"))
    path = house.output / snapshot.attempts[0].path
    path.unlink()
    plan, snapshot = await house.run(house.job("a"))
    assert plan.jobs[0].action is Action.RESUME
    assert hashlib.sha256(path.read_bytes()).hexdigest() == snapshot.attempts[0].sha256
    assert snapshot.attempts[0].last_event is EventKind.RESTORED
    assert len(house.accepted()) == 1


async def rewind(house, state):
    """Takes the last event back, as if the process had died before it."""
    import sqlite3

    with sqlite3.connect(house.output / "ledger.db") as connection:
        connection.execute("DELETE FROM events WHERE kind = 'stored'")
        connection.execute("DELETE FROM placements")
        connection.execute(
            "UPDATE attempts SET state = ?, last_event = ?, stored_at = 0, last_seq = last_seq - 1",
            (state.value, state.value),
        )
    connection.close()
    async with Ledger.open(house.output / "ledger.db") as ledger:
        return ledger.snapshot.attempts[0]


async def test_a_picture_that_cannot_be_read_sends_nothing(house):
    one = house.job("a")
    house.picture.unlink()
    _, snapshot = await house.run(one)
    assert not snapshot.attempts
    assert any(isinstance(event, NotPrepared) for event in house.seen)


async def test_a_still_of_an_upstream_is_cut_and_sent(house):
    from wanbatch.model.job import JobMedia

    last = job("still", media=(media("first_frame", JobMedia("a", "last")),), seconds=2, seed=9)
    _, snapshot = await house.run(house.job("a"), last)
    assert [a.state for a in snapshot.attempts] == [State.STORED] * 2
    stills = list((house.output / "m/stills").iterdir())
    assert [s.suffix for s in stills] == [".png"]
    sent = house.accepted()[1]["request"]["media"][0]
    assert sent["sha256"] == hashlib.sha256(stills[0].read_bytes()).hexdigest()


async def test_an_id_that_another_task_has_is_no_answer(house):
    """A server that gives an id twice: the second buyer cannot know whose video it
    names."""
    _, snapshot = await house.run(house.job("a", seed=1))
    known = snapshot.attempts[0].task_id
    async with Ledger.open(house.output / "ledger.db") as ledger:
        context = RunContext(
            "run", "emulator", "emulator", PROFILE.origin, "USD", house.output, time.time, AtOnce()
        )
        no_client = cast(ApiClient, None)  # nothing is asked
        runner = Runner(context, house.scheduler, ledger, no_client, house.seen.append)
        assert runner._doubt_known_id(Accepted(known)) == Uncertain(
            "the API answered with the id of another task"
        )
        assert runner._doubt_known_id(Accepted("task_new")) == Accepted("task_new")
        assert isinstance(runner._doubt_known_id(Accepted("task_new")), Uncertain)
        assert runner._doubt_known_id(Rejected("a", "b")) == Rejected("a", "b")
