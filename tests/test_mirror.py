"""Where the tests of each module are.

A module ``wanbatch/ROOM/…/NAME.py`` has its tests in ``tests/ROOM/test_NAME.py``. The
table below names the file for every other one: a part of something that is tested as
one, or a command that is tested by what it does. An entry that is not needed fails, and
so does a file that does not reach its module.

What it may not do: import what it looks at; all is read from the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROOT = TESTS.parent / "wanbatch"

TABLE = {
    "cli/test_approved.py": "operations/approved",
    "cli/test_bad_input.py": "cli/explain",
    "cli/test_board.py": "cli/progress/words",
    "cli/test_check.py": "operations/inspection report/formats/checked",
    "cli/test_command.py": "cli/manual",
    "cli/test_compare.py": "operations/compare",
    "cli/test_contract_output.py": "cli/console cli/options cli/output cli/report cli/validate",
    "cli/test_elsewhere.py": "operations/elsewhere operations/evidence report/head",
    "cli/test_exports.py": "operations/summary report/export",
    "cli/test_film.py": "operations/film",
    "cli/test_findings.py": "cli/findings_machine operations/codes words/diagnostics",
    "cli/test_first_minutes.py": (
        "cli/bash cli/completing cli/completion cli/init operations/naming operations/starting"
    ),
    "cli/test_foreign_places.py": "operations/reporting videos/folders",
    "cli/test_import.py": "cli/import_ operations/merge operations/rebuild operations/sharding",
    "cli/test_ledger.py": "operations/ledgers",
    "cli/test_live.py": "cli/progress/choose cli/progress/display cli/progress/plain",
    "cli/test_lock.py": ("cli/verify cli/why operations/locks operations/why"),
    "cli/test_many_findings.py": "operations/check",
    "cli/test_money.py": "cli/run cli/run_view operations/approval",
    "cli/test_named_ledger.py": "operations/named_ledger",
    "cli/test_odd_disks.py": "words/disk",
    "cli/test_prices.py": "cli/plan config/price_advice operations/choose",
    "cli/test_promote.py": "operations/promote",
    "cli/test_resolve.py": "operations/resolve plan/undecided",
    "cli/test_retrying.py": "model/retrying operations/retrying",
    "cli/test_selection.py": "operations/options",
    "cli/test_shared_ledger.py": "operations/shared operations/sharing",
    "cli/test_startup.py": "__main__ cli/main cli/schema",
    "cli/test_status.py": "cli/wording",
    "cli/test_store.py": "operations/archives operations/homecoming operations/presigning",
    "compute/test_connecting.py": "compute/local",
    "config/test_profiles.py": "config/declared config/project config/toml model/price model/wire",
    "config/test_storages.py": "model/secret model/storage",
    "emulator/test_animatic.py": (
        "emulator/video/camera emulator/video/geometry emulator/video/soundtrack "
        "emulator/video/still"
    ),
    "emulator/test_dashscope_server.py": (
        "emulator/protocols/dashscope emulator/protocols/dashscope_routes emulator/whereabouts"
    ),
    "emulator/test_faults.py": (
        "emulator/faults/injection emulator/faults/rewording emulator/faults/script"
    ),
    "emulator/test_gateway_server.py": (
        "emulator/app emulator/protocols/gateway emulator/protocols/gateway_routes "
        "emulator/protocols/http_answers emulator/protocols/media_routes emulator/service "
        "emulator/signed_urls emulator/task"
    ),
    "emulator/test_readers_never_raise.py": (
        "emulator/protocols/multipart emulator/protocols/parse_dashscope "
        "emulator/protocols/parse_gateway emulator/protocols/references emulator/request"
    ),
    "emulator/test_renders.py": "emulator/settings emulator/video/rendering",
    "emulator/test_stock_server.py": "emulator/protocols/parse_stock",
    "emulator/test_store_outlives.py": (
        "emulator/ids emulator/process emulator/serve emulator/store emulator/uvicorn_protocol"
    ),
    "engine/test_runner.py": "operations/run operations/wiring",
    "engine/test_scheduler.py": (
        "engine/notices engine/scheduling/buying engine/scheduling/doubts "
        "engine/scheduling/failures engine/scheduling/money engine/scheduling/works "
        "engine/work_items testing/replay"
    ),
    "field/test_answers.py": "cli/doctor",
    "field/test_rehearsals.py": "cli/emulator",
    "ledger/test_chain.py": "ledger/shared/entries ledger/shared/segments",
    "ledger/test_copies.py": "ledger/backup ledger/purchases",
    "ledger/test_door.py": (
        "ledger/shared/copy ledger/shared/late ledger/shared/own ledger/shared/pruning "
        "ledger/shared/snapshots ledger/shared/writer"
    ),
    "ledger/test_failures.py": "ledger/writer testing/ledger",
    "ledger/test_holding.py": "ledger/shared/asking model/permit",
    "ledger/test_lease.py": "ledger/shared/documents",
    "ledger/test_store.py": "ledger/rows ledger/sqlite",
    "manifest/test_cases.py": (
        "manifest/paths manifest/shape/codes manifest/sweep/axes manifest/sweep/codes "
        "manifest/sweep/entry manifest/sweep/expand manifest/sweep/references "
        "manifest/sweep/usage manifest/tables/headings manifest/template/codes "
        "manifest/template/constants manifest/template/evaluate manifest/template/expected "
        "manifest/template/placeholders "
        "manifest/tree manifest/yaml/codes manifest/yaml/hints words/codes words/lookalike"
    ),
    "manifest/test_compose.py": "manifest/promotion",
    "manifest/test_docs.py": "manifest/template/filters",
    "manifest/test_rows.py": (
        "manifest/tables/blanks manifest/tables/csv_files manifest/tables/data_files "
        "manifest/tables/delimiters manifest/tables/tables"
    ),
    "manifest/test_schema.py": "manifest/shape/check model/job words/schemas",
    "manifest/test_seeds_and_names.py": "manifest/sweep/seeds words/names",
    "manifest/test_source.py": "manifest/yaml/builder manifest/yaml/document manifest/yaml/escapes",
    "manifest/test_templates.py": "manifest/template/problem manifest/template/sandbox",
    "manifest/test_urls.py": "words/addresses words/hiding words/quoting words/signing",
    "manifest/test_workbooks.py": "manifest/tables/parts",
    "media/test_cases.py": "media/codes media/expiry",
    "media/test_check.py": "media/judge media/limits media/urls",
    "media/test_oddities.py": "media/decoders media/image_headers media/images media/leftovers",
    "media/test_probe.py": "media/clips media/formats model/media",
    "media/test_sounds.py": "media/mp3 media/wav",
    "media/test_stills.py": "media/container media/window videos/stills",
    "media/test_structure.py": "media/boxes media/fragments media/tracks",
    "model/test_objects.py": "testing/objects",
    "model/test_pool.py": "model/plain testing/pool",
    "operations/test_clean.py": "operations/references",
    "operations/test_event_records.py": "engine/events operations/events",
    "operations/test_looking.py": "words/loops",
    "operations/test_notifying.py": "operations/others",
    "operations/test_pools.py": "model/workers",
    "plan/test_elsewhere.py": "model/elsewhere",
    "plan/test_history.py": "plan/earlier plan/likeness",
    "plan/test_identity.py": "words/canonical",
    "plan/test_lock.py": "model/lock",
    "plan/test_planner.py": "model/plan",
    "plan/test_selection.py": "plan/selection_syntax words/errors",
    "providers/test_canary.py": "providers/scrubbing",
    "providers/test_delivery.py": (
        "model/regions providers/delivery/bucket providers/delivery/upload_space"
    ),
    "providers/test_dialects.py": (
        "model/ports providers/dialects/gateway providers/dialects/gateway_metadata "
        "providers/dialects/registry words/plugins"
    ),
    "providers/test_doctor.py": "operations/doctor",
    "providers/test_memory_network.py": "testing/network",
    "providers/test_poll.py": "providers/dialects/status_reply",
    "providers/test_replies.py": "providers/dialects/vocabulary",
    "providers/test_session_keys.py": "providers/http/network",
    "providers/test_submit.py": "providers/http/connections",
    "report/test_advice.py": "report/failures",
    "report/test_charts.py": (
        "report/charts/latency report/charts/scale report/charts/spend report/charts/timeline"
    ),
    "report/test_checks.py": (
        "report/checks/given report/checks/groups report/checks/length report/checks/own_bytes "
        "report/checks/registry report/checks/reproduces report/checks/same report/checks/size "
        "report/checks/sound"
    ),
    "report/test_collect.py": "model/report",
    "report/test_compare.py": "report/formats/comparison",
    "report/test_defects.py": (
        "report/checks/black report/checks/blur report/checks/clipping "
        "report/checks/colour_drift report/checks/cut report/checks/decodes "
        "report/checks/exposure report/checks/first_frame report/checks/flicker "
        "report/checks/frames report/checks/frozen report/checks/joint "
        "report/checks/last_frame report/checks/motion report/checks/shape "
        "report/checks/silence report/checks/sound_length"
    ),
    "report/test_json.py": "report/formats/codec report/schema",
    "report/test_page.py": "report/labels",
    "report/test_records.py": "report/formats/parquet report/formats/videofolder",
    "report/test_review.py": "model/review",
    "report/test_tables.py": "report/wording",
    "report/test_write.py": "report/formats/render",
    "stores/test_archive.py": "model/archive",
    "stores/test_trial.py": "stores/opening",
    "test_api.py": "operations/opening",
    "videos/test_looking.py": (
        "videos/filters videos/full_frames videos/hearing videos/previews videos/references "
        "videos/small_frames"
    ),
    "videos/test_making.py": (
        "model/film videos/film/encode videos/film/lettering videos/film/players videos/film/sound"
    ),
    "words/test_clock.py": "operations/ticks",
    "words/test_reasons.py": "model/reason",
}
"""The test file, and the modules that it holds."""

HELD_BY = {module: file for file, modules in TABLE.items() for module in modules.split()}
FROM = re.compile(r"^ *from ([\w.]+) import (?:\(([^)]*)\)|(.*))$", re.MULTILINE)
IMPORT = re.compile(r"^ *import ([\w.]+)|\"(wanbatch\.[\w.]+)", re.MULTILINE)
COMMAND = re.compile(r'"-m",\s*"wanbatch"|start_emulator\(')
"""What starts the real command, and so whatever the command imports."""


def modules() -> list[str]:
    paths = (p.relative_to(ROOT).with_suffix("") for p in ROOT.rglob("*.py"))
    return sorted(path.as_posix() for path in paths if path.name != "__init__")


def own_file(module: str) -> Path:
    room, _, rest = module.rpartition("/")
    return TESTS / room.partition("/")[0] / f"test_{rest}.py"


@pytest.mark.parametrize("module", modules())
def test_every_module_has_its_tests_where_they_are_looked_for(module: str) -> None:
    if own_file(module).exists():
        assert module not in HELD_BY, f"{module} has a file of its name: no entry is needed"
        return
    assert module in HELD_BY, f"{module} has no tests: write its file, or name it in the table"
    assert module in reached_by(TESTS / HELD_BY[module]), f"{HELD_BY[module]} never imports it"


def test_the_table_names_each_module_once_and_only_what_is_there() -> None:
    named = [module for modules in TABLE.values() for module in modules.split()]
    assert len(named) == len(set(named))
    assert set(named) <= set(modules())
    assert list(TABLE) == sorted(TABLE)
    assert all(" ".join(sorted(held.split())) == held for held in TABLE.values())


# -- what a test file reaches ----------------------------------------------------------


@lru_cache
def reached_by(test: Path) -> set[str]:
    """The modules that a test imports, itself or through others; for one that starts
    the command also what the command imports."""
    fixtures = test.with_name("conftest.py")
    waiting, seen = {str(test), *([str(fixtures)] if fixtures.exists() else [])}, set[str]()
    while waiting:
        seen |= waiting
        waiting = {other for path in waiting for other in imported_by(path)} - seen
    return {path.removeprefix(f"{ROOT}/").removesuffix(".py") for path in seen}


@lru_cache
def imported_by(path: str) -> frozenset[str]:
    text = Path(path).read_text(encoding="utf-8")
    found = {file for name in names_in(text) for file in file_of(name)}
    if path.startswith(f"{TESTS}/") and COMMAND.search(text):
        found.add(f"{ROOT}/__main__.py")
    if path == f"{ROOT}/cli/main.py":
        found |= {str(file) for file in ROOT.glob("cli/*.py")}  # a command goes by its name
    return frozenset(found)


def names_in(text: str) -> Iterator[str]:
    """Dotted names of all that a file imports, or writes down to be imported."""
    for module, in_brackets, in_line in FROM.findall(text):
        yield module
        for name in re.findall(r"\w+", in_brackets or in_line):
            yield f"{module}.{name}"
    for imported, written in IMPORT.findall(text):
        yield imported or written


@lru_cache(None)
def file_of(name: str) -> tuple[str, ...]:
    """The file of a module of ours, or of what tests share; nothing for all others."""
    base = ROOT.parent if name.startswith("wanbatch") else TESTS
    path = base / f"{name.replace('.', '/')}.py"
    return (str(path),) if path.is_file() else ()
