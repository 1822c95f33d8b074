"""Makes ``report.html``: one file beside its videos that opens from disk, without
server or network.

What it may not do: I/O but for reading its own assets; let a byte of a manifest or of a
provider's reply become markup, script or style.

How it works: the head of the page (totals, money, time, what to do) is markup, made by
Jinja with autoescaping, so that it can be read without scripts. The jobs travel as JSON
in a data block, deflated where they are many, and the scripts of ``web/`` build the
views from it with text nodes only. ``SCRIPTS`` are joined in one closure that travels
deflated (``inlining``) and is unpacked by ``LOADER``, ``STYLES`` in one style. A
Content-Security-Policy names the style and the two scripts by hash and forbids every
other source but files beside the page. Jinja never sees any of them as templates.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import cast
from urllib.parse import quote

from jinja2 import DictLoader, Environment, StrictUndefined, Template
from markupsafe import Markup

from wanbatch.model.report import Report, TimeSpent
from wanbatch.report import labels, wording
from wanbatch.report.addresses import origins_of
from wanbatch.report.advice import Advice, advise, remake_command
from wanbatch.report.charts.latency import latency_of
from wanbatch.report.charts.spend import spend_of
from wanbatch.report.charts.timeline import timeline_of
from wanbatch.report.formats.codec import instant
from wanbatch.report.formats.inlining import join_scripts, join_styles, pack, strip_comments
from wanbatch.report.formats.packing import pack_jobs
from wanbatch.report.wording import link
from wanbatch.words.canonical import Json

PACKED_FROM = 1500
"""So many jobs are worth packing: below, the page's source stays readable."""

LISTED = 300
"""So many jobs are listed for readers without scripts."""

PURE_SCRIPTS = (
    "words.js",
    "unpack.js",
    "jobs.js",
    "view.js",
    "fields.js",
    "query.js",
    "filter.js",
    "facts.js",
    "ranking.js",
    "review.js",
    "chain.js",
    "differences.js",
    "picks.js",
    "grid_axes.js",
    "grid_paint.js",
    "sync.js",
)
"""They decide and word, and touch no page: they are tested without a browser."""

SCRIPTS = (
    *PURE_SCRIPTS,
    "elements.js",
    "data.js",
    "copying.js",
    "skeleton.js",
    "toolbar.js",
    "facets.js",
    "tabs.js",
    "keys.js",
    "previews.js",
    "focus.js",
    "cards.js",
    "choosing.js",
    "gallery.js",
    "table.js",
    "player.js",
    "players.js",
    "transport.js",
    "grid_tiles.js",
    "grid_bar.js",
    "grid.js",
    "pictures.js",
    "panel.js",
    "dialog.js",
    "duel.js",
    "tray.js",
    "compare.js",
    "main.js",
)
"""The files of ``web/`` that make the page's script, in this order: each may use the
names of those before it, and ``main.js``, the last, starts the page."""

LOADER = "loader.js"
"""The one script that the page holds as it is."""

STYLES = (
    "base.css",
    "head.css",
    "charts.css",
    "advice.css",
    "tabs.css",
    "toolbar.css",
    "gallery.css",
    "table.css",
    "grid.css",
    "compare.css",
    "job.css",
    "choosing.css",
    "duel.css",
    "narrow.css",
    "print.css",
)
"""The files of ``web/css/`` that make the page's style, in this order: of two rules of
one weight the later wins."""

TEMPLATES = ("report.html.j2", "charts.html.j2")
"""The page's skeleton, and what it includes."""

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the time bar: ``start`` and ``share`` in percent."""

    name: str
    label: str
    seconds: float
    start: float
    share: float


def render_page(
    report: Report,
    document: Mapping[str, Json],
    base: str = "",
    *,
    opening: str = "",
    links_until: str = "",
) -> str:
    """The page's text. ``document`` is the report's; ``base`` leads from the page's
    folder to the manifest's: a URL, empty or ending with a slash. ``opening`` is the
    view of a page of two reports, whose jobs no command knows: it gives no advice.
    ``links_until`` says how long the links of a copy work."""
    assets = _assets()
    advice = () if opening else advise(report)
    return assets.template.render(
        report=report,
        advice=advice,
        stages=stages(report.time) if report.time else (),
        charts={
            "latency": latency_of(report),
            "timeline": timeline_of(report),
            "spend": spend_of(report),
        },
        states=[
            (state.value, report.totals.of(state))
            for state in labels.STATES
            if report.totals.of(state)
        ],
        listed=report.jobs[:LISTED],
        base=base,
        policy=Markup(_policy(assets.policy, report)),  # noqa: S704 - our own assets, origins alone
        links_until=links_until,
        style=Markup(assets.style),  # noqa: S704
        script=Markup(assets.script),  # noqa: S704
        loader=Markup(assets.loader),  # noqa: S704
        data=Markup(_data(report, document, advice, base, opening)),  # noqa: S704 - escaped by _data
        packed=len(report.jobs) + len(report.former) >= PACKED_FROM,
        words=wording,
        instant=instant,
        link=link,
        reach=wording.reach,
        fragment=fragment,
    )


def _policy(policy: str, report: Report) -> str:
    """What the page may load: also from the servers that give its videos and their
    posters."""
    servers = " ".join(("file:", *origins_of(report)))
    for kind in ("img-src", "media-src"):
        policy = policy.replace(f"{kind} 'self' file:", f"{kind} 'self' {servers}")
    return policy


def fragment(**view: str) -> str:
    """The part of the page's address that keeps a view: ``#job=…`` or ``#state=…``.
    Half a character, which a reply may hold, is replaced."""
    return "#" + "&".join(
        f"{key}={quote(value, '', errors='replace')}" for key, value in view.items()
    )


def stages(time: TimeSpent) -> tuple[Stage, ...]:
    """The run's wall clock as parts of a bar; parts too short to be seen are left out
    of it."""
    parts = (
        ("generating", "Generating", time.generating_s),
        ("downloading", "Downloading", time.downloading_s),
        ("submitting", "Submitting", time.submitting_s),
        ("waiting", "Waiting", time.waiting_s),
    )
    found, start = [], 0.0
    for name, label, seconds in parts:
        share = 100 * seconds / time.wall_s if time.wall_s else 0.0
        if seconds >= 0.05:
            found.append(Stage(name, label, seconds, round(start, 3), round(share, 3)))
        start += share
    return tuple(found)


def _data(
    report: Report,
    document: Mapping[str, Json],
    advice: tuple[Advice, ...],
    base: str,
    opening: str,
) -> str:
    """What the scripts read: the jobs, the former jobs, the steps of each piece of
    advice, the labels; as JSON, or deflated and in base 64."""
    text = _encode(
        {
            "base": base,
            "opening": opening,
            "manifest": {"name": report.manifest.name, "sha256": report.manifest.sha256},
            "realm": report.realm,
            **pack_jobs(_list(document["jobs"]), _list(document["former"])),
            "thumbnails": report.thumbnails,
            "again": "" if opening else remake_command(report),
            "advice": [
                {
                    "jobs": a.jobs,
                    "state": a.state.value,
                    "meaning": a.meaning,
                    "steps": [{"when": s.when, "command": s.command} for s in a.steps],
                }
                for a in advice
            ],
            "labels": {
                "states": labels.STATES,
                "authorities": labels.AUTHORITIES,
                "media": labels.MEDIA,
                "stages": [
                    {"field": field, "tone": tone, "label": label}
                    for field, tone, label in labels.STAGES
                ],
                "symbols": wording.SYMBOLS,
            },
        },
    )
    if len(report.jobs) + len(report.former) >= PACKED_FROM:
        return b64encode(zlib.compress(text.encode("utf-8", "backslashreplace"), 2)).decode("ascii")
    return (
        text.replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


@dataclass(frozen=True, slots=True)
class _Assets:
    template: Template
    style: str
    script: str
    loader: str
    policy: str


@cache
def _assets() -> _Assets:
    folder = files("wanbatch.report") / "web"

    def read(name: str) -> str:
        return (folder / name).read_text(encoding="utf-8")

    style = join_styles(read(f"css/{name}") for name in STYLES)
    script = join_scripts(read(name) for name in SCRIPTS)
    loader = strip_comments(read(LOADER))
    policy = (
        f"default-src 'none'; script-src '{_digest(loader)}' '{_digest(script)}'; "
        f"style-src '{_digest(style)}'; "
        "img-src 'self' file:; media-src 'self' file:; base-uri 'none'; form-action 'none'"
    )
    environment = Environment(
        loader=DictLoader({name: read(name) for name in TEMPLATES}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template(TEMPLATES[0])
    return _Assets(page, style, pack(script), loader, policy)


def _list(value: Json) -> list[Json]:
    return cast("list[Json]", value)


def _digest(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()
