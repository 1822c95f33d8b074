"""All codes that this version can explain: of findings, of providers' failures, and
those that a command ends with.

What it may not do: explain a finding (each room does, where it declares it), or a
failure (``report.failures`` does).

How it works: rooms declare their codes when they are imported, so all of them are
imported here. ``explain`` looks a word up in all three tables: ``130`` is both an exit
code and short for a finding's, and both are told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

import wanbatch.manifest.load
import wanbatch.media.check
import wanbatch.operations.fit  # noqa: F401 - imported for the codes that they declare
from wanbatch.report.failures import TABLE, Remedy, look_up
from wanbatch.words.codes import Code, all_codes
from wanbatch.words.codes import find_code as find_code
from wanbatch.words.errors import ExitCode
from wanbatch.words.quoting import closest


def list_codes() -> tuple[Code, ...]:
    """Every code of a finding, in order."""
    return tuple(all_codes())


def explain(word: str, exits: Mapping[ExitCode, str]) -> tuple[Code, ...]:
    """Everything that ``word`` may mean, in whatever case; nothing where it is unknown.
    ``exits`` says what commands end with."""
    return tuple(_meanings(word.strip(), exits))


def _meanings(word: str, exits: Mapping[ExitCode, str]) -> Iterator[Code]:
    finding = find_code(word.upper()) or find_code(f"WB{word}")
    if finding is not None:
        yield finding
    for code, meaning in exits.items():
        if word == str(int(code)):
            yield Code(f"exit code {word}", code.name.lower().replace("_", " "), meaning)
    failure = look_up(word, "") if word and finding is None else None
    if failure is not None:
        mend = f"{failure.mend.removesuffix(', then')}."
        if failure.remedy in (Remedy.RETRY, Remedy.ACCOUNT):
            mend += f" What failed by it is bought again with: --retry-failed {word}"
        yield Code(word, "a provider's error code", f"{failure.meaning} {mend}")


def near_codes(word: str) -> list[str]:
    """What was probably meant by a word that is no code."""
    findings = get_close_matches(word.upper(), [entry.code for entry in list_codes()], n=3)
    failure = closest(word, [one.strip("*.") for row in TABLE for one in row.codes])
    return [*findings, *([failure] if failure else [])]
