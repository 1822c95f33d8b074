"""Profiles: the built-in backends, those of the user's configuration, and one of them
resolved with its key.

What it may not do: read a file inside a repo (``project`` does, and may do little),
read ``.env`` files, use proxies from the environment, or put a key into any text.

How it works: ``declared`` knows where a profile's key and base URL come from;
``resolve_profile`` looks them up in the given environment and checks them before
anything can be sent. Offline, for ``validate`` and ``plan``, it wants neither.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import platformdirs

from wanbatch.config.budgets import read_budget
from wanbatch.config.declared import Declared, built_in_backends, clean_base_url, read_backend
from wanbatch.config.project import (
    ProjectSettings,
    load_project,
    load_projects,
    lower_limits,
)
from wanbatch.config.storages import (
    DeclaredStorage,
    read_storages,
    refuse_lone_ledgers,
)
from wanbatch.config.toml import Table, read_table
from wanbatch.model.period import PeriodLimit
from wanbatch.model.price import PriceList
from wanbatch.model.regions import DASHSCOPE_PRICES, dashscope_base_url, dashscope_region
from wanbatch.model.storage import Storage
from wanbatch.model.wire import MediaDelivery, Profile, Secret
from wanbatch.words.errors import ExitCode, WanbatchError

__all__ = [
    "Profiles",
    "ProjectSettings",
    "find_configuration",
    "load_profiles",
    "load_project",
    "load_projects",
    "lower_limits",
    "resolve_profile",
]


@dataclass(frozen=True, slots=True)
class Profiles:
    """All backends that are known on this machine. ``default`` is the user's, ``path``
    the configuration file that was looked for, ``budget`` what it says of every
    backend."""

    declared: Mapping[str, Declared]
    default: str | None = None
    path: Path | None = None
    found: bool = field(default=False)
    budget: tuple[PeriodLimit, ...] = ()

    def names(self) -> tuple[str, ...]:
        return tuple(self.declared)

    def secret_names(self) -> frozenset[str]:
        """The variables that hold a key of some backend, of its bucket or
        of its store."""
        found = {one.api_key_env for one in self.declared.values() if one.api_key_env}
        for one in self.declared.values():
            if one.profile.delivery.way == "s3":
                found |= {one.access_key_env, one.secret_key_env, one.session_token_env}
            for storage in (one.store, one.ledger):
                found |= storage.secret_names() if storage is not None else set()
        return frozenset(found)


def find_configuration(environ: Mapping[str, str]) -> Path:
    """Where the user's configuration is, or would be: ``WANBATCH_CONFIG``, else the
    platform's folder."""
    if environ.get("WANBATCH_CONFIG"):
        return Path(environ["WANBATCH_CONFIG"]).expanduser()
    return Path(platformdirs.user_config_dir("wanbatch", appauthor=False)) / "config.toml"


def load_profiles(environ: Mapping[str, str], config_path: Path | None = None) -> Profiles:
    """The built-in backends and those of the user's TOML: ``config_path``, else
    ``WANBATCH_CONFIG``, else the platform's folder.

    Raises ``WanbatchError``: the file is unreadable or wrong, or the one that was named
    does not exist.
    """
    path = config_path or find_configuration(environ)
    root = read_table(path)
    if root is None:
        if config_path is not None or environ.get("WANBATCH_CONFIG"):
            raise WanbatchError(
                ExitCode.ENVIRONMENT,
                f"the configuration {path} does not exist",
                "create it, or unset WANBATCH_CONFIG",
            )
        return Profiles(built_in_backends(), path=path)
    declared = built_in_backends()
    tables = root.table("backends")
    for name in tables.values if tables is not None else ():
        table = tables.table(name) if tables is not None else None
        if table is not None:
            declared[name] = read_backend(name, table, declared.get(name))
    default = root.text("default_backend") or None
    if default is not None and default not in declared:
        root.refuse(
            "default_backend",
            f"no backend is called {default!r}",
            f"the backends are: {', '.join(declared)}",
        )
    budget = read_budget(root)
    declared = _with_shared_storages(root, declared)
    root.finish()
    return Profiles(declared, default, path, found=True, budget=budget)


def _with_shared_storages(root: Table, declared: Mapping[str, Declared]) -> dict[str, Declared]:
    """``store`` and ``ledger`` of the whole configuration count for every backend that
    costs money and has none of its own. Raises ``WanbatchError`` for a ledger without a
    store."""
    store, ledger = read_storages(root, None, None)
    shared = {
        name: one
        if one.profile.realm == "emulator"
        else replace(one, store=one.store or store, ledger=one.ledger or ledger)
        for name, one in declared.items()
    }
    refuse_lone_ledgers(
        ((n, one.ledger is not None, one.store is not None) for n, one in shared.items()),
        root.where.removesuffix(": "),
    )
    return shared


def resolve_profile(
    profiles: Profiles, name: str | None, environ: Mapping[str, str], *, offline: bool = False
) -> Profile:
    """The backend ``name`` (else the user's default) with its key, ready to be talked
    to. Offline it has prices and limits, no key, perhaps no URL.

    Raises ``WanbatchError``: no such backend (2), or its key, base URL or region is
    missing or unusable (4).
    """
    chosen = name or profiles.default
    if chosen is None:
        raise WanbatchError(
            ExitCode.INVALID,
            "no backend is chosen",
            f"add --backend NAME; the backends are: {', '.join(profiles.names())}",
        )
    declared = profiles.declared.get(chosen)
    if declared is None:
        raise WanbatchError(
            ExitCode.INVALID,
            f"no backend is called {chosen!r}",
            f"the backends are: {', '.join(profiles.names())}",
        )
    if declared.profile.kind == "emulator":
        return _with_storages(declared.profile, declared, environ, offline=offline)
    return _offline(declared, environ) if offline else _online(declared, environ)


def _online(declared: Declared, environ: Mapping[str, str]) -> Profile:
    profile, name = declared.profile, declared.profile.name
    address, region = _address(declared, environ)
    if not address:
        _refuse_missing_address(declared)
    base_url = clean_base_url(address, profile.kind, name)
    key = environ.get(declared.api_key_env, "") if declared.api_key_env else ""
    if declared.api_key_env:
        check_key(key, declared.api_key_env, name)
    profile = replace(
        profile,
        base_url=base_url,
        origin=_origin(base_url, declared.account),
        api_key=Secret(key),
        prices=_prices(declared, region),
        delivery=_with_bucket_keys(declared, environ),
    )
    return _with_storages(profile, declared, environ, offline=False)


def _offline(declared: Declared, environ: Mapping[str, str]) -> Profile:
    address, region = _address(declared, environ)
    try:
        base_url = (
            clean_base_url(address, declared.profile.kind, declared.profile.name) if address else ""
        )
    except WanbatchError:
        base_url = ""
    origin = _origin(base_url, declared.account) if base_url else ""
    profile = replace(
        declared.profile, base_url=base_url, origin=origin, prices=_prices(declared, region)
    )
    return _with_storages(profile, declared, environ, offline=True)


def _with_storages(
    profile: Profile, declared: Declared, environ: Mapping[str, str], *, offline: bool
) -> Profile:
    """``profile`` with its store and its ledger. Offline they have the keys that are
    there; else a missing one is a ``WanbatchError`` (4)."""

    def resolved(one: DeclaredStorage | None) -> Storage | None:
        if one is None:
            return None
        if not offline:
            one.require_keys(environ, profile.name)
        return one.with_keys(environ)

    return replace(profile, store=resolved(declared.store), ledger=resolved(declared.ledger))


def _address(declared: Declared, environ: Mapping[str, str]) -> tuple[str, str]:
    """Base URL as given, and the region it belongs to; each empty where unknown."""
    profile = declared.profile
    address = (
        environ.get(declared.base_url_env, "") if declared.base_url_env else ""
    ) or profile.base_url
    if profile.kind != "dashscope":
        return address, ""
    built_in = declared.base_url_env != ""
    region = declared.region or (environ.get("DASHSCOPE_REGION", "") if built_in else "")
    workspace = profile.workspace or (environ.get("DASHSCOPE_WORKSPACE_ID", "") if built_in else "")
    if region not in ("", "cn", "intl"):
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"DASHSCOPE_REGION is {region[:20]!r}; it must be cn or intl",
            "export DASHSCOPE_REGION=intl",
        )
    address = address or dashscope_base_url(region, workspace)
    return address, dashscope_region(address) or region  # what is charged depends on the address


def _prices(declared: Declared, region: str) -> PriceList | None:
    if declared.profile.kind == "dashscope" and not declared.own_prices:
        return DASHSCOPE_PRICES.get(region)
    return declared.profile.prices


def _refuse_missing_address(declared: Declared) -> None:
    name = declared.profile.name
    if declared.profile.kind == "dashscope":
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"backend {name!r} needs its region",
            "export DASHSCOPE_REGION=intl    # Singapore; cn for Beijing. The key must be of"
            " the same region",
        )
    raise WanbatchError(
        ExitCode.ENVIRONMENT,
        f"backend {name!r} needs its base URL",
        f"export {declared.base_url_env}=https://api.example.com",
    )


_QUOTES = "\"'`“”‘’«»„‚"


def _misshapen(key: str) -> str:
    """What stands around a key that was pasted with more than itself; empty where
    nothing."""
    if key[0] in _QUOTES or key[-1] in _QUOTES:
        return "stands in quotes, which are not part of it"
    if re.match(r"(?i)bearer[\s:=]", key):
        return "begins with 'Bearer', which is not part of it"
    if re.match(r"(?i)(authorization|[a-z_]{0,60}key)\s*[:=]", key):
        return "begins with a name, which is not part of it"
    if key[0] in "<{[" and key[-1] in ">}]":
        return "is a placeholder in brackets"
    return ""


def check_key(key: str, variable: str, name: str) -> None:
    """Raises ``WanbatchError`` (4) for a key that is missing or could not stand in a
    header. The key itself is never part of the text."""
    if not key:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"backend {name!r} needs a key, and {variable} is not set",
            f"export {variable}=…    # your key for this backend",
        )
    shape = _misshapen(key)
    if shape:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"the key in {variable} {shape}",
            f"set {variable} again to the key alone",
        )
    if not key.isascii() or not key.isprintable() or any(c.isspace() for c in key):
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"the key in {variable} holds white space, control or non-ASCII characters",
            f"set {variable} again without quotes, spaces or line ends",
        )
    if len(key) > 4096:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"what {variable} holds is too long for a key",
            f"set {variable} again to the key alone",
        )


def _origin(base_url: str, account: str) -> str:
    return f"{base_url}#{account}" if account else base_url


def _with_bucket_keys(declared: Declared, environ: Mapping[str, str]) -> MediaDelivery:
    delivery = declared.profile.delivery
    if delivery.way != "s3":
        return delivery
    for variable in (declared.access_key_env, declared.secret_key_env):
        if not environ.get(variable):
            raise WanbatchError(
                ExitCode.ENVIRONMENT,
                f"the bucket of backend {declared.profile.name!r} needs {variable}",
                f"export {variable}=…",
            )
    return replace(
        delivery,
        access_key=Secret(environ[declared.access_key_env]),
        secret_key=Secret(environ[declared.secret_key_env]),
        session_token=Secret(environ.get(declared.session_token_env, "")),
    )
