"""Errors of the JSON Schemas as findings with a place, in the words of someone who
knows what the key is for.

What it may not do: judge by rules of its own: what is an error, the schemas say.

How it works: the fast validator says whether there is an error at all, and in which
jobs; only those go through jsonschema, whose keyword and path decide code, place and
hint. Schemas carry an ``errorMessage`` at every value; it is the label beside the caret
here and the message in an editor.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wanbatch.manifest.paths import address_hints
from wanbatch.manifest.shape import codes
from wanbatch.manifest.template.placeholders import whole_placeholder
from wanbatch.manifest.yaml.document import Document, Value
from wanbatch.words.diagnostics import Diagnostic, Route
from wanbatch.words.quoting import closest, escape_unsafe, listed, shown
from wanbatch.words.schemas import gate, schema_errors

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

MOST_EXPLAINED = 10_000
"""Jobs of one manifest whose errors are explained, at about half a millisecond each: as
many as there may be unless more are asked for. The rest are counted.
"""

_OTHER_NAMES = {
    "duration": "seconds",
    "length": "seconds",
    "resolution": "size",
    "negative": "negative_prompt",
    "image": "first_frame",
    "img_url": "first_frame",
    "audio": "driving_audio",
    "audio_url": "driving_audio",
    "video": "first_clip",
    "clip": "first_clip",
    "prompt_extension": "prompt_extend",
    "variables": "vars",
    "count": "repeat",
    "n": "repeat",
    "name": "id",
    "version": "wanbatch",
    "strategy": "matrix",
    "label": "tags",
    "parameters": "vars",
    "path": "file",
    "budget": "max_cost",
    "concurrency": "max_in_flight",
    "parallel": "max_in_flight",
}
_OTHER_CHECKS = {
    "freeze": "frozen",
    "still": "frozen",
    "dark": "black",
    "cuts": "cut",
    "scenes": "cut",
    "scene_cuts": "cut",
    "sharpness": "blur",
    "brightness": "exposure",
    "color": "colour_drift",
    "colour": "colour_drift",
    "color_drift": "colour_drift",
    "audio": "sound",
    "has_audio": "sound",
    "peak": "clipping",
    "join": "joint",
    "seam": "joint",
    "seconds": "length",
    "duration": "length",
    "resolution": "size",
    "aspect_ratio": "shape",
    "ssim": "first_frame",
}
"""What other tools call the checks of ``expect``."""
_OF_SEVERAL = ("same", "reproduces")
_COMBINING = ("include", "exclude")
_MEDIA = ("first_frame", "last_frame", "driving_audio", "first_clip")
_KINDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, before it has a place: at ``path`` in the validated value, at its
    key if ``key``."""

    code: str
    message: str
    path: Route
    label: str = ""
    hints: tuple[str, ...] = ()
    key: bool = False
    missing: tuple[str, ...] = ()
    """The keys of which one would mend it."""


def check_shape(document: Document) -> tuple[list[Diagnostic], frozenset[int]]:
    """The schema's findings about a manifest, and the indexes of the jobs that have
    some."""
    data = document.data
    validator = gate("manifest")
    if validator.is_valid(data):
        return [], frozenset()
    bad: list[int] = []
    for error in validator.iter_errors(data):
        path = list(error.instance_path)
        if (
            len(path) >= 2
            and path[0] == "jobs"
            and isinstance(path[1], int)
            and path[1] not in bad[-1:]
        ):
            bad.append(path[1])
    numbers = sorted(set(bad))
    explained = numbers[:MOST_EXPLAINED]
    findings = [
        document.finding(f.code, f.message, f.path, key=f.key, label=f.label, hints=f.hints)
        for f in _manifest_faults(data, explained)
    ]
    if len(numbers) > MOST_EXPLAINED:
        rest = len(numbers) - MOST_EXPLAINED
        findings.append(
            document.finding(
                codes.OTHER,
                f"{rest} more jobs have errors",
                ("jobs", numbers[MOST_EXPLAINED]),
                label="from here on",
                hints=("mend the ones above and check again",),
            )
        )
    return findings, frozenset(numbers)


def _manifest_faults(data: Value, explained: list[int]) -> Iterator[Fault]:
    """Validate the manifest with only its bad jobs, and give the paths their real job
    numbers back."""
    jobs = data.get("jobs") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(jobs, list) or not jobs:
        yield from explain("manifest", data)
        return
    kept = explained or [0]
    for fault in explain("manifest", {**data, "jobs": [jobs[number] for number in kept]}):
        path = fault.path
        if len(path) >= 2 and path[0] == "jobs" and isinstance(path[1], int):
            path = ("jobs", kept[path[1]], *path[2:])
        yield Fault(fault.code, fault.message, path, fault.label, fault.hints, fault.key)


def explain(schema: str, value: object) -> list[Fault]:
    """Every fault of ``value``, each once, in no particular order."""
    faults: dict[tuple[str, Route, str], Fault] = {}
    for error in schema_errors(schema, value):
        for fault in _misspelt(error, value) if error.schema is False else _faults_of(error):
            told_apart = fault.code in (codes.UNKNOWN_KEY, codes.MISSING_KEY)
            key = (fault.code, fault.path, fault.message if told_apart else "")
            faults.setdefault(key, fault)
    return list(_without_slips(faults.values()))


def _without_slips(faults: Collection[Fault]) -> Iterator[Fault]:
    """The faults but for missing keys that stand there under another name: that is said
    already.
    """
    meant: dict[Route, list[str]] = {}
    for fault in faults:
        if fault.code == codes.UNKNOWN_KEY:
            meant.setdefault(fault.path[:-1], []).append(fault.hints[0])
    for fault in faults:
        hints = meant.get(fault.path, ())
        if not any(_means(hint, name) for hint in hints for name in fault.missing):
            yield fault


def _means(hint: str, name: str) -> bool:
    return hint.startswith((f"did you mean {name}", f"{name} belongs under")) or (
        name == "media" and hint.endswith("belongs under media")
    )


def _misspelt(error: ValidationError, value: object) -> Iterator[Fault]:
    """The key whose schema is ``false``: a slip of include or exclude. The error knows
    only its value.
    """
    path: Route = tuple(error.absolute_path)
    for step in path:
        value = value[step]  # type: ignore[index]
    for name, item in value.items() if isinstance(value, dict) else ():
        if item is error.instance and name not in _COMBINING and closest(name, _COMBINING):
            yield _unknown_key(name, list(_COMBINING), path)


def _faults_of(error: ValidationError) -> Iterable[Fault]:
    handler = _HANDLERS.get(str(error.validator))
    path: Route = tuple(error.absolute_path)
    says = ""
    if isinstance(error.schema, Mapping):
        says = str(error.schema.get("errorMessage", ""))
    if "propertyNames" in error.absolute_schema_path:
        handler = _names
    if handler is None:
        return [
            Fault(
                codes.OTHER,
                escape_unsafe(says or error.message[:200]),
                path,
                "",
                ("wanbatch schema manifest prints what is allowed",),
            )
        ]
    return handler(error, path, says)


def _words(value: object) -> list[str]:
    """A keyword's value as a list of texts: that of ``required``, ``type`` or ``enum``,
    or the keys of an instance."""
    return [str(item) for item in value] if isinstance(value, (list, dict)) else [str(value)]


def _unknown_keys(error: ValidationError, path: Route, says: str) -> Iterator[Fault]:
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    known = list(schema.get("properties", {}))
    for name in _words(error.instance):
        if name in known or (not path and name.startswith("x-")):
            continue
        yield _unknown_key(name, known, path)


def _unknown_key(name: str, known: list[str], path: Route) -> Fault:
    where, hint = _where(path), _suggest(name, known, path)
    message = f"unknown key {shown(name)}"
    return Fault(codes.UNKNOWN_KEY, message, (*path, name), where, (hint,), key=True)


def _where(path: Route) -> str:
    if not path:
        return "no key of a manifest"
    if path[-1] == "media":
        return "no kind of media"
    if path[-1] == "expect":
        return "no check of a single video"
    named = [step for step in path if isinstance(step, str)]
    return "no field of a job" if named == ["jobs"] else f"no key of {named[-1]}"


def _suggest(name: str, known: list[str], path: Route) -> str:
    if path[-1:] == ("expect",) and name in _OF_SEVERAL:
        return f"{name} compares several videos: the report says it of them, remove it here"
    others = _OTHER_CHECKS if path[-1:] == ("expect",) else _OTHER_NAMES
    other = others.get(name.lower())
    if other in known:
        return f"did you mean {other}?"
    if other in _MEDIA and "media" in known:
        return f"did you mean media: {{{other}: …}}?"
    if name in _MEDIA and "media" in known:
        return f"{name} belongs under media"
    if near := closest(name, known):
        return f"did you mean {near}?"
    if name == "frame" and path[-1:] == ("first_clip",):
        return "first_clip takes the whole video; frame is for first_frame and last_frame"
    if not path:
        return f"the keys here are {listed(known, 'and', 20)}; one that begins with x- is free"
    if len(known) == 1:
        return f"the only key here is {known[0]}"
    return f"the keys here are {listed(known, 'and', 20)}"


def means_media(name: str) -> bool:
    """Whether an unknown key of a job most likely names one of its media."""
    return name in _MEDIA or _OTHER_NAMES.get(name.lower()) in _MEDIA


def _missing(error: ValidationError, path: Route, says: str) -> Iterator[Fault]:
    for name in _words(error.validator_value):
        if name in _words(error.instance):
            continue
        if name in ("media", "first_frame"):
            yield Fault(
                codes.INCOMPLETE_MEDIA,
                "media needs first_frame or first_clip",
                path,
                "",
                (
                    "add first_frame: PATH"
                    if path[-1:] == ("media",)
                    else "add media: {first_frame: PATH}",
                ),
                key=True,
                missing=("media", "first_frame", "first_clip"),
            )
        elif name == "frame":
            yield Fault(
                codes.INCOMPLETE_REFERENCE,
                "the reference does not say which still it takes",
                path,
                "",
                ("add frame: last, or frame: first",),
                key=True,
                missing=("frame",),
            )
        else:
            shape = {
                "wanbatch": "wanbatch: 1",
                "jobs": "jobs: and a list of jobs",
                "id": "id: NAME",
            }.get(name, f"{name}: …")
            yield Fault(
                codes.MISSING_KEY,
                f"{_subject(path)} lacks {name}",
                path,
                "",
                (f"add {shape}",),
                key=True,
                missing=(name,),
            )


def _subject(path: Route) -> str:
    if not path:
        return "the manifest"
    return (
        "this job"
        if len(path) == 2 and path[0] == "jobs"
        else str(next(s for s in reversed(path) if isinstance(s, str)))
    )


def _type(error: ValidationError, path: Route, says: str) -> Iterator[Fault]:
    found = error.instance
    kind = _kind(found)
    wanted = _words(error.validator_value)
    message = (
        says or f"{listed(_KINDS.get(str(w), str(w)) for w in wanted if w != 'null')} is expected"
    )
    if not path:
        yield Fault(
            codes.WRONG_TYPE,
            "a manifest is a mapping of keys to values",
            path,
            f"this is {kind}",
            ("begin with wanbatch: 1",),
        )
        return
    yield Fault(
        codes.WRONG_TYPE, message, path, f"this is {kind}", _type_hint(found, wanted, path, says)
    )


def _kind(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int):
        return "a number"
    if isinstance(value, float):
        return "a number with a fraction" if not value.is_integer() else "a number"
    return (
        _KINDS["string"]
        if isinstance(value, str)
        else _KINDS["array" if isinstance(value, list) else "object"]
    )


def _type_hint(found: object, wanted: list[str], path: Route, says: str) -> tuple[str, ...]:
    key = next((s for s in reversed(path) if isinstance(s, str)), "it")
    if (
        "string" in wanted
        and isinstance(found, (int, float))
        and not {"number", "integer", "boolean"} & set(wanted)
    ):
        if key == "size" and (near := _size(str(found))):
            return (f"did you mean {near}?",)
        return (f'put it in quotes if it is a text: "{shown(found)}"',)
    if wanted[0] == "array" and isinstance(found, (str, int, float, bool)):
        return (f"write a list: {key}: [{escape_unsafe(str(found))[:40]}]",)
    if "expect" in path[:-1] and says:
        return (f"write {says.partition(' is ')[2]}",)
    if "boolean" in wanted and isinstance(found, int) and found in (0, 1):
        return (f"write {'true' if found else 'false'}",)
    if "boolean" in wanted and str(found).lower() in ("yes", "on", "no", "off"):
        return ("write true or false: YAML 1.2 reads yes, no, on and off as texts",)
    if found is None:
        return (f"give {key} a value",)
    return (f"write {listed(_KINDS.get(w, w) for w in wanted if w != 'null')}",)


def _size(text: str) -> str | None:
    """The size that has the number in ``text``."""
    number = "".join(c for c in text if c.isdigit())
    return f"{number}P" if number in ("720", "1080") else None


def _const(error: ValidationError, path: Route, says: str) -> Iterator[Fault]:
    name = path[-1] if path else ""
    if name == "wanbatch":
        yield Fault(
            codes.WRONG_VERSION,
            f"wanbatch: {shown(error.instance)} is another format than this program reads",
            path,
            "the format is 1",
            ("write wanbatch: 1",),
        )
    elif name == "seeds":
        yield Fault(
            codes.SEED_AND_SEEDS,
            "seed and seeds exclude each other",
            path,
            "the job has seed as well",
            ("remove one of the two",),
            key=True,
        )
    elif name == "first_frame":
        yield Fault(
            codes.CLIP_WITH_FRAME,
            "first_clip cannot be combined with first_frame",
            path,
            "the video begins with the clip",
            ("remove first_frame or first_clip",),
            key=True,
        )
    else:
        yield Fault(
            codes.CLIP_WITH_AUDIO,
            "first_clip cannot be combined with driving_audio",
            path,
            "the API takes driving_audio only with first_frame",
            ("remove driving_audio, or replace first_clip by first_frame",),
            key=True,
        )


def _enum(error: ValidationError, path: Route, says: str) -> Iterator[Fault]:
    choices = [c for c in _words(error.validator_value) if c != "None"]
    is_size = path[-1:] == ("size",)
    near = _size(str(error.instance)) if is_size else closest(str(error.instance), choices)
    hint = f"did you mean {near}?" if near else f"write {listed(choices)}"
    yield Fault(
        codes.NOT_A_CHOICE, f"{shown(error.instance)} is not allowed here", path, says, (hint,)
    )


def _range(error: ValidationError, path: Route, says: str) -> Iterator[Fault]:
    bound = shown(error.validator_value)
    hint = {"minimum": f"write {bound} or more", "maximum": f"write {bound} or less"}.get(
        str(error.validator), f"write more than {bound}"
    )
    yield Fault(codes.OUT_OF_RANGE, f"{shown(error.instance)} is out of range", path, says, (hint,))


def _pattern(error: ValidationError, path: Route, says: str) -> Iterator[Fault]:
    text, name = str(error.instance), str(path[-1]) if path else ""
    if name in ("prompt", "negative_prompt"):
        yield Fault(
            codes.CONTROL_IN_TEXT,
            f"{name} has a control character",
            path,
            "only tabs and line ends are sent",
            ("remove it",),
        )
    elif any(step in _MEDIA for step in path) and name != "job":
        scheme = text.split(":", 1)[0]
        hints = address_hints(text) or (
            "use https://"
            if scheme.lower() == "http"
            else "download the file beside the manifest and name its path",
        )
        yield Fault(codes.BAD_ADDRESS, f"{shown(text)} cannot be sent", path, says, hints)
    elif (placeholder := whole_placeholder(text)) and name not in ("id", "name", "backend"):
        yield Fault(
            codes.BAD_TEXT,
            f"{shown(text)} is a placeholder of another tool",
            path,
            says,
            (f'write "{{{{ {placeholder} }}}}"',),
        )
    elif name == "size":
        near = _size(text)
        yield Fault(
            codes.NOT_A_CHOICE,
            f"{shown(text)} is no size",
            path,
            says,
            (f"did you mean {near}?" if near else "write 720P or 1080P",),
        )
    elif name in ("id", "name") and (slug := _slug(text)):
        yield Fault(
            codes.BAD_TEXT,
            f"{shown(text)} cannot be used as {name}",
            path,
            says,
            (f"write {slug}",),
        )
    else:
        kinds = _kinds_of(error)
        out_of_range = "integer" in kinds and _as_number(text)
        code = codes.OUT_OF_RANGE if out_of_range else codes.BAD_TEXT
        what = "out of range" if out_of_range else "not of the right form"
        hint = _form_hint(name, text, says, path, kinds)
        yield Fault(code, f"{shown(text)} is {what}", path, says, (hint,))


def _kinds_of(error: ValidationError) -> frozenset[str]:
    """The types that the field may have beside a text."""
    kinds = error.schema.get("type", ()) if isinstance(error.schema, Mapping) else ()
    return frozenset([kinds] if isinstance(kinds, str) else map(str, kinds))


def _form_hint(name: str, text: str, says: str, path: Route, kinds: frozenset[str]) -> str:
    if "boolean" in kinds:
        return (
            "write true or false: YAML 1.2 reads yes, no, on and off as texts"
            if text in ("yes", "no", "on", "off")
            else "write true or false"
        )
    if name == "backend":
        return "name a backend: emulator, gateway, or a profile of your configuration"
    if name == "max_cost":
        return "write a number such as 5.00, without a currency"
    if name == "model":
        return "write wan2.7-i2v, or leave model out"
    if "tags" in path and (word := "-".join(text.replace(",", " ").split())):
        return f"write {escape_unsafe(word)}"
    if {"integer", "number"} & kinds:
        # The schema says "NAME is FORM" of every number (a test holds that).
        return f"write {says.partition(' is ')[2]}"
    return "wanbatch schema manifest prints the forms of all fields"


def _as_number(text: str) -> bool:
    return text.lstrip("+-").isdecimal()


def _slug(text: str) -> str:
    kept = "".join(
        c if (c.isascii() and c.isalnum()) or c in "-_" else "-" for c in text.lower()
    ).strip("-_")
    return "-".join(part for part in kept.split("-") if part)[:60]


def _too_few(error: ValidationError, path: Route, says: str) -> Iterator[Fault]:
    name = next((s for s in reversed(path) if isinstance(s, str)), "the manifest")
    hint = "add a job: - id: NAME" if path == ("jobs",) else "fill it, or remove the key"
    yield Fault(codes.TOO_FEW, f"{name} may not be empty", path, says, (hint,))


def _too_long(error: ValidationError, path: Route, says: str) -> Iterator[Fault]:
    name, length, most = (
        path[-1] if path else "",
        len(str(error.instance)),
        int(str(error.validator_value)),
    )
    cut = "the API would cut it silently" if name in ("prompt", "negative_prompt") else says
    yield Fault(
        codes.TOO_LONG,
        f"{name} has {length:,} characters, at most {most:,} are taken",
        path,
        cut,
        (f"shorten it by {length - most:,} characters",),
    )


def _names(error: ValidationError, path: Route, says: str) -> Iterator[Fault]:
    text = str(error.instance)
    near = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in text)
    near = f"_{near}" if near[:1].isdigit() else near
    hints = (f"write {near}" if near.strip("_") and len(near) < 60 else "choose another name",)
    says = "names are letters, digits and _, and begin with a letter"
    yield Fault(
        codes.BAD_NAME,
        f"{shown(text)} cannot be the name of a variable",
        (*path, text),
        says,
        hints,
        key=True,
    )


def _step(error: ValidationError, path: Route, says: str) -> Iterator[Fault]:
    yield Fault(
        codes.STEP_WITHOUT_START,
        "step needs start",
        (*path, "step"),
        "drawn seeds have no step",
        ("add start, or remove step",),
        key=True,
    )


def _not(error: ValidationError, path: Route, says: str) -> Iterator[Fault]:
    yield Fault(
        codes.OUT_OF_RANGE,
        f"{shown(error.instance)} is out of range",
        path,
        says,
        ("write another number",),
    )


_Handler = Callable[["ValidationError", Route, str], Iterable[Fault]]
_HANDLERS: dict[str, _Handler] = {
    "additionalProperties": _unknown_keys,
    "required": _missing,
    "type": _type,
    "const": _const,
    "enum": _enum,
    "minimum": _range,
    "maximum": _range,
    "exclusiveMinimum": _range,
    "pattern": _pattern,
    "minLength": _too_few,
    "minItems": _too_few,
    "minProperties": _too_few,
    "maxLength": _too_long,
    "propertyNames": _names,
    "dependencies": _step,
    "not": _not,
}
