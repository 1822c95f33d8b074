"""What a program asks for, as options: the door of ``wanbatch.api``.

What it may not do: read a file or the environment, or send anything.

How it works: values come as a program has them (a path or several, text, numbers) and
are held to the bounds that the command line holds its options to. What is wrong is
named by its keyword. Errors of operations speak of options of the command line;
``in_python`` says them with the keywords of the same meaning.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import TypeAlias

from wanbatch.model.measures import Level
from wanbatch.model.price import AMOUNT_FORM, read_amount
from wanbatch.model.retrying import Retrying
from wanbatch.model.workers import FORM, read_workers
from wanbatch.operations.options import PlanningOptions
from wanbatch.words.errors import ExitCode, WanbatchError, as_machine_trouble, innermost

StrPath: TypeAlias = str | os.PathLike[str]
Files: TypeAlias = StrPath | Iterable[StrPath]
Scalar: TypeAlias = str | int | float

MOST = 1e9
"""No number of seconds, jobs or requests is meant beyond it."""
KEYWORDS = {
    "--backend": "backend",
    "--checks": "checks",
    "--first": "first",
    "--lock-timeout": "lock_timeout_s",
    "--locked": "locked=True",
    "--max-cost": "max_cost",
    "--max-jobs": "max_jobs",
    "--media-root": "media_root",
    "--output": "output",
    "--regenerate": "regenerate=True",
    "--retry-failed": "retry_failed=True",
    "--select": "select",
    "--shard": "shard",
    "--submit-timeout": "submit_timeout_s",
    "--var": "variables",
    "--wait": "wait_s",
    "--workers": "workers",
    "--with-upstream": "with_upstream=True",
    "--yes": "yes=True",
}
"""The keyword of each option that an operation names."""
_OPTION = re.compile(r"(--[a-z]+(?:-[a-z]+)*)(?: ([A-Z][A-Z/=]*)\b)?")


def planning_options(
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
    checks: str = "all",
    workers: int | str | None = None,
) -> PlanningOptions:
    """Raises ``WanbatchError`` (2), or ``TypeError`` for what is no path."""
    return PlanningOptions(
        files=_paths(files),
        backend=_text("backend", backend),
        select=tuple(_texts("select", select)),
        with_upstream=with_upstream,
        shard=_text("shard", shard),
        first=whole("first", first, 1),
        variables=dict(_variables(variables or {})),
        output=_path("output", output),
        media_root=None if media_root is None else _folder("media_root", media_root),
        max_jobs=whole("max_jobs", max_jobs, 1) or 1,
        checks=_level(checks),
        workers=_workers(workers),
    )


def differing(asked: PlanningOptions, before: PlanningOptions) -> list[str]:
    """The keywords in which two differ, but for the files."""
    names = [field.name for field in fields(before) if field.name != "files"]
    return [name for name in names if getattr(asked, name) != getattr(before, name)]


def amount(keyword: str, value: Decimal | int | str | None) -> Decimal | None:
    """An amount of money, exactly. Raises ``WanbatchError`` (2)."""
    if value is None:
        return None
    if isinstance(value, (bool, float)):
        exact = isinstance(value, float)
        raise _wrong(
            keyword,
            value,
            "an exact amount" if exact else "an amount of money",
            f'write {keyword}="{value}"' if exact else f"write {AMOUNT_FORM}",
        )
    read = read_amount(str(value))
    if read is None:
        raise _wrong(keyword, value, "an amount of money", f"write {AMOUNT_FORM}")
    return read


def number(keyword: str, value: float | None, least: float, *, above: bool = False) -> float | None:
    """A number from ``least``, or above it. Raises ``WanbatchError`` (2)."""
    if value is None:
        return None
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if (
        not is_number
        or not isfinite(value)
        or not least <= value <= MOST
        or (above and value == least)
    ):
        bound = f"above {least:g}" if above else f"of at least {least:g}"
        raise _wrong(keyword, value, f"a number {bound}", f"for example: {keyword}={least + 1:g}")
    return float(value)


def whole(keyword: str, value: int | None, least: int) -> int | None:
    """A whole number from ``least``. Raises ``WanbatchError`` (2)."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST:
        raise _wrong(
            keyword,
            value,
            f"a whole number of at least {least}",
            f"for example: {keyword}={least}",
        )
    return value


def retrying(value: bool | str | Iterable[str]) -> Retrying:
    """All failed jobs, none, or those of an error code or several."""
    if isinstance(value, bool):
        return value
    return frozenset({value} if isinstance(value, str) else value)


def _wrong(keyword: str, value: object, wanted: str, hint: str) -> WanbatchError:
    return WanbatchError(ExitCode.INVALID, f"{keyword}={value!r} is not {wanted}", hint)


def _paths(files: Files) -> tuple[Path, ...]:
    named = [files] if isinstance(files, (str, os.PathLike)) else files
    paths = tuple(_path("files", one) for one in named)
    if not paths:
        raise WanbatchError(
            ExitCode.INVALID, "no manifest is named", 'for example: "harbor.wanbatch.yaml"'
        )
    return paths


def _path(keyword: str, value: StrPath) -> Path:
    return Path(_filled(keyword, _clean(keyword, os.fspath(value))))


def _folder(keyword: str, value: StrPath) -> Path:
    path = _path(keyword, value)
    if not path.is_dir():
        raise WanbatchError(
            ExitCode.INVALID,
            f"{keyword}: {path} is no folder",
            "name a folder that exists",
        )
    return path


def _texts(keyword: str, value: str | Iterable[str]) -> Iterator[str]:
    for one in [value] if isinstance(value, str) else value:
        yield _text(keyword, one) or ""


def _text(keyword: str, value: str | None) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise _wrong(keyword, value, "text", "write it as text, in quotes")
    return _filled(keyword, _clean(keyword, value))


def _filled(keyword: str, text: str) -> str:
    """``shard=""`` from a variable that nobody set would mean all jobs."""
    if not text:
        raise _wrong(keyword, text, "the name of anything", "leave it out, or give it a value")
    return text


def _clean(keyword: str, text: str) -> str:
    """What is no text can stand in no manifest, ledger or report."""
    if not isinstance(text, str) or any("\ud800" <= c <= "\udfff" for c in text):
        raise _wrong(keyword, text, "UTF-8 text", "write it in UTF-8, or rename the file")
    return text


def _variables(given: Mapping[str, Scalar]) -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise WanbatchError(
                ExitCode.INVALID,
                f"variables: {name!r} is not the name of a variable",
                'for example: variables={"style": "noir"}',
            )
        if not isinstance(value, (str, int, float)):
            raise _wrong(
                f"variables[{name!r}]",
                value,
                "text or a number",
                'for example: variables={"style": "noir"}',
            )
        yield (
            name,
            _clean("variables", str(value).lower() if isinstance(value, bool) else str(value)),
        )


def _workers(value: int | str | None) -> str | None:
    if value is None:
        return None
    text = str(value)
    if isinstance(value, bool) or not isinstance(value, int | str) or read_workers(text) is None:
        raise _wrong("workers", value, FORM, 'for example: workers="dask"')
    return text


def _level(checks: str) -> Level:
    try:
        return Level(checks)
    except ValueError:
        there_are = ", ".join(repr(level.value) for level in Level)
        raise _wrong(
            "checks", checks, f"one of {there_are}", 'leave it out for checks="all"'
        ) from None


@contextmanager
def in_python() -> Iterator[None]:
    """Whatever a program can act on leaves as ``WanbatchError``, in its own words;
    what is left is a bug, or the program's own."""
    try:
        yield
    except Exception as error:
        found = innermost(error)
        told = found if isinstance(found, WanbatchError) else as_machine_trouble(found)
        if told is None:
            raise
        raise reworded(told) from None


def reworded(error: WanbatchError) -> WanbatchError:
    """The error with keywords in the place of options."""
    new = WanbatchError(error.exit_code, keyword_for(error.message), *map(keyword_for, error.hints))
    new.findings = error.findings
    return new


def keyword_for(text: str) -> str:
    """``add --yes, or --max-cost AMOUNT`` as ``add yes=True, or max_cost=AMOUNT``. A
    command stays a command."""
    return text if "wanbatch " in text else _OPTION.sub(_keyword, text)


def _keyword(found: re.Match[str]) -> str:
    keyword, value = KEYWORDS.get(found[1]), found[2]
    if keyword is None:
        return found[0]
    return f"{keyword}={value}" if value and "=" not in keyword else keyword
