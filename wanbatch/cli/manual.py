"""What stands at the end of each command's help: examples that work as they stand, and
the exit codes that it can end with.

What it may not do: word what options mean (they do), or be imported before a help is
asked for.

How it works: one page for each command. The examples begin where ``wanbatch init``
leaves off; a test reads each as the command does, and runs those that can be run here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wanbatch.words.errors import ExitCode

EXITS: Mapping[ExitCode, str] = {
    ExitCode.DONE: "every selected job is done; or nothing to do; or valid; or answered",
    ExitCode.UNFINISHED: (
        "it ended, and some job is not done or waits for a decision, or a video falls short of"
        " what its manifest expects"
    ),
    ExitCode.INVALID: "bad usage or an invalid manifest; nothing was sent",
    ExitCode.REFUSED: (
        "refused: budget, approval, stale plan, lock or verify mismatch, a ledger older than its"
        " own reports, or every job that would be bought waits for a decision; nothing was sent"
    ),
    ExitCode.ENVIRONMENT: (
        "environment: credentials, backend unreachable, ledger locked or unwritable, disk full;"
        " resumable"
    ),
    ExitCode.WORK_TO_DO: "plan --detailed-exitcode: there is work to do",
    ExitCode.BUG: "a bug in wanbatch",
    ExitCode.INTERRUPTED: "interrupted; resumable, the command to resume is printed",
    ExitCode.TERMINATED: "ended by SIGTERM; resumable, the command to resume is printed",
}
"""The contract's table."""


@dataclass(frozen=True, slots=True)
class Page:
    """``examples`` are command lines, each with what it does."""

    examples: tuple[tuple[str, str], ...]
    exits: tuple[ExitCode, ...]


_DONE, _SHORT, _INVALID = ExitCode.DONE, ExitCode.UNFINISHED, ExitCode.INVALID
_REFUSED, _MACHINE = ExitCode.REFUSED, ExitCode.ENVIRONMENT
_STOPPED = (ExitCode.INTERRUPTED, ExitCode.TERMINATED)
_LOOKS = (_DONE, _INVALID, _MACHINE)
_JOB = "'harbour[move=forward,seed=100]'"

MANUAL: Mapping[str, Page] = {
    "init": Page(
        (
            ("wanbatch init", "A manifest, a picture and the schema in this folder."),
            ("wanbatch init trailer", "The same in the folder trailer, which is made."),
        ),
        _LOOKS,
    ),
    "validate": Page(
        (
            ("wanbatch validate first.wanbatch.yaml", "Every check that needs no network."),
            (
                "wanbatch validate --format github first.wanbatch.yaml",
                "Findings as notes on a pull request.",
            ),
        ),
        _LOOKS,
    ),
    "plan": Page(
        (
            (
                "wanbatch plan first.wanbatch.yaml",
                "What a run would do, grouped, and for how much.",
            ),
            (
                "wanbatch plan first.wanbatch.yaml --select move=forward --select seed=100..101 -v",
                "Of these jobs alone, every one by its name.",
            ),
        ),
        (_DONE, _INVALID, _REFUSED, _MACHINE, ExitCode.WORK_TO_DO),
    ),
    "run": Page(
        (
            (
                "wanbatch run first.wanbatch.yaml --first 2",
                "A trial of two jobs; without --first all of them.",
            ),
            (
                "wanbatch run first.wanbatch.yaml --retry-failed InternalError --max-cost 5",
                "Buy again what failed by this code, for 5 at most.",
            ),
        ),
        (_DONE, _SHORT, _INVALID, _REFUSED, _MACHINE, *_STOPPED),
    ),
    "status": Page(
        (
            ("wanbatch status first.wanbatch.yaml", "How many jobs stand how, and what to do."),
            (
                "wanbatch status first.wanbatch.yaml --select move=forward -v",
                "Every job of a selection.",
            ),
        ),
        _LOOKS,
    ),
    "fetch": Page(
        (
            ("wanbatch fetch first.wanbatch.yaml", "Bring home what was paid for."),
            (
                "wanbatch fetch first.wanbatch.yaml --wait 600",
                "Wait ten minutes for tasks that still run.",
            ),
        ),
        (_DONE, _SHORT, _INVALID, _REFUSED, _MACHINE, *_STOPPED),
    ),
    "cancel": Page(
        (
            (
                "wanbatch cancel first.wanbatch.yaml --backend dashscope",
                "Call off what has not begun.",
            ),
            (
                "wanbatch cancel first.wanbatch.yaml --backend dashscope --select seed=100",
                "Of these jobs alone.",
            ),
        ),
        (_DONE, _SHORT, _INVALID, _MACHINE, *_STOPPED),
    ),
    "import": Page(
        (
            ("wanbatch import artifact", "Another output folder, with its ledger and videos."),
            (
                "wanbatch import reports/first first.lock.json",
                "A report folder, or a lock, without a ledger.",
            ),
        ),
        (_DONE, _SHORT, _INVALID, _REFUSED, _MACHINE),
    ),
    "clean": Page(
        (
            ("wanbatch clean", "List the videos that nobody needs. Touches none."),
            ("wanbatch clean --yes", "Move them to reports/trash."),
        ),
        (_DONE, _INVALID, _REFUSED, _MACHINE),
    ),
    "resolve": Page(
        (
            (f"wanbatch resolve first.wanbatch.yaml {_JOB}", "What is known of the job."),
            (
                "wanbatch resolve first.wanbatch.yaml --select state:uncertain --resubmit",
                "Allow all uncertain jobs to be bought again.",
            ),
        ),
        (_DONE, _INVALID, _REFUSED, _MACHINE),
    ),
    "report": Page(
        (
            ("wanbatch report first.wanbatch.yaml -o junit.xml", "The page once more, and for CI."),
            (
                "wanbatch report first.wanbatch.yaml --select seed=100 --export videofolder set",
                "Chosen videos as a data set has them.",
            ),
        ),
        _LOOKS,
    ),
    "check": Page(
        (
            ("wanbatch check reports/first", "The videos of a report, by what was asked for."),
            (
                "wanbatch check --format junit reports/first/videos > checks.xml",
                "Any videos, for CI.",
            ),
        ),
        (_DONE, _SHORT, _INVALID, _MACHINE),
    ),
    "film": Page(
        (
            ("wanbatch film first.wanbatch.yaml --columns seed -o grid.mp4", "The sweep, in step."),
            (
                "wanbatch film first.wanbatch.yaml -o row.mp4 --sequence --max-bytes 8MB",
                "One after the other, small enough to be sent.",
            ),
        ),
        (_DONE, _SHORT, _INVALID, _MACHINE),
    ),
    "compare": Page(
        (
            ("wanbatch compare before reports/first", "What is new, gone or changed."),
            (
                "wanbatch compare before reports/first -o both.html",
                "And a page with both side by side.",
            ),
        ),
        _LOOKS,
    ),
    "promote": Page(
        (
            (
                "wanbatch promote first.wanbatch.yaml --picks review.json -o chosen.wanbatch.yaml",
                "A manifest of what was kept, seeds frozen.",
            ),
            (
                "wanbatch promote first.wanbatch.yaml --picks review.json --top 1 -o best.yaml",
                "The best of it alone.",
            ),
        ),
        _LOOKS,
    ),
    "why": Page(
        (
            (f"wanbatch why first.wanbatch.yaml {_JOB}", "What changed since it was bought."),
            (f"wanbatch why first.wanbatch.yaml {_JOB} --json", "The same for programs."),
        ),
        _LOOKS,
    ),
    "lock": Page(
        (
            ("wanbatch lock first.wanbatch.yaml", "Write what was bought, to be committed."),
            (
                "wanbatch lock --backend gateway first.wanbatch.yaml --prune",
                "Without entries that this ledger does not know.",
            ),
        ),
        (_DONE, _INVALID, _REFUSED, _MACHINE),
    ),
    "verify": Page(
        (
            ("wanbatch verify first.wanbatch.yaml", "Hold all against the lock."),
            (
                "wanbatch verify --backend gateway first.wanbatch.yaml",
                "As a run on this backend would.",
            ),
        ),
        (_DONE, _INVALID, _REFUSED, _MACHINE),
    ),
    "ledger check": Page(
        (
            ("wanbatch ledger check", "The ledger, and every video by its hash."),
            ("wanbatch ledger check --output reports", "Of another output folder."),
        ),
        (_DONE, _SHORT, _INVALID, _MACHINE),
    ),
    "ledger backup": Page(
        (
            ("wanbatch ledger backup copy.db", "A copy as it is now, also beside a run."),
            ("wanbatch ledger backup other.db --output reports", "Of another output folder."),
        ),
        _LOOKS,
    ),
    "ledger begin": Page(
        (
            (f"wanbatch ledger begin {'0123456789abcdef' * 4}", "Before a plan is run in CI."),
            (
                f"wanbatch ledger begin {'0123456789abcdef' * 4} --backend studio",
                "In the ledger that this backend shares.",
            ),
        ),
        (_DONE, _INVALID, _REFUSED, _MACHINE),
    ),
    "emulator": Page(
        (
            ("wanbatch emulator --port 8080", "Serve an API that costs nothing."),
            (
                "wanbatch emulator --script faults.yaml --latency 30",
                "With faults, and half a minute a video.",
            ),
        ),
        (_DONE, _INVALID, _MACHINE, *_STOPPED),
    ),
    "schema": Page(
        (
            ("wanbatch schema > manifest.schema.json", "For completion in an editor."),
            ("wanbatch schema report", "What report.json holds."),
        ),
        (_DONE, _INVALID),
    ),
    "completion": Page(
        (
            ("wanbatch completion bash > wanbatch.bash", "To be sourced by your shell."),
            ("wanbatch completion zsh > _wanbatch", "The same for zsh."),
        ),
        (_DONE, _INVALID),
    ),
    "explain": Page(
        (
            ("wanbatch explain WB204", "What a finding means, and how to mend it."),
            ("wanbatch explain InternalError", "What a provider's error code means."),
        ),
        (_DONE, _INVALID),
    ),
    "doctor": Page(
        (
            ("wanbatch doctor --backend gateway", "Key, address, clock, disk. Spends nothing."),
            ("wanbatch doctor --backend emulator --json", "The findings for programs."),
        ),
        (_DONE, _INVALID, _MACHINE),
    ),
}
