"""The lock files install anywhere: whole, with their extras, by hash alone. Those of
npm name no registry either, so that npm asks the one that it is set to.

Python's own pip (23.2 for 3.11) refuses a lock that pins `coverage` while another
package asks for `coverage[toml]`: it takes that for a second, unpinned requirement.
`make locks` installs both files in new environments; here they are read, without a
network.

How it works: what is installed tells what each package asks for. From pyproject.toml
on, that gives the packages and extras that an installation needs here; a lock must pin
just those. What it pins for other systems is only held to be well-formed.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LINE = re.compile(r"(?P<pin>[A-Za-z0-9._-]+(?:\[[a-z0-9,_-]+\])?==[^\s;]+(?: ; [^\\\n]+?)?)")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
RUNTIME = [
    "hatchling",  # builds the project itself, without an environment of its own
    *PROJECT["project"]["dependencies"],
    *(one for extra in PROJECT["project"]["optional-dependencies"].values() for one in extra),
]
LOCKS = {
    "requirements.lock": RUNTIME,
    "requirements-dev.lock": [*RUNTIME, *PROJECT["dependency-groups"]["dev"]],
}
NPM = [".", "tests/editor"]
"""The folders with a ``package.json``: what checks the page, the editor's server."""


def read_lock(name: str) -> list[tuple[Requirement, list[str]]]:
    """Every pin with its hashes. Fails for a line that is neither."""
    found: list[tuple[Requirement, list[str]]] = []
    for entry in (ROOT / name).read_text().replace(" \\\n", "\n").splitlines():
        if entry.startswith("    "):
            assert HASH.fullmatch(entry.strip()), f"{name}: {entry}"
            found[-1][1].append(entry.strip())
        else:
            assert LINE.fullmatch(entry), f"{name}: {entry}"
            found.append((Requirement(entry), []))
    return found


def pins_here(name: str) -> dict[str, Requirement]:
    """Of a lock, what is for this Python and this system, by name."""
    pins = [pin for pin, _ in read_lock(name) if pin.marker is None or pin.marker.evaluate()]
    assert len(pins) == len({pin.name for pin in pins}), "one pin a package"
    return {canonicalize_name(pin.name): pin for pin in pins}


def needed(roots: Iterable[str]) -> dict[str, set[str]]:
    """The extras of each package that ``roots`` lead to, by what is installed."""
    extras: dict[str, set[str]] = {}
    waiting = [Requirement(one) for one in roots]
    while waiting:
        asked = waiting.pop()
        name = canonicalize_name(asked.name)
        if name in extras and asked.extras <= extras[name]:
            continue
        extras.setdefault(name, set()).update(asked.extras)
        waiting += _requirements(name, extras[name])
    return extras


def _requirements(name: str, extras: set[str]) -> Iterator[Requirement]:
    for one in map(Requirement, distribution(name).requires or ()):
        if one.marker is None or any(one.marker.evaluate({"extra": e}) for e in ("", *extras)):
            yield one


@pytest.mark.parametrize("name", LOCKS)
def test_each_pin_has_its_hashes_and_nothing_else_is_there(name: str) -> None:
    pins = read_lock(name)
    assert len(pins) > 20
    assert all(hashes for _, hashes in pins)
    assert all(len(pin.specifier) == 1 and pin.url is None for pin, _ in pins)


@pytest.mark.parametrize("name", LOCKS)
def test_no_address_stands_in_a_lock(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.findall(r"://|--index-url|--extra-index-url|--find-links|file:| @ ", text)


@pytest.mark.parametrize("folder", NPM)
def test_a_lock_of_npm_pins_by_hash_and_names_no_registry(folder: str) -> None:
    packages = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
    wanted = json.loads((ROOT / folder / "package.json").read_text())
    asked = {**wanted.get("dependencies", {}), **wanted.get("devDependencies", {})}
    assert asked == {name: packages[f"node_modules/{name}"]["version"] for name in asked}
    assert packages.pop("")["name"] == wanted["name"]
    assert packages
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        # npm writes "funding", where authors ask for money: a lock goes without it.
        assert "resolved" not in package, name
        assert "://" not in json.dumps(package), name
    settings = (ROOT / folder / ".npmrc").read_text().split()
    assert "omit-lockfile-registry-resolved=true" in settings, "or npm writes addresses"
    assert not [line for line in settings if "registry=" in line or "//" in line]


@pytest.mark.parametrize(("name", "roots"), LOCKS.items(), ids=LOCKS)
def test_a_lock_pins_what_is_needed_here_with_its_extras(name: str, roots: Iterable[str]) -> None:
    pinned = {package: pin.extras for package, pin in pins_here(name).items()}
    assert pinned == needed(roots)


def test_the_extras_of_other_packages_are_among_them() -> None:
    """Without a single one the test above would not say much."""
    asked = needed(LOCKS["requirements-dev.lock"])
    own = {canonicalize_name(Requirement(one).name) for one in LOCKS["requirements-dev.lock"]}
    assert {name for name, extras in asked.items() if extras and name not in own}


@pytest.mark.parametrize(("name", "roots"), LOCKS.items(), ids=LOCKS)
def test_a_lock_is_in_step_with_the_project(name: str, roots: Iterable[str]) -> None:
    pins = pins_here(name)
    for one in map(Requirement, roots):
        (version,) = (spec.version for spec in pins[canonicalize_name(one.name)].specifier)
        assert one.specifier.contains(version), f"{one} is pinned at {version}"


def test_what_is_installed_is_what_is_pinned() -> None:
    """Or the tests above would read the wishes of other versions."""
    for package, pin in pins_here("requirements-dev.lock").items():
        assert str(pin.specifier) == f"=={distribution(package).version}", package


def test_both_locks_agree() -> None:
    runtime, everything = (
        {(pin.name, str(pin.specifier)) for pin, _ in read_lock(name)} for name in LOCKS
    )
    assert runtime <= everything


def test_ci_proves_both_and_runs_everything() -> None:
    """`.ci/run` calls three targets, and `make locks` asks pip for hashes in both."""
    lines = [shlex.split(line) for line in (ROOT / ".ci/run").read_text().splitlines()]
    assert [words for words in lines if words[:1] == ["make"]] == [
        ["make", "locks"],
        ["make", "check"],
        ["make", "test"],
    ]
    planned = subprocess.run(
        ["make", "-n", "locks"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in LOCKS:
        assert f"--require-hashes -r {name};" in planned
    assert planned.count("pip check") == planned.count("-m venv") == 2
    assert "--upgrade" not in planned
