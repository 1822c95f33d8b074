"""A run in the terminal: what it is about to do, how it goes on, how it ended.

What it may not do: decide anything, or keep the order of a run (``operations.run``
does).

How it works: ``RunView`` is the run's observer and turns each event into lines;
``Terminal`` is asked for consent; ``watch_signals`` turns Ctrl-C into
``Run.interrupt``.
"""

from __future__ import annotations

import signal
import sys
import time
from contextlib import ExitStack

import anyio
import click
from anyio.abc import TaskStatus

from wanbatch.api import carry_out
from wanbatch.cli.command import is_a_file, join_codes
from wanbatch.cli.console import say, tell, wants_color
from wanbatch.cli.ending import (
    command_that_buys,
    command_that_continues,
    commands_that_decide,
    shortfall_lines,
    sum_up_fetch,
    sum_up_money,
    sum_up_time,
    unfinished_lines,
)
from wanbatch.cli.options import CommonOptions
from wanbatch.cli.output import observer
from wanbatch.cli.plan import show_jobs, show_left, show_plan
from wanbatch.cli.progress.board import Board
from wanbatch.cli.progress.choose import choose_display
from wanbatch.cli.progress.display import Display
from wanbatch.cli.wording import fetch_line, job_line, plan_line, state_counts
from wanbatch.model.lifecycle import Attempt
from wanbatch.model.origin import tell_home
from wanbatch.model.plan import Action, JobState, Plan
from wanbatch.model.pool import WorkerDoubted, WorkersLost
from wanbatch.operations.elsewhere import ways_out_of_elsewhere
from wanbatch.operations.events import (
    Absent,
    Adopt,
    BuyingStopped,
    ClockDiffers,
    Event,
    FindingsMade,
    HeldElsewhere,
    JournalBroken,
    LookingAtRest,
    MayFallAsleep,
    NotifyFailed,
    Planned,
    PoolChanged,
    Reconciled,
    SelectionDoubted,
    Stopping,
    Undecided,
    Verdict,
    WorkBegins,
    WorkEnds,
)
from wanbatch.operations.options import RunOptions
from wanbatch.operations.reporting import repeated_options
from wanbatch.operations.run import Run, RunResult
from wanbatch.operations.wiring import real_ports
from wanbatch.words.collector import keep_what_is_there
from wanbatch.words.disk import oddities
from wanbatch.words.humanize import duration, money, plural, quoted

NEVER_BOUGHT = frozenset({Action.GENERATE, Action.BLOCKED})
"""What a fetch does not speak of."""


def show_run(options: CommonOptions, run: RunOptions) -> int:
    """Runs, shows it, and returns the exit code. Raises ``WanbatchError``."""
    view = RunView(options, buys=run.buys)
    echo = tell if options.progress == "json" else None
    keep_what_is_there()
    result = carry_out(
        options,
        run,
        Terminal(),
        view.take,
        lambda prepared: real_ports(prepared, watch_signals, echo=echo),
        end=view.end,
    )
    return result.code


class Terminal:
    """Asks the person at the terminal, where there is one."""

    def approve(self, plan: Plan) -> bool | None:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            return None
        videos = plural(plan.count()[Action.GENERATE], "video")
        price = money(plan.total, plan.currency)
        question = f"Buy {videos} on {plan.backend} ({price})?"
        return click.confirm(question, default=False, err=True)


async def watch_signals(run: Run, task_status: TaskStatus[None]) -> None:
    """Hands every wish to end to the run."""
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
        task_status.started()
        async for number in signals:
            run.interrupt(number)


class RunView:
    """One run or fetch in words, on stderr."""

    def __init__(self, options: CommonOptions, *, buys: bool) -> None:
        self.options, self.buys = options, buys
        self._show_input = observer(options, quiet_warnings=options.quiet)
        self._display: Display | None = None
        self._shown = ExitStack()

    def take(self, event: Event) -> None:
        """The observer of a run."""
        match event:
            case FindingsMade() | SelectionDoubted() | HeldElsewhere():
                self._show_input(event)
            case Reconciled(verdict):
                say(_describe_verdict(verdict))
            case Planned():
                self._show_plan(event)
            case ClockDiffers() | MayFallAsleep() | NotifyFailed() | PoolChanged():
                self._say_aside(event)
            case WorkBegins():
                self._begin(event)
            case WorkEnds():
                self._shown.close()
                self._display = None
            case LookingAtRest(videos):
                if not self.options.quiet:
                    say(f"Looking at {plural(videos, 'video')}; Ctrl-C leaves it to the report.")
            case BuyingStopped(reason):
                say(f"No new jobs were submitted: {reason}")
            case JournalBroken(reason):
                self._say(f"note: {reason}; the run goes on without it")
            case Stopping():
                self._show(event)
                self._say(
                    "Stopping: requests that are under way are waited for."
                    " Press Ctrl-C again to leave at once."
                )
            case _:
                self._show(event)

    def _show(self, event: Event) -> None:
        if self._display is not None:
            self._display.show(event)

    def _say(self, text: str) -> None:
        """A sentence, above what is painted where something is."""
        if self._display is not None:
            self._display.note(text)
        else:
            say(text)

    def _say_aside(self, event: ClockDiffers | MayFallAsleep | NotifyFailed | PoolChanged) -> None:
        """What is worth knowing, and changes nothing."""
        match event:
            case ClockDiffers(ahead_s):
                where = "ahead of" if ahead_s > 0 else "behind"
                self._say(
                    f"This machine's clock is {duration(abs(ahead_s))} {where} the server's:"
                    " nothing expires early for that."
                )
            case MayFallAsleep(reason) if self.options.verbose:
                self._say(f"note: this machine may fall asleep while it waits: {reason}")
            case PoolChanged(WorkersLost(reason)):
                self._say(f"warning: {reason}: the run goes on with threads of this machine")
            case PoolChanged(WorkerDoubted(worker, reason)):
                self._say(
                    f"warning: worker {worker} {reason}: its answer was thrown away, the work done"
                    " again, and it is asked nothing more"
                )
            case NotifyFailed(trouble):
                self._say(f"warning: the command of --notify failed: {trouble}")

    def _begin(self, work: WorkBegins) -> None:
        options = self.options
        board = Board(work.expected, work.tasks, work.currency)
        color = wants_color(options.color)
        display = choose_display(options.progress, board, quiet=options.quiet, color=color)
        self._display = self._shown.enter_context(display)

    def _show_plan(self, planned: Planned) -> None:
        plan, options = planned.plan, self.options
        if not self.buys:
            self._show_fetch(planned)
        elif options.verbose:
            show_plan(options, plan, None)
        elif not options.quiet:
            show_jobs(options, plan)
            say(plan_line(plan))
        show_left(options, planned.left, plan)
        if planned.strangers:
            videos = plural(len(planned.strangers), "video")
            say(f"Also fetching {videos} that the manifest no longer names.")
        for backend, origin in sorted({(a.backend, a.origin) for a in planned.elsewhere}):
            say(f"{tell_home(backend, origin, plan.backend, plan.origin, what='A task')}.")

    def _show_fetch(self, planned: Planned) -> None:
        plan = planned.plan
        for entry in plan.selected() if self.options.verbose else ():
            if entry.action in (Action.RESUME, Action.ASK):
                say(job_line(entry, plan))
        if not self.options.quiet:
            say(fetch_line(planned.in_flight, planned.failed, plan.backend))

    # -- how it ended ------------------------------------------------------------------

    def end(self, result: RunResult) -> None:
        """How it ended, and where the reports are."""
        self.sum_up(result)
        for path in result.reports:
            tell(str(path))

    def sum_up(self, result: RunResult) -> None:
        """Jobs, money and time, what stopped it, and the commands that go on."""
        quiet, plan = self.options.quiet, result.plan
        if not quiet:
            say(f"{plural(len(plan.selected()), 'job')}: {state_counts(plan.selected())}")
            self._say_money(result)
        for remark in result.remarks:
            say(remark.text)
            for line in shortfall_lines(result.shortfalls, expected=remark.kind == "expected"):
                say(line)
        if result.trouble:
            say(f"error: {result.trouble}")
        if result.hint:
            say(f"  help: {result.hint}")
        if not quiet:
            self._say_unfinished(result)
        if not quiet or result.signal:
            self._say_continuation(result)

    def _say_money(self, result: RunResult) -> None:
        own, earlier, currency = result.own, result.taken_up, result.plan.currency
        if not self.buys:
            if earlier or result.fetched:
                line = sum_up_fetch(result.fetched, earlier, currency)
                say(f"{line}; {_time_of((), result)}")
        elif own or earlier:
            line = sum_up_money(own, earlier, currency)
            say(f"{line}; {_time_of((*own, *earlier), result)}")

    def _say_unfinished(self, result: RunResult) -> None:
        """What is not done, and how a person decides on what waits for one."""
        plan, manifests = result.plan, result.manifests
        words = repeated_options(self.options, manifests)
        paths = [m.path for m in manifests]

        def status(state: JobState) -> str:
            return quoted(["wanbatch", "status", *paths, "--select", f"state:{state}", *words])

        unfinished = (e for e in plan.selected() if e.state is not JobState.DONE)
        shown = [e for e in unfinished if self.buys or e.action not in NEVER_BOUGHT]
        interrupted = result.signal is not None
        for line in unfinished_lines(shown, result.reasons, status, is_interrupted=interrupted):
            say(line)
        files = {m.name: m.path for m in manifests}
        for command in commands_that_decide(plan, files, words):
            say(f"  help: {command}")
        for way in ways_out_of_elsewhere(self.options, plan):
            say(f"  help: {way}")
        for oddity in oddities():
            say(f"note: {oddity}")

    def _say_continuation(self, result: RunResult) -> None:
        count, words = result.plan.count(), join_codes(sys.argv[1:], is_a_file)
        going_on = count[Action.RESUME] + (count[Action.GENERATE] if self.buys else 0)
        if going_on or (not self.buys and result.is_under_way):
            # What a flag authorised is recorded: said again, it would be bought once
            # more.
            say(f"Continue with: {command_that_continues(words)}")
            _say_deadline(result.plan)
        elif not self.buys and count[Action.GENERATE] and "fetch" in words:
            jobs = plural(count[Action.GENERATE], "job")
            say(f"Never bought: {jobs}; a run buys: {command_that_buys(words)}")


def _describe_verdict(verdict: Verdict) -> str:
    match verdict:
        case Adopt(attempt, task):
            return (
                f"{attempt.job} was uncertain; the account's list shows it as task"
                f" {task.task_id}: adopted."
            )
        case Absent(attempt):
            return (
                f"{attempt.job} was uncertain; a complete listing does not show it: it was not"
                " bought and may go out again."
            )
        case Undecided(attempt, reason):
            return f"{attempt.job} is still uncertain: {reason}."


def _time_of(attempts: tuple[Attempt, ...], result: RunResult) -> str:
    return sum_up_time(attempts, result.started_at, result.finished_at)


def _say_deadline(plan: Plan) -> None:
    ends = [
        e.attempt.shown_deadline
        for e in plan.selected()
        if e.action is Action.RESUME and e.attempt and e.attempt.shown_deadline
    ]
    if ends and plan.realm == "paid":
        at = time.strftime("%Y-%m-%d %H:%M", time.localtime(min(ends)))
        say(f"Do so before {at}: then the first result that was paid for vanishes.")
