"""wanbatch for programs: what the commands do, as functions with types.

What it may not do: print, ask, read a command line, or know more than operations do: it
turns keywords into their options, and what they return into values.

How it works: every function takes a manifest's path, or several. Money is exact
(``Decimal``, or its digits as text), durations are seconds and end in ``_s``. Keys come
from the environment, as for the commands, and stand in no value and no error. What
cannot go on raises ``WanbatchError`` with the exit code of the command; with 2 and 3
nothing was sent. ``run`` and ``fetch`` work in a thread of their own (``aside``), under
asyncio and trio alike.

``check_files``, ``look_ahead`` and ``carry_out`` are the same for callers with options
as values and an observer: the command line. What is heavy is imported when it is used:
to check a manifest takes no HTTP and no decoder.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

from wanbatch.model.plan import Plan as ModelPlan
from wanbatch.model.report import Report
from wanbatch.operations.asking import (
    Files,
    Scalar,
    StrPath,
    amount,
    differing,
    in_python,
    number,
    planning_options,
    retrying,
    whole,
)
from wanbatch.operations.options import PlanningOptions, RunOptions
from wanbatch.words.errors import ExitCode, WanbatchError

if TYPE_CHECKING:
    from wanbatch.model.job import Manifest
    from wanbatch.model.lifecycle import Attempt
    from wanbatch.model.period import Allowance
    from wanbatch.model.report import Cost, Remark, ReportJob
    from wanbatch.operations.aside import Approve, OnEvent
    from wanbatch.operations.check import check as check_files
    from wanbatch.operations.events import Event, Forecast
    from wanbatch.operations.planning import Basis, look_ahead
    from wanbatch.operations.run import RunResult, carry_out
    from wanbatch.words.diagnostics import Diagnostic

__all__ = [
    "Plan",
    "Report",
    "Result",
    "WanbatchError",
    "carry_out",
    "check",
    "check_files",
    "fetch",
    "load",
    "look_ahead",
    "open_report",
    "plan",
    "run",
    "run_sync",
]

_ELSEWHERE = {
    "carry_out": ("wanbatch.operations.run", "carry_out"),
    "check_files": ("wanbatch.operations.check", "check"),
    "look_ahead": ("wanbatch.operations.planning", "look_ahead"),
}
"""Operations that are shown here, by where they are."""

Checks = Literal["all", "basic", "none"]
P = ParamSpec("P")
T = TypeVar("T")


def __getattr__(name: str) -> object:
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, function = _ELSEWHERE[name]
    return getattr(import_module(module), function)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(ModelPlan):
    """What a run would do, and what it was planned with, so that ``run`` can do it.

    ``jobs`` are in manifest order, each with ``action``, ``reason``, ``state`` and
    ``price``; ``selected()`` are those that count, ``count()`` says how many have which
    action. ``total`` is what would be bought, in ``currency``, ``None`` where a price
    is not known. ``estimate`` is how long a run would most likely take, from ``low_s``
    to ``high_s`` seconds, by what the ledger has seen (``is_guess`` where that is
    nothing); ``None`` where there is nothing to make. ``findings`` are warnings about
    the manifests. ``left`` is what was left of the budgets of the day and the month,
    each with ``limit``, ``used`` and ``left``.
    """

    options: PlanningOptions
    manifests: tuple[Manifest, ...]
    basis: Basis
    estimate: Forecast | None
    findings: tuple[Diagnostic, ...]
    left: tuple[Allowance, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended that came to its end.

    ``exit_code`` is 0 where every selected job is done, 1 where one is not, or falls
    short of what its manifest expects. ``reports`` are those that stand on disk now,
    one for each manifest, in order; ``plan`` says how every job stands, ``reasons`` by
    name why nothing was sent for a job. ``remarks`` are sentences about videos that are
    done and not as they should be. ``cost`` is what this run bought: spent, and held
    back for tasks that still run.
    """

    exit_code: ExitCode
    reports: tuple[Report, ...]
    plan: ModelPlan
    cost: Cost
    reasons: Mapping[str, str]
    remarks: tuple[Remark, ...]

    @property
    def report(self) -> Report:
        """The report, where one manifest was run. Raises ``ValueError`` where there
        are several."""
        if len(self.reports) != 1:
            raise ValueError(f"{len(self.reports)} manifests were run: look at reports")
        return self.reports[0]

    @property
    def jobs(self) -> tuple[ReportJob, ...]:
        """The jobs of all reports."""
        return tuple(job for report in self.reports for job in report.jobs)


def load(
    files: Files,
    *,
    variables: Mapping[str, Scalar] | None = None,
    media_root: StrPath | None = None,
    max_jobs: int = 10_000,
) -> tuple[Manifest, ...]:
    """The manifests of ``files``, checked and expanded, in order.

    Args:
        files: a manifest's path, or several.
        variables: values for template variables, in the place of the manifest's.
        media_root: local media must lie inside this folder instead of the manifest's.
        max_jobs: more jobs than this are refused.

    Raises:
        WanbatchError: 2 where something is wrong with a manifest or its media;
            ``findings`` says what, where, and what to do.

    >>> import wanbatch
    >>> (manifest,) = wanbatch.load("harbor.wanbatch.yaml")
    >>> [job.name for job in manifest.jobs]
    ['opening[seed=100]', 'opening[seed=101]']
    >>> manifest.jobs[0].prompt, manifest.jobs[0].seconds
    ('Harbour at dawn', 2)
    """
    with in_python():
        options = planning_options(
            files, variables=variables, media_root=media_root, max_jobs=max_jobs
        )
        from wanbatch.operations.check import check as check_files
        from wanbatch.operations.events import ignore

        return check_files(options, ignore).manifests


def check(
    files: Files,
    *,
    variables: Mapping[str, Scalar] | None = None,
    media_root: StrPath | None = None,
    max_jobs: int = 10_000,
) -> tuple[Diagnostic, ...]:
    """Every finding in ``files`` and their media, errors and warnings, in order; none
    where all is well. Needs no network. The arguments are those of ``load``.

    A finding has ``severity``, ``code``, ``place`` (path, line and column from 1),
    ``message`` and ``help``. Only arguments that make no sense raise.

    >>> import wanbatch
    >>> wanbatch.check("harbor.wanbatch.yaml")
    ()
    >>> for finding in wanbatch.check("broken.wanbatch.yaml"):
    ...     print(finding.place, finding.code, finding.help[0])
    broken.wanbatch.yaml:6:5 WB201 did you mean prompt?
    """
    with in_python():
        options = planning_options(
            files, variables=variables, media_root=media_root, max_jobs=max_jobs
        )
        from wanbatch.operations.check import find_all

        return find_all(options)


def plan(
    files: Files,
    *,
    backend: str | None = None,
    select: str | Iterable[str] = (),
    with_upstream: bool = False,
    shard: str | None = None,
    first: int | None = None,
    variables: Mapping[str, Scalar] | None = None,
    output: StrPath = "reports",
    media_root: StrPath | None = None,
    max_jobs: int = 10_000,
    retry_failed: bool | str | Iterable[str] = False,
    regenerate: bool = False,
) -> Plan:
    """What ``run`` would do with the same arguments, and what it would cost. Needs no
    key, sends nothing, writes nothing.

    Args:
        files: a manifest's path, or several.
        backend: where to run; else the manifests, the project or the user say.
        select: terms that must all hold for a job, as for ``--select``: a name with
            ``*`` and ``?``, ``tag:hero``, ``seed=100..103``, ``state:failed``.
        with_upstream: select also the jobs that selected ones take media from.
        shard: ``"I/N"``, only the I-th of N parts.
        first: only the first so many of the selected jobs.
        variables: values for template variables.
        output: the folder of ledger, videos and reports.
        media_root: local media must lie inside this folder.
        max_jobs: more jobs than this are refused.
        retry_failed: plan failed jobs again: all, or those of an error code or several.
        regenerate: plan to buy again what the selection already has.

    Raises:
        WanbatchError: 2 for what is wrong with manifests or arguments, 3 where the
            ledger is older than its own reports, 4 where it cannot be read.

    >>> import wanbatch
    >>> plan = wanbatch.plan("harbor.wanbatch.yaml", select="seed=100")
    >>> [(entry.name, entry.action.value) for entry in plan.selected()]
    [('opening[seed=100]', 'generate')]
    >>> plan.backend, plan.total
    ('emulator', Decimal('0'))
    """
    with in_python():
        options = planning_options(
            files,
            backend=backend,
            select=select,
            with_upstream=with_upstream,
            shard=shard,
            first=first,
            variables=variables,
            output=output,
            media_root=media_root,
            max_jobs=max_jobs,
        )
        from wanbatch.operations.planning import look_ahead

        found: list[Diagnostic] = []
        again = retrying(retry_failed)
        seen = look_ahead(options, _keep_findings(found), retry_failed=again, regenerate=regenerate)
        values = {field.name: getattr(seen.plan, field.name) for field in fields(ModelPlan)}
        return Plan(
            **values,
            options=options,
            manifests=seen.manifests,
            basis=seen.basis,
            estimate=seen.estimate,
            findings=tuple(found),
            left=seen.left,
        )


def _keep_findings(found: list[Diagnostic]) -> Callable[[Event], None]:
    from wanbatch.operations.events import FindingsMade

    def observe(event: Event) -> None:
        if isinstance(event, FindingsMade):
            found.extend(event.findings)

    return observe


async def run(
    files: Files | Plan,
    *,
    yes: bool = False,
    max_cost: Decimal | int | str | None = None,
    approve: Approve | None = None,
    on_event: OnEvent | None = None,
    backend: str | None = None,
    select: str | Iterable[str] = (),
    with_upstream: bool = False,
    shard: str | None = None,
    first: int | None = None,
    variables: Mapping[str, Scalar] | None = None,
    output: StrPath = "reports",
    media_root: StrPath | None = None,
    max_jobs: int = 10_000,
    checks: Checks = "all",
    workers: int | str | None = None,
    max_in_flight: int | None = None,
    rate: float | None = None,
    poll_interval_s: float | None = None,
    submit_timeout_s: float | None = None,
    wait_s: float = 7200.0,
    lock_timeout_s: float = 0.0,
    locked: bool = False,
    retry_failed: bool | str | Iterable[str] = False,
    regenerate: bool = False,
) -> Result:
    """Brings every job to done: resumes what is running, buys what is new, polls,
    downloads, checks, reports. Run it again after any interruption: it goes on, and
    buys nothing twice.

    Nothing that costs money is bought unless ``yes``, ``max_cost`` or ``approve`` say
    so, or a plan is run, which approves what it would buy and no more.

    Cancelling is the wish to end in good order: no new request goes out, those that are
    out are waited for, reports are written, the lock is given back, then the
    cancellation goes on. What runs at the provider is taken up by the next ``run`` or
    ``fetch``. A second cancellation does not wait for answers.

    Args:
        files: a manifest's path, or several, or a plan from ``plan``, whose arguments
            then hold: what it would not have bought is refused.
        yes: approve the spending that is planned.
        max_cost: approve spending up to this, in the backend's currency, and keep to
            it; ``Decimal``, ``int`` or digits.
        approve: asked with the plan where nothing else approves; a function or
            coroutine function, ``True`` approves.
        on_event: told what happens, in order: a function or coroutine function. The
            events are the classes of ``wanbatch.operations.events``; new ones will
            come, so pass over what is unknown. A slow one delays nothing but itself. If
            it raises, the run ends as after a cancellation, then the exception goes on.
        backend, select, with_upstream, shard, first, variables, output, media_root,
        max_jobs: as for ``plan``.
        checks: how deep finished videos are looked at: ``all``, ``basic``, ``none``.
        workers: who works on the bytes of videos: so many threads, ``"dask"``, or a
            scheduler, ``"dask://HOST:PORT"`` or ``"tls://HOST:PORT"``.
        max_in_flight: at most so many tasks at the provider at once.
        rate: at most so many submits per second.
        poll_interval_s: used until latencies have been learnt.
        submit_timeout_s: how long to wait for a submit's answer.
        wait_s: how long to wait for a running task.
        lock_timeout_s: how long to wait for another run on the same output folder.
        locked: refuse where manifest and lock file disagree.
        retry_failed: submit failed jobs again: all, or those of an error code or of
            several.
        regenerate: buy again what the selection already has; recorded.

    Raises:
        WanbatchError: 2 for what is wrong with manifests or arguments, 3 for what was
            refused (nobody approved, a limit, a stale plan), 4 for the environment
            (key, network, disk, another run on the folder); resumable.

    >>> import asyncio, wanbatch
    >>> async def main() -> None:
    ...     result = await wanbatch.run("harbor.wanbatch.yaml", max_cost="20")
    ...     for job in result.jobs:
    ...         print(job.name, job.state.value, result.report.video(job).is_file())
    >>> asyncio.run(main())
    opening[seed=100] done True
    opening[seed=101] done True
    """
    with in_python():
        options = planning_options(
            files.options.files if isinstance(files, Plan) else files,
            backend=backend,
            select=select,
            with_upstream=with_upstream,
            shard=shard,
            first=first,
            variables=variables,
            output=output,
            media_root=media_root,
            max_jobs=max_jobs,
            checks=checks,
            workers=workers,
        )
        asked = RunOptions(
            yes=yes,
            max_cost=amount("max_cost", max_cost),
            max_in_flight=whole("max_in_flight", max_in_flight, 1),
            rate=number("rate", rate, 0, above=True),
            poll_interval_s=number("poll_interval_s", poll_interval_s, 0.05),
            submit_timeout_s=number("submit_timeout_s", submit_timeout_s, 1),
            wait_s=number("wait_s", wait_s, 0) or 0.0,
            lock_timeout_s=number("lock_timeout_s", lock_timeout_s, 0) or 0.0,
            locked=locked,
            retry_failed=retrying(retry_failed),
            regenerate=regenerate,
        )
        if isinstance(files, Plan):
            options, asked = _as_planned(files, options, asked)
    from wanbatch.operations.aside import run_aside

    return _result(await run_aside(options, asked, on_event, approve))


def _as_planned(
    plan: Plan, options: PlanningOptions, asked: RunOptions
) -> tuple[PlanningOptions, RunOptions]:
    """The options of a plan, which approves what it would buy."""
    plain = planning_options(
        plan.options.files, checks=options.checks.value, workers=options.workers
    )
    named = differing(options, plain)
    named += [name for name in ("retry_failed", "regenerate") if getattr(asked, name)]
    if named:
        raise WanbatchError(
            ExitCode.INVALID,
            f"a plan has its own {', '.join(named)}",
            "give them to wanbatch.plan, and run what it returns",
        )
    from wanbatch.operations.approved import plan_in_hand, take_up

    saved = plan_in_hand(plan, plan.manifests, plan.basis)
    planned = replace(
        plan.options, checks=options.checks, workers=options.workers, first=None
    )  # its jobs are chosen
    return take_up(planned, asked, saved, output_given=True)


def _result(ended: RunResult) -> Result:
    """Raises ``WanbatchError`` (4) for what stopped the run on its way."""
    if ended.trouble:
        hints = (ended.hint,) if ended.hint else ()
        raise WanbatchError(ended.code, ended.trouble, *hints)
    return Result(
        ended.code,
        ended.documents,
        ended.plan,
        _cost(ended.own, ended.plan.currency),
        ended.reasons,
        ended.remarks,
    )


def _cost(attempts: Iterable[Attempt], currency: str) -> Cost:
    from wanbatch.model.lifecycle import RESERVED, SPENT
    from wanbatch.model.report import Cost

    bought = list(attempts)
    spent = _sum(a.price for a in bought if a.state in SPENT)
    return Cost(spent, _sum(a.price for a in bought if a.state in RESERVED), currency)


def _sum(prices: Iterable[Decimal | None]) -> Decimal | None:
    """One unknown price makes the sum unknown."""
    total = Decimal(0)
    for price in prices:
        if price is None:
            return None
        total += price
    return total


def _synchronous(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    @functools.wraps(function)
    def call(*args: P.args, **keywords: P.kwargs) -> T:
        import anyio

        _refuse_running_loop()
        return anyio.run(functools.partial(function, *args, **keywords))

    return call


def _refuse_running_loop() -> None:
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise WanbatchError(
        ExitCode.INVALID,
        "run_sync is for programs without an event loop, and one runs here",
        "write: await wanbatch.run(...); a notebook takes it as it is",
    )


run_sync = _synchronous(run)
run_sync.__name__ = run_sync.__qualname__ = "run_sync"
run_sync.__doc__ = """``run`` for programs without an event loop.

    Arguments, result and errors are the same. Ctrl-C ends the run in good order, then
    raises ``KeyboardInterrupt``; a second one does not wait for answers.

    >>> import wanbatch
    >>> result = wanbatch.run_sync("harbor.wanbatch.yaml", select="seed=100")
    >>> int(result.exit_code), result.cost.spent
    (0, Decimal('0'))
    >>> result.report.job("opening[seed=100]").output.seconds
    2.0
    """


async def fetch(
    files: Files,
    *,
    on_event: OnEvent | None = None,
    backend: str | None = None,
    select: str | Iterable[str] = (),
    with_upstream: bool = False,
    shard: str | None = None,
    variables: Mapping[str, Scalar] | None = None,
    output: StrPath = "reports",
    media_root: StrPath | None = None,
    max_jobs: int = 10_000,
    checks: Checks = "all",
    workers: int | str | None = None,
    wait_s: float = 7200.0,
    lock_timeout_s: float = 0.0,
) -> Result:
    """Polls and downloads everything that was paid for and is not on disk yet. Never
    submits, so it never costs anything and needs no approval. Without an event loop:
    ``asyncio.run(wanbatch.fetch(...))``.

    Arguments, result, errors and cancellation are those of ``run``.

    >>> import asyncio, wanbatch
    >>> result = asyncio.run(wanbatch.fetch("harbor.wanbatch.yaml"))
    >>> result.cost.spent
    Decimal('0')
    """
    with in_python():
        options = planning_options(
            files,
            backend=backend,
            select=select,
            with_upstream=with_upstream,
            shard=shard,
            variables=variables,
            output=output,
            media_root=media_root,
            max_jobs=max_jobs,
            checks=checks,
            workers=workers,
        )
        asked = RunOptions(
            buys=False,
            wait_s=number("wait_s", wait_s, 0) or 0.0,
            lock_timeout_s=number("lock_timeout_s", lock_timeout_s, 0) or 0.0,
        )
    from wanbatch.operations.aside import run_aside

    return _result(await run_aside(options, asked, on_event, None))


def open_report(path: StrPath) -> Report:
    """The report that was written to ``path``: a ``report.json``, its folder, an output
    folder with one manifest in it, or a ``runs/RUN_ID.json``.

    Paths in it are relative to ``report.folder``; ``report.video(job)`` is where a
    job's video stands.

    Raises:
        WanbatchError: 2 where there is no report, or one of a format that is not known.

    >>> import wanbatch
    >>> report = wanbatch.open_report("reports/harbor")
    >>> report.totals.done, report.totals.cost.currency
    (2, 'USD')
    >>> report.video("opening[seed=100]").parent.as_posix()
    'reports/harbor/videos'
    """
    with in_python():
        from wanbatch.operations.opening import open_report as open_written

        return open_written(Path(path))
