"""Writes a manifest of the jobs that people chose, and says what it would cost.

What it may not do: send or buy anything, print, or write over a file without being
asked.

How it works: picks are matched with the manifest's jobs by name and fingerprint. The
text is written beside its target first and checked there as any manifest is; only what
validates gets its name. What it costs is what ``plan`` says of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from wanbatch.engine.polling.forecast import Forecast
from wanbatch.manifest.compose import compose_manifest
from wanbatch.manifest.overrides import parse_overrides
from wanbatch.manifest.promotion import Promotion, promote_jobs
from wanbatch.model.job import Manifest
from wanbatch.model.plan import Plan
from wanbatch.model.review import Review
from wanbatch.operations.check import Checked, check, inspect
from wanbatch.operations.choose import Unpriced, choose_backend, find_unpriced
from wanbatch.operations.events import Observer
from wanbatch.operations.options import PlanningOptions
from wanbatch.operations.planning import estimate, look_and_plan
from wanbatch.operations.references import note_reviews
from wanbatch.plan.identity import identify
from wanbatch.report.review import LARGEST, merge_reviews, parse_review
from wanbatch.report.winners import Winners, choose_winners
from wanbatch.words.diagnostics import Severity
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.files import open_regular, written_atomically
from wanbatch.words.hiding import hide_queries


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionOptions:
    """``picks`` are files of several people, ``changes`` are ``NAME=VALUE``."""

    picks: tuple[Path, ...]
    target: Path
    top: int | None = None
    changes: tuple[str, ...] = ()
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class Promoted:
    """The manifest that was written, what was left out of it and why, and the plan of
    it."""

    path: Path
    winners: Winners
    reviewers: tuple[str, ...]
    remarks: tuple[str, ...]
    plan: Plan
    estimate: Forecast | None
    unpriced: Unpriced | None


def promote(options: PlanningOptions, wanted: PromotionOptions, observe: Observer) -> Promoted:
    """Raises ``WanbatchError``: (2) for a review that is none or is of another
    manifest, for a change that no job can have, and where nothing is chosen."""
    changes = parse_overrides(wanted.changes)
    _refuse_misuse(options, wanted)
    review = _read_reviews(wanted.picks)
    checked = check(options, observe)
    manifest = checked.manifests[0]
    _refuse_foreign(review, manifest)
    winners = _winners(review, checked, wanted.top)
    choose_backend(options, checked.manifests, offline=True)  # or nothing is written
    promotion = promote_jobs(manifest.jobs, frozenset(winners.chosen), changes)
    text = compose_manifest(
        _new_name(wanted.target, manifest.name),
        manifest.description,
        manifest.run,
        promotion.entries,
        wanted.target.parent,
    )
    _write(text, options, wanted)
    note_reviews(options.output, wanted.picks)
    return _priced(options, wanted.target, winners, review, promotion, observe)


def _priced(
    options: PlanningOptions,
    target: Path,
    winners: Winners,
    review: Review,
    promotion: Promotion,
    observe: Observer,
) -> Promoted:
    own = replace(options, files=(target,), variables={})
    checked = check(own, observe)
    profile = choose_backend(own, checked.manifests, offline=True).profile
    plan, snapshot, _ = look_and_plan(own, checked, profile, observe)
    return Promoted(
        target,
        winners,
        review.reviewers,
        promotion.remarks,
        plan,
        estimate(plan, profile, snapshot),
        find_unpriced(plan, profile),
    )


# -- what is asked ---------------------------------------------------------------------


def _refuse_misuse(options: PlanningOptions, wanted: PromotionOptions) -> None:
    if len(options.files) != 1:
        raise WanbatchError(
            ExitCode.INVALID,
            "promote takes one manifest at a time",
            "name the manifest whose report the picks are of",
        )
    if options.select or options.shard or options.with_upstream:
        raise WanbatchError(
            ExitCode.INVALID,
            "the picks say which jobs are meant: promote takes no --select, --shard or"
            " --with-upstream",
            "choose on the report's page, or use --top N",
        )
    source, target = options.files[0], wanted.target
    if not target.parent.is_dir():
        raise WanbatchError(
            ExitCode.INVALID, f"-o {target}: there is no folder {target.parent}", "make it first"
        )
    if target.is_dir():
        raise WanbatchError(ExitCode.INVALID, f"-o {target} is a folder", "name a file in it")
    if target.exists() and source.exists() and target.samefile(source):
        raise WanbatchError(
            ExitCode.INVALID, f"-o {target} is the manifest itself", "name another file"
        )
    if os.path.lexists(target) and not wanted.overwrite:
        raise WanbatchError(
            ExitCode.INVALID,
            f"-o {target} exists already, and was not touched",
            "name another file, or add --overwrite to replace it",
        )


def _read_reviews(paths: Sequence[Path]) -> Review:
    reviews = [parse_review(_read(path), str(path)) for path in paths]
    first = reviews[0]
    for path, review in zip(paths, reviews, strict=True):
        if (review.manifest, review.realm) != (first.manifest, first.realm):
            raise WanbatchError(
                ExitCode.INVALID,
                f"{path} is of {review.manifest} ({review.realm}), and {paths[0]} of"
                f" {first.manifest} ({first.realm})",
                "give reviews of one report at a time",
            )
    return merge_reviews(reviews)


def _read(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise WanbatchError(
            ExitCode.INVALID,
            f"--picks {path} cannot be read: {error.strerror or error}",
            "export it from the report's page with the key e",
        ) from None


def _refuse_foreign(review: Review, manifest: Manifest) -> None:
    if review.manifest != manifest.name:
        raise WanbatchError(
            ExitCode.INVALID,
            f"the review is of the manifest {review.manifest!r}, and {manifest.path} is"
            f" {manifest.name!r}",
            "give the manifest whose report was looked at",
        )


def _winners(review: Review, checked: Checked, top: int | None) -> Winners:
    identified = identify(checked.manifests, checked.digests)
    known = {name: found.fingerprint for (_, name), found in identified.items()}
    winners = choose_winners(review, known, top)
    if not winners.chosen:
        left_out = len(winners.gone) + len(winners.changed)
        raise WanbatchError(
            ExitCode.INVALID,
            "the review chooses none of the manifest's jobs"
            + (
                f": {left_out} of its picks are of jobs that changed or are gone"
                if left_out
                else ""
            ),
            "keep at least one on the report's page (key k), or use --top N with stars or duels",
        )
    return winners


# -- what is written -------------------------------------------------------------------


def _new_name(target: Path, former: str) -> str:
    """A manifest has the folder of its name under the output: never the former's."""
    stem = re.sub(r"(\.wanbatch)?\.ya?ml$", "", target.name.lower())
    name = re.sub(r"[^a-z0-9_]+", "-", stem).strip("-_")[:90] or f"{former[:80]}-picks"
    return f"{name}-picks" if name == former else name


def _write(text: str, options: PlanningOptions, wanted: PromotionOptions) -> None:
    """Raises ``WanbatchError`` (2) where the manifest would not be valid; then
    nothing is left behind."""
    target = wanted.target
    with _draft(target, text) as draft:
        found = inspect(replace(options, files=(draft,), variables={})).diagnostics
        wrong = next((d for d in found if d.severity is Severity.ERROR), None)
        if wrong is not None:
            raise WanbatchError(
                ExitCode.INVALID,
                hide_queries(f"the new manifest would not be valid: {wrong.message}"),
                *(hide_queries(hint) for hint in wrong.help),
                f"nothing was written to {target}",
            )
        if wanted.overwrite:
            draft.replace(target)
            return
        try:
            os.link(draft, target)
        except FileExistsError:
            raise WanbatchError(
                ExitCode.INVALID,
                f"-o {target} has come to be meanwhile, and was not touched",
                "name another file, or add --overwrite to replace it",
            ) from None


@contextmanager
def _draft(target: Path, text: str) -> Iterator[Path]:
    draft = target.with_name(f".{target.name}.{os.getpid()}.draft.yaml")
    try:
        with written_atomically(draft) as file:
            file.write(text.encode())
        yield draft
    except OSError as error:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"-o {target} cannot be written: {error.strerror}",
            "name a file in a folder that can be written",
        ) from error
    finally:
        draft.unlink(missing_ok=True)
