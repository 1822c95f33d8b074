"""Makes one film of a manifest's videos: the grid of a sweep, or the chosen in order.

What it may not do: send or buy anything, change a video or the ledger, or print.

How it works: plan and ledger say which jobs there are and how each stands, the report's
own collection where their videos lie; ``videos.film`` arranges and makes. A job without
a whole video is shown as a grey cell with its name, and left out of a sequence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wanbatch.model.archive import WAY_HOME, is_archived
from wanbatch.model.film import Film, Footage, Shot
from wanbatch.model.job import Job, JobMedia
from wanbatch.model.plan import JobState, PlannedJob
from wanbatch.model.report import ReportJob, is_inside
from wanbatch.operations.check import check
from wanbatch.operations.choose import choose_backend
from wanbatch.operations.events import Observer
from wanbatch.operations.options import PlanningOptions
from wanbatch.operations.planning import look_and_plan, put_back_needed
from wanbatch.report.collect import collect
from wanbatch.report.labels import STATES
from wanbatch.videos.film.arrange import arrange, put_in_order
from wanbatch.videos.film.fitting import parse_size
from wanbatch.videos.film.making import Wish, film_grid, film_sequence, refuse_existing
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.quoting import closest, listed, shown
from wanbatch.words.scalars import scalar_text


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmOptions:
    """What the film is to be. ``None`` leaves an axis to the default."""

    target: Path
    columns: str | None = None
    rows: str | None = None
    sound: str | None = None
    max_bytes: str | None = None
    sequence: bool = False
    force: bool = False


IN_STORE = "The video lives in a store"


@dataclass(frozen=True, slots=True)
class Filmed:
    """The film, and what of the selection is not in it: (job, why); ``unreadable`` are
    sentences about videos that are on disk and cannot be shown."""

    film: Film
    shown: tuple[Shot, ...]
    missing: tuple[tuple[str, str], ...]
    unreadable: tuple[str, ...]
    shape: tuple[int, int] = (0, 0)


def make_film(options: PlanningOptions, wanted: FilmOptions, observe: Observer) -> Filmed:
    """Writes the film. Raises ``WanbatchError``, ``OSError`` where the disk fails."""
    wish = _check(wanted)
    shots = find_shots(options, observe)
    present = [shot for shot in shots if shot.footage is not None]
    if not present:
        if any(shot.standing == IN_STORE for shot in shots):
            raise WanbatchError(
                ExitCode.INVALID, "the videos of the selected jobs live in a store", WAY_HOME
            )
        raise WanbatchError(
            ExitCode.INVALID,
            "none of the selected jobs has a video yet",
            "wanbatch run makes them; wanbatch status says how each stands",
        )
    if any(_is_same(shot.footage, wanted.target) for shot in present):
        raise WanbatchError(
            ExitCode.INVALID,
            f"-o {wanted.target} is one of the videos that the film is made of",
            "name another file",
        )
    missing = tuple((shot.name, shot.standing) for shot in shots if shot.footage is None)
    unreadable: list[str] = []
    if wanted.sequence:
        film = film_sequence(put_in_order(shots), wish)
        return Filmed(film, tuple(present), missing, ())
    sound = None if wanted.sound is None else _sounding(wanted.sound, present)
    grid = arrange(shots, wanted.columns, wanted.rows)
    film = film_grid(grid, sound, wish, unreadable.append)
    return Filmed(film, tuple(present), missing, tuple(unreadable), (grid.width, grid.height))


def _check(wanted: FilmOptions) -> Wish:
    """What can be refused before anything is read. Raises ``WanbatchError`` (2)."""
    target = wanted.target
    if target.suffix.lower() != ".mp4":
        raise WanbatchError(
            ExitCode.INVALID, f"-o {target}: a film is an MP4", "for example: -o sweep.mp4"
        )
    grid_only = {"--columns": wanted.columns, "--rows": wanted.rows, "--sound": wanted.sound}
    named = [option for option, value in grid_only.items() if value is not None]
    if wanted.sequence and named:
        raise WanbatchError(
            ExitCode.INVALID,
            f"{listed(named, 'and')}: for a grid, and --sequence makes none",
            "a sequence has the sound of each of its videos",
        )
    if not target.parent.is_dir():
        raise WanbatchError(
            ExitCode.INVALID,
            f"-o {target}: there is no folder {target.parent}",
            "name a file in a folder that exists",
        )
    if not wanted.force:
        refuse_existing(target)
    most = parse_size(wanted.max_bytes) if wanted.max_bytes is not None else 0
    return Wish(target, wanted.force, most)


def find_shots(options: PlanningOptions, observe: Observer) -> tuple[Shot, ...]:
    """The selected jobs in manifest order, each with its video where there is one."""
    checked = check(options, observe)
    profile = choose_backend(options, checked.manifests, offline=True).profile
    plan, snapshot, _ = look_and_plan(options, checked, profile, observe)
    put_back_needed(options.output, plan)
    reported = {
        (manifest.name, job.name): job
        for manifest in checked.manifests
        for job in collect(manifest, plan, snapshot, None).jobs
    }
    several = len(checked.manifests) > 1
    return tuple(
        _shot(entry, reported[entry.job.manifest, entry.name], options.output, several=several)
        for entry in plan.selected()
    )


def _shot(entry: PlannedJob, job: ReportJob, output: Path, *, several: bool) -> Shot:
    own = entry.job
    upstream = next((m for m in own.media if isinstance(m.source, JobMedia)), None)
    follows, continues = "", False
    if upstream is not None and isinstance(upstream.source, JobMedia):
        continues = upstream.type == "first_clip"
        begins_with_last = upstream.type == "first_frame" and upstream.source.frame == "last"
        follows = upstream.source.job if continues or begins_with_last else ""
    return Shot(
        _called(own.manifest, own.name, several=several),
        tuple(_axes(own, several=several)),
        _footage(job, output / own.manifest),
        _standing(entry, job),
        _called(own.manifest, follows, several=several) if follows else "",
        continues,
    )


def _standing(entry: PlannedJob, job: ReportJob) -> str:
    """Why there is no video to be shown, where there is none."""
    if entry.state is not JobState.DONE:
        return STATES[entry.state]
    stored = job.output is not None and is_archived(job.output.path)
    return IN_STORE if stored else "The video is missing"


def _called(manifest: str, name: str, *, several: bool) -> str:
    return f"{manifest}/{name}" if several else name


def _axes(job: Job, *, several: bool) -> list[tuple[str, str]]:
    """The job's axes, and what it has beside them under names that no axis took."""
    axes = [(name, scalar_text(value)) for name, value in job.axes]
    more = [("job", job.id), ("size", job.size), ("seconds", str(job.seconds))]
    if several:
        more.insert(0, ("manifest", job.manifest))
    taken = {name for name, _ in axes}
    return axes + [(name, value) for name, value in more if name not in taken]


def _footage(job: ReportJob, folder: Path) -> Footage | None:
    output = job.output
    if job.state is not JobState.DONE or output is None or not is_inside(output.path):
        return None
    path = folder / output.path
    if not path.is_file():
        return None
    return Footage(path, output.seconds, output.width, output.height, output.fps, output.has_audio)


def _sounding(name: str, shots: Sequence[Shot]) -> Shot:
    """The shot whose sound the grid gets. Raises ``WanbatchError`` (2)."""
    found = next((shot for shot in shots if shot.name == name), None)
    if found is None:
        near = closest(name, [shot.name for shot in shots])
        raise WanbatchError(
            ExitCode.INVALID,
            f"--sound {shown(name)}: no selected job with a video has this name",
            *([f"did you mean {near}?"] if near else []),
            f"one of: {listed([shot.name for shot in shots])}",
        )
    if found.footage is None or not found.footage.has_audio:
        with_sound = [s.name for s in shots if s.footage is not None and s.footage.has_audio]
        raise WanbatchError(
            ExitCode.INVALID,
            f"--sound {shown(name)}: its video has no sound",
            f"one that has: {listed(with_sound)}" if with_sound else "none of them has any",
        )
    return found


def _is_same(footage: Footage | None, target: Path) -> bool:
    return footage is not None and target.exists() and footage.path.samefile(target)
