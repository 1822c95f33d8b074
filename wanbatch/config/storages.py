"""``store`` and ``ledger`` of a profile: where videos live, and where machines share a
ledger.

What it may not do: read a file or the environment, or hold a key: it names the
variables in which the keys stand.

How it works: each is an address, ``"s3://bucket/prefix"``, or a table of that address
(``url``) and what else it takes. A ledger that is given as a mere address has the
settings of the profile's store. A folder (``file:///…``) can hold videos and no ledger.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn, get_args
from urllib.parse import urlsplit

from wanbatch.config.toml import Table
from wanbatch.model.storage import Scheme, Storage
from wanbatch.model.wire import Secret
from wanbatch.words.addresses import is_loopback_host
from wanbatch.words.errors import ExitCode, WanbatchError

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_FORM = "an address such as s3://bucket/prefix, gs://…, az://container/… or file:///folder"
_OTHERS = {
    "s3": (),
    "file": (),
    "gs": ("GOOGLE_SERVICE_ACCOUNT_KEY",),
    "az": (
        "AZURE_STORAGE_ACCOUNT_KEY",
        "AZURE_STORAGE_ACCESS_KEY",
        "AZURE_STORAGE_MASTER_KEY",
        "AZURE_STORAGE_SAS_KEY",
        "AZURE_STORAGE_SAS_TOKEN",
        "AZURE_STORAGE_TOKEN",
        "AZURE_CLIENT_SECRET",
    ),
}
"""Variables that obstore itself reads, and that no program of others gets from us."""


@dataclass(frozen=True, slots=True)
class DeclaredStorage:
    """A storage before its environment is known."""

    storage: Storage
    access_key_env: str = "AWS_ACCESS_KEY_ID"
    secret_key_env: str = "AWS_SECRET_ACCESS_KEY"  # noqa: S105 - a variable's name
    session_token_env: str = "AWS_SESSION_TOKEN"  # noqa: S105 - a variable's name
    is_bare: bool = field(default=False, compare=False)
    """Given as an address alone."""

    def secret_names(self) -> frozenset[str]:
        """The variables that hold a key of this storage."""
        own = (self.access_key_env, self.secret_key_env, self.session_token_env)
        return frozenset(own if self.storage.scheme == "s3" else _OTHERS[self.storage.scheme])

    def with_keys(self, environ: Mapping[str, str]) -> Storage:
        """The storage with the keys that are there; ``require_keys`` says which are
        not."""
        if self.storage.scheme != "s3":
            return self.storage
        return replace(
            self.storage,
            access_key=Secret(environ.get(self.access_key_env, "")),
            secret_key=Secret(environ.get(self.secret_key_env, "")),
            session_token=Secret(environ.get(self.session_token_env, "")),
        )

    def require_keys(self, environ: Mapping[str, str], name: str) -> None:
        """Raises ``WanbatchError`` (4) where a key of backend ``name``'s storage is
        missing. GCS and Azure are left to obstore, which knows more ways."""
        if self.storage.scheme != "s3":
            return
        for variable in (self.access_key_env, self.secret_key_env):
            if not environ.get(variable):
                raise WanbatchError(
                    ExitCode.ENVIRONMENT,
                    f"the store of backend {name!r} needs {variable}",
                    f"export {variable}=…",
                )


def read_storages(
    table: Table, store: DeclaredStorage | None, ledger: DeclaredStorage | None
) -> tuple[DeclaredStorage | None, DeclaredStorage | None]:
    """``store`` and ``ledger`` of a table, on top of what was given before. Raises
    ``WanbatchError``."""
    store = _read(table, "store", None) or store
    ledger = _read(table, "ledger", store) or ledger
    return store, ledger


def refuse_lone_ledgers(ledgers: Iterable[tuple[str, bool, bool]], where: str) -> None:
    """``ledgers`` are names of backends, whether each has a ledger, and a store.

    Raises ``WanbatchError`` (3) for one that has a ledger alone: who sees "done" for
    files on another's disk has nothing.
    """
    for name, has_ledger, has_store in ledgers:
        if has_ledger and not has_store:
            raise WanbatchError(
                ExitCode.REFUSED,
                f"{where}: backend {name!r} has a ledger for several machines, and no store for"
                " its videos: others would see as done what lies on this disk",
                'give it store = "s3://bucket/prefix" as well',
            )


def _read(table: Table, name: str, like: DeclaredStorage | None) -> DeclaredStorage | None:
    given = table.values.get(name)
    if given is None or isinstance(given, str):
        address = table.text(name)
        return _bare(table, name, address, like) if address else None
    inner = table.table(name)
    if inner is None:  # pragma: no cover - table() refuses what is neither
        return None
    found = _declared(inner, _parse(inner, "url", inner.text("url"), is_ledger=name == "ledger"))
    inner.finish()
    return found


def _bare(table: Table, name: str, address: str, like: DeclaredStorage | None) -> DeclaredStorage:
    found = _parse(table, name, address, is_ledger=name == "ledger")
    if like is None or like.storage.scheme != found.scheme:
        return DeclaredStorage(found, is_bare=True)
    storage = replace(like.storage, bucket=found.bucket, prefix=found.prefix, public_url="")
    return replace(like, storage=storage, is_bare=True)


def _declared(table: Table, storage: Storage) -> DeclaredStorage:
    plain = DeclaredStorage(storage)
    if storage.scheme == "file":
        return replace(plain, storage=replace(storage, public_url=_public_url(table)))
    full = replace(
        storage,
        endpoint=_endpoint(table),
        region=table.text("region", storage.region),
        path_style=table.flag("path_style", default=False),
        account=table.text("account"),
        public_url=_public_url(table),
    )
    if storage.scheme != "s3":
        return replace(plain, storage=full)
    return DeclaredStorage(
        full,
        _variable(table, "access_key_env", plain.access_key_env),
        _variable(table, "secret_key_env", plain.secret_key_env),
        _variable(table, "session_token_env", plain.session_token_env),
    )


def _variable(table: Table, key: str, default: str) -> str:
    name = table.text(key, default)
    if not _VARIABLE.fullmatch(name):
        table.refuse(
            key,
            "is the name of an environment variable in capitals, never the key itself",
            f'{key} = "{default}"',
        )
    return name


def _parse(table: Table, key: str, address: str, *, is_ledger: bool) -> Storage:
    """Raises ``WanbatchError`` for what is no address of a store; never shows a
    password that stands in one."""
    try:
        parts = urlsplit(address)
    except ValueError:
        table.refuse(key, "is no address of a store", _FORM)
    if parts.query or parts.fragment or "@" in parts.netloc or "?" in address:
        table.refuse(key, "may not hold a user, a password or a query", _FORM)
    if parts.scheme not in get_args(Scheme):
        table.refuse(key, "is no address of a store", _FORM)
    if parts.scheme == "file":
        if is_ledger:
            _refuse_folder(table, key)
        if parts.netloc or not parts.path.startswith("/") or not parts.path.strip("/"):
            table.refuse(key, "must name a folder from the root on", 'such as "file:///mnt/videos"')
        return Storage("file", "", f"/{parts.path.strip('/')}")
    path = parts.path.strip("/")
    if not _NAME.fullmatch(parts.netloc) or any(p in ("", ".", "..") for p in path.split("/")[1:]):
        table.refuse(key, "is no address of a store", _FORM)
    scheme: Scheme = "s3" if parts.scheme == "s3" else "gs" if parts.scheme == "gs" else "az"
    return Storage(scheme, parts.netloc, path, region="us-east-1" if scheme == "s3" else "")


def _refuse_folder(table: Table, key: str) -> NoReturn:
    raise WanbatchError(
        ExitCode.REFUSED,
        f"{table.where}{key}: a folder cannot hold a ledger for several machines: no file system"
        " replaces a file only if it is unchanged",
        'use a bucket, such as "s3://bucket/prefix"; a folder may be the store of the videos',
    )


def _endpoint(table: Table) -> str:
    return _address(table, "endpoint", "https://oss-cn-beijing.aliyuncs.com")


def _public_url(table: Table) -> str:
    return _address(table, "public_url", "https://videos.example.com/wanbatch")


def _address(table: Table, key: str, example: str) -> str:
    """An https address without a slash at its end; empty where there is none."""
    given = table.text(key)
    if not given:
        return ""
    try:
        parts = urlsplit(given)
        host, _port = parts.hostname, parts.port
    except ValueError:
        table.refuse(key, "is malformed", f"it looks like {example}")
    if parts.username is not None or "@" in parts.netloc or "?" in given or "#" in given:
        table.refuse(key, "may hold no user, password, query or fragment")
    if not host or not given.isascii() or " " in given or '"' in given or "\\" in given:
        table.refuse(key, "is no address", f"it looks like {example}")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback_host(host)):
        table.refuse(key, "must be an https:// address", f"it looks like {example}")
    return given.rstrip("/")
