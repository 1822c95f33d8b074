"""Reads ``review.json`` and brings the opinions of several people together.

What it may not do: read files or ledgers, or know a manifest: ``operations.promote``
matches opinions with jobs.

How it works: bytes are decoded, read as strict JSON and held against
``schemas/review.schema.json``; what is wrong is said with its line, column and JSON
pointer. Merging keeps each person's newest word on a video and every showing of a pair
once; opinions of different people stand beside each other, and ``Opinion`` is what they
come to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

from wanbatch.model.review import Duel, DuelOutcome, JobRef, Pick, Review, Verdict
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.json_places import BadJson, Place, Value, find_place, read_json
from wanbatch.words.quoting import closest, escape_unsafe, listed, shown
from wanbatch.words.schemas import gate, schema_errors

LARGEST = 64 * 1024 * 1024
"""Bytes; 100,000 picks with a note each are 40 million."""
_ADVICE = "export the review again from the report's page; 'wanbatch schema review' has the form"


def parse_review(data: bytes, name: str) -> Review:
    """The review in a file's bytes; ``name`` is what the user calls the file. Raises
    ``WanbatchError`` (2) that names the place of what is wrong."""
    if len(data) > LARGEST:
        raise WanbatchError(
            ExitCode.INVALID, f"{name}: it is larger than {LARGEST:,} bytes: no review", _ADVICE
        )
    text = _decode(data, name)
    try:
        document = read_json(text)
    except BadJson as error:
        raise _refusal(name, error.place, error.problem) from None
    _check(document, text, name)
    return _review(cast("dict[str, Any]", document))


def merge_reviews(reviews: Sequence[Review]) -> Review:
    """All opinions as one review. They are about one manifest and realm (the caller has
    looked); of a person's words on one video the newest counts."""
    picks: dict[tuple[JobRef, str], Pick] = {}
    for pick in sorted((p for r in reviews for p in r.picks), key=_age):
        picks[pick.job, pick.by] = pick
    duels = sorted(dict.fromkeys(d for r in reviews for d in r.duels), key=lambda duel: duel.at)
    newest = max(reviews, key=lambda review: review.exported_at)
    return Review(
        newest.manifest,
        newest.manifest_sha256,
        newest.realm,
        tuple(sorted({name for review in reviews for name in review.reviewers})),
        tuple(picks[key] for key in sorted(picks)),
        tuple(duels),
        newest.exported_at,
    )


def _age(pick: Pick) -> tuple[str, str, int, str]:
    """By time, and where that is equal in some order that is always the same."""
    return pick.at, pick.verdict, pick.stars, pick.note


@dataclass(frozen=True, slots=True)
class Opinion:
    """What all people together think of one video: how many keep and reject it, and
    their mean of stars, 0 where nobody gave any."""

    job: JobRef
    keeps: int
    rejects: int
    stars: Fraction

    @property
    def verdict(self) -> Verdict:
        """The majority's; none where it is even."""
        if self.keeps == self.rejects:
            return Verdict.NONE
        return Verdict.KEEP if self.keeps > self.rejects else Verdict.REJECT

    @property
    def is_even(self) -> bool:
        """Whether as many people keep as reject it."""
        return self.keeps == self.rejects > 0


def weigh_opinions(picks: Iterable[Pick]) -> dict[JobRef, Opinion]:
    """Every video that somebody picked, in the order of the first word on it."""
    by_job: dict[JobRef, list[Pick]] = defaultdict(list)
    for pick in picks:
        by_job[pick.job].append(pick)
    return {job: _weigh(job, said) for job, said in by_job.items()}


def _weigh(job: JobRef, said: Sequence[Pick]) -> Opinion:
    stars = [pick.stars for pick in said if pick.stars]
    return Opinion(
        job,
        sum(pick.verdict is Verdict.KEEP for pick in said),
        sum(pick.verdict is Verdict.REJECT for pick in said),
        Fraction(sum(stars), len(stars)) if stars else Fraction(0),
    )


# -- reading ---------------------------------------------------------------------------


def _decode(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise _refusal(name, Place(line, column, ""), "this byte is no UTF-8") from None


def _check(document: Value, text: str, name: str) -> None:
    if not isinstance(document, dict):
        raise _refusal(name, find_place(text, ()), "a review is a mapping")
    said = document.get("schema")
    if isinstance(said, str) and said != "wanbatch/review@1":
        raise _refusal(
            name, find_place(text, ("schema",)), f"schema is {shown(said)}, not a review"
        )
    if not gate("review").is_valid(document):
        error = next(schema_errors("review", document), None)
        route = tuple(error.absolute_path) if error else ()
        problem = _told(error) if error else "it is not what the schema says"
        raise _refusal(name, find_place(text, route), problem)
    for number, duel in enumerate(cast("list[Any]", document["duels"])):
        if duel["left"] == duel["right"]:
            raise _refusal(
                name, find_place(text, ("duels", number, "right")), "a video meets itself"
            )


def _told(error: Any) -> str:  # noqa: ANN401 - jsonschema's error, whose import stays lazy
    schema = error.schema if isinstance(error.schema, dict) else {}
    if error.validator == "additionalProperties":
        known = list(schema.get("properties", {}))
        extra = next((key for key in error.instance if key not in known), "")
        near = closest(extra, known)
        return f"unknown key {shown(extra)}" + (
            f": did you mean {near}?" if near else f"; known here: {listed(known, 'and')}"
        )
    if error.validator == "required":
        missing = next((key for key in error.validator_value if key not in error.instance), "")
        return f"the key {shown(missing)} is missing"
    return str(schema.get("errorMessage") or error.message)[:200]


def _refusal(name: str, place: Place, problem: str) -> WanbatchError:
    pointer = escape_unsafe(place.pointer)[:200]
    where = f"{name}:{place.line}:{place.column}" + (f" ({pointer})" if pointer else "")
    return WanbatchError(ExitCode.INVALID, f"{where}: {escape_unsafe(problem)}", _ADVICE)


def _review(document: dict[str, Any]) -> Review:
    return Review(
        document["manifest"]["name"],
        document["manifest"]["sha256"],
        document["realm"],
        tuple(document["reviewers"]),
        tuple(map(_pick, document["picks"])),
        tuple(map(_duel, document["duels"])),
        document["exported_at"],
    )


def _pick(fields: dict[str, Any]) -> Pick:
    return Pick(
        JobRef(fields["name"], fields["fingerprint"]),
        fields["video"],
        Verdict(fields["verdict"]),
        int(fields["stars"]),  # JSON Schema takes 4.0 for a whole number
        fields["note"],
        fields["by"],
        fields["at"],
    )


def _duel(fields: dict[str, Any]) -> Duel:
    return Duel(
        fields["group"],
        JobRef(**fields["left"]),
        JobRef(**fields["right"]),
        DuelOutcome(fields["outcome"]),
        fields["swapped"],
        fields["by"],
        fields["at"],
    )
