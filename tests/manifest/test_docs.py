"""The examples and lists in docs/manifest.md are true."""

from __future__ import annotations

import re
from pathlib import Path

from wanbatch.manifest.load import load_manifests
from wanbatch.manifest.template.evaluate import DEFAULTS
from wanbatch.manifest.template.filters import FILTERS
from wanbatch.words.diagnostics import has_errors
from wanbatch.words.schemas import load_schema

PAGE = (Path(__file__).parent.parent.parent / "docs" / "manifest.md").read_text(encoding="utf-8")


def test_the_example_is_valid(tmp_path: Path) -> None:
    text = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0]
    path = tmp_path / "harbor.wanbatch.yaml"
    path.write_text(text)
    loaded = load_manifests([path])
    assert not has_errors(loaded.diagnostics)
    assert len(loaded.manifests[0].jobs) == 4 * 4 + 2 * 4


def test_every_field_and_filter_is_described() -> None:
    definitions = load_schema("manifest")["definitions"]
    assert isinstance(definitions, dict)
    for name in definitions["job"]["properties"]:
        assert f"`{name}`" in PAGE or f"**`{name}`**" in PAGE, name
    listed = re.search(r"Filters: ([^.]*)\.", PAGE)
    assert listed is not None
    assert set(re.findall(r"\w+", listed.group(1))) == set(FILTERS)


def test_the_defaults_are_those_of_the_program() -> None:
    assert DEFAULTS == {
        "model": "wan2.7-i2v",
        "seconds": 5,
        "size": "720P",
        "prompt_extend": True,
        "watermark": False,
    }
    for row in ("| 5 |", "| `720P` |", "| `true`, `false` |", "| `wan2.7-i2v` |"):
        assert row in PAGE
