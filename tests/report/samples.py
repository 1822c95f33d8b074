"""Hand-made values for the report's tests: whole plans with the attempts that their
jobs have, small real videos. No planner, ledger or network takes part."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import av
import builders
from PIL import Image, ImageDraw

from wanbatch.model.job import Job, Manifest, RunSettings
from wanbatch.model.lifecycle import Attempt, Placement, RunRecord, Snapshot, State, open_attempt
from wanbatch.model.measures import Level, References, Targets
from wanbatch.model.plan import Action, JobState, MediaRef, Plan, PlannedJob, Request
from wanbatch.model.reason import ReasonCode, because
from wanbatch.model.report import Report
from wanbatch.report.write import frames_name, poster_name, preview_name
from wanbatch.videos.looking import Undecodable, look_at
from wanbatch.words.diagnostics import Position

START = 1_780_000_000.0
"""2026-05-28T20:26:40Z, when the sample run begins."""

ACTIONS = {
    JobState.DONE: Action.REUSE,
    JobState.RUNNING: Action.RESUME,
    JobState.PLANNED: Action.GENERATE,
    JobState.BLOCKED: Action.BLOCKED,
    JobState.FAILED: Action.SKIP,
    JobState.SKIPPED: Action.SKIP,
    JobState.UNCERTAIN: Action.ASK,
    JobState.EXPIRED: Action.ASK,
    JobState.ELSEWHERE: Action.ASK,
    JobState.FINISHED: Action.RESUME,
}


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def make_request(
    seed: int = 100,
    prompt: str | None = "Harbour at dawn, 35mm film, soft light",
    **changes: Any,
) -> Request:
    media = (MediaRef("first_frame", "media/harbor.png", sha256=sha("harbor.png")),)
    request = Request(
        "wan2.7-i2v",
        prompt,
        "blurry, text",
        media,
        5,
        "720P",
        seed,
        prompt_extend=False,
        watermark=False,
    )
    return replace(request, **changes)


def make_job(
    name: str = "opening[hour=dawn,seed=100]",
    manifest: str = "harbor",
    tags: Sequence[str] = ("hero",),
    request: Request | None = None,
) -> Job:
    request = request or make_request()
    inside = name.partition("[")[2].removesuffix("]")
    axes = tuple(
        (key, int(value) if value.isdigit() else value)
        for key, _, value in (pair.partition("=") for pair in inside.split(",") if pair)
    )
    return builders.job(
        name,
        manifest=manifest,
        axes=axes,
        tags=tuple(tags),
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        media=(),
        seconds=request.seconds,
        size=request.size,
        seed=request.seed,
        place=Position("specs/harbor.wanbatch.yaml", 4, 5),
    )


def make_attempt(
    attempt_id: int, job: str, state: State = State.STORED, fingerprint: str = "", **changes: Any
) -> Attempt:
    """An attempt of the sample run, by default stored 50 s after its intent, its intent
    a second after the one before."""
    at = START + attempt_id
    accepted = state not in (State.INTENT, State.UNCERTAIN, State.REJECTED, State.PLANNED)
    finished = state in (State.REMOTE_OK, State.STAGED, State.STORED, State.REMOTE_FAILED)
    opened = builders.opening(
        fingerprint=fingerprint or f"wb1:{sha(job)}",
        origin="https://api.example.com",
        job=job,
        run_id="20260528-202640-a1b2",
        request=make_request().describe(),
        at=at,
    )
    attempt = replace(
        open_attempt(attempt_id, opened),
        state=state,
        updated_at=at + 50 if accepted else at + 1,
        task_id=f"video_{sha(job)[:16]}_{attempt_id}" if accepted else "",
        accepted_at=at + 0.5 if accepted else 0.0,
        finished_at=at + 47.5 if finished else 0.0,
        give_up_at=at + 90_000 if accepted else 0.0,
        available_until=at + 86_400 if accepted else 0.0,
        polls=4 if accepted else 0,
    )
    if state is State.STORED:
        attempt = replace(
            attempt,
            stored_at=at + 50,
            path="",
            sha256=sha(f"video {job}"),
            bytes=2_345_678,
            seconds=5.0,
            width=1280,
            height=720,
            fps=30.0,
            has_audio=True,
        )
    return replace(attempt, **changes)


def make_planned(
    job: Job,
    state: JobState = JobState.DONE,
    attempts: Sequence[Attempt] = (),
    request: Request | None = None,
    **changes: Any,
) -> PlannedJob:
    """A plan entry that is decided by the last of ``attempts``."""
    planned = PlannedJob(
        job=job,
        request=request or make_request(seed=job.seed, prompt=job.prompt),
        fingerprint=attempts[-1].fingerprint if attempts else f"wb1:{sha(job.name)}",
        price=Decimal("0.50"),
        action=ACTIONS[state],
        reason=because(ReasonCode.UP_TO_DATE if state is JobState.DONE else ReasonCode.NEW),
        state=state,
        attempt=attempts[-1] if attempts else None,
        attempts=tuple(attempts),
        path=f"{job.manifest}/videos/"
        f"{job.name.translate(str.maketrans('[=,', '.-.', ']'))}.1f3a9c2e.mp4",
    )
    return replace(planned, **changes)


def make_manifest(jobs: Sequence[Job], name: str = "harbor", **changes: Any) -> Manifest:
    settings = RunSettings(backend="gateway")
    return replace(
        Manifest(
            f"specs/{name}.wanbatch.yaml",
            name,
            sha(name),
            tuple(jobs),
            "Dawn and dusk at the harbour",
            settings,
        ),
        **changes,
    )


def make_plan(entries: Sequence[PlannedJob], **changes: Any) -> Plan:
    return replace(
        Plan("gateway", "paid", "https://api.example.com", "USD", tuple(entries), Decimal("1.50")),
        **changes,
    )


def make_run(**changes: Any) -> RunRecord:
    run = RunRecord(
        "20260528-202640-a1b2", "harbor", "gateway", "paid", START, START + 120, 0, 321, "0.1.0"
    )
    return replace(run, **changes)


def make_snapshot(
    entries: Sequence[PlannedJob],
    others: Sequence[Attempt] = (),
    runs: Sequence[RunRecord] = (),
    *,
    placed: bool = True,
) -> Snapshot:
    attempts = {a.attempt_id: a for entry in entries for a in entry.attempts} | {
        a.attempt_id: a for a in others
    }
    placements = [
        Placement(entry.job.manifest, entry.name, entry.attempt.attempt_id, entry.path, 0)
        for entry in entries
        if placed and entry.attempt and entry.state is JobState.DONE
    ]
    return Snapshot(
        tuple(attempts[key] for key in sorted(attempts)), tuple(placements), tuple(runs)
    )


def make_case(
    *states: JobState, former: bool = False
) -> tuple[Manifest, Plan, Snapshot, RunRecord]:
    """One job per state, in order, with the attempt that such a state has."""
    entries = [_entry(number, state) for number, state in enumerate(states, start=1)]
    others = (
        [
            make_attempt(
                900, "closing[hour=noon]", path="harbor/videos/closing.hour-noon.00ff00ff.mp4"
            )
        ]
        if former
        else []
    )
    run = make_run()
    return (
        make_manifest([e.job for e in entries]),
        make_plan(entries),
        make_snapshot(entries, others, [run]),
        run,
    )


def _entry(number: int, state: JobState) -> PlannedJob:
    request = make_request(seed=99 + number)
    job = make_job(f"opening[hour=dawn,seed={99 + number}]", request=request)
    attempt_states: dict[JobState, tuple[State, dict[str, Any]]] = {
        JobState.DONE: (State.STORED, {}),
        JobState.RUNNING: (State.ACCEPTED, {}),
        JobState.UNCERTAIN: (
            State.UNCERTAIN,
            {"reason": "read timeout after the request was sent"},
        ),
        JobState.EXPIRED: (State.EXPIRED, {"reason": "no final word 25 hours after the submit"}),
        JobState.FAILED: (
            State.REMOTE_FAILED,
            {
                "error_code": "DataInspectionFailed",
                "error_message": "Input data may contain inappropriate content.",
            },
        ),
        JobState.SKIPPED: (State.ABANDONED, {}),
    }
    if state not in attempt_states:
        reason = (
            "it takes media from opening[hour=dusk], which is failed"
            if state is JobState.BLOCKED
            else "new"
        )
        return make_planned(job, state, (), request, reason=reason)
    kind, facts = attempt_states[state]
    return make_planned(job, state, (make_attempt(number, job.name, kind, **facts),), request)


def write_pictures(report: Report, folder: Path, level: Level = Level.NONE) -> None:
    """What looking at the report's videos leaves beside them: posters, and from
    ``ALL`` on previews and film strips; nothing of a file that is no video."""
    for job in (*report.jobs, *report.former):
        if job.output is None or not (folder / job.output.path).is_file():
            continue
        files = [
            folder / name(job.output.sha256) for name in (poster_name, preview_name, frames_name)
        ]
        for file in files:
            file.parent.mkdir(exist_ok=True)
        with suppress(Undecodable):
            targets = Targets(*files) if level is Level.ALL else Targets(files[0])
            look_at(folder / job.output.path, References(), targets, level)


def write_video(
    path: Path,
    seconds: float = 2.0,
    width: int = 320,
    height: int = 176,
    hue: int = 0,
    fps: int = 12,
) -> None:
    """A small real MP4: a square that moves over a slowly changing ground."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream(
            "libx264", rate=fps, options={"crf": "30", "preset": "ultrafast"}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        dark, light = (
            f"hsl({(hue * 47 + turn) % 360}, 38%, {glow}%)" for turn, glow in ((0, 22), (40, 72))
        )
        ramp = Image.linear_gradient("L").resize((width, height))
        ground = Image.composite(
            Image.new("RGB", (width, height), dark), Image.new("RGB", (width, height), light), ramp
        )
        for number in range(round(seconds * fps)):
            picture = ground.copy()
            left = (width - 48) * number / (seconds * fps)
            ImageDraw.Draw(picture).ellipse(
                (left, height / 3, left + 40, height / 3 + 40), fill="white"
            )
            for packet in stream.encode(av.VideoFrame.from_image(picture)):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
