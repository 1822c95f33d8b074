"""Profiles as they are declared: the built-in ones, and the tables of the user's
configuration.

What it may not do: read the environment or a file, or hold a key.

How it works: a ``Declared`` profile says where its key and its base URL come from; both
belong to it alone. A table that has the name of a built-in backend adjusts its limits,
price and media; where its key goes stays as it is. Every mistake is a ``WanbatchError``
that names file and key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal
from urllib.parse import urlsplit

from wanbatch.config.budgets import read_budget
from wanbatch.config.storages import DeclaredStorage, read_storages
from wanbatch.config.toml import Table
from wanbatch.model.price import PriceList
from wanbatch.model.wire import MediaDelivery, Profile, quiet_period_of
from wanbatch.model.workers import FORM, MOST_THREADS, Workers, read_workers
from wanbatch.words.addresses import is_loopback_host
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.plugins import dialect_kinds, is_dialect_kind

_FREE = PriceList({"720P": Decimal(0), "1080P": Decimal(0)}, "USD")
_KEY_SETTINGS = ("kind", "base_url", "api_key_env")


@dataclass(frozen=True, slots=True)
class Declared:
    """A profile before its environment is known. Empty ``base_url_env`` and
    ``base_url``: the region or the emulator gives it."""

    profile: Profile
    api_key_env: str = ""
    base_url_env: str = ""
    region: str = ""
    account: str = ""
    own_prices: bool = False
    access_key_env: str = "AWS_ACCESS_KEY_ID"
    secret_key_env: str = "AWS_SECRET_ACCESS_KEY"  # noqa: S105 - a variable's name
    session_token_env: str = "AWS_SESSION_TOKEN"  # noqa: S105 - a variable's name
    store: DeclaredStorage | None = None
    ledger: DeclaredStorage | None = None


def clean_base_url(address: str, kind: str, name: str) -> str:
    """The API's root without a trailing slash or version. Raises ``WanbatchError`` (4)
    for anything a key may not be sent to."""

    def refuse(problem: str) -> WanbatchError:
        return WanbatchError(
            ExitCode.ENVIRONMENT,
            f"the base URL of backend {name!r} {problem}",
            "it looks like https://api.example.com",
        )

    if (
        not address.isascii()
        or not address.isprintable()
        or " " in address
        or "\\" in address
        or len(address) > 500
    ):
        raise refuse("holds spaces or characters that no URL has")
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise refuse("is malformed") from None
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise refuse("may not hold a user or password")
    if "?" in address or "#" in address:
        raise refuse("may not hold a query or a fragment")
    if not host or parts.scheme not in ("http", "https"):
        raise refuse("is not an https:// address")
    if parts.scheme == "http" and not is_loopback_host(host):
        raise refuse("is http://; a key travels over https:// only, except to this machine")
    path = parts.path.rstrip("/")
    for ending in ("/compatible-mode/v1", "/api/v1") if kind == "dashscope" else ("/v1",):
        path = path.removesuffix(ending)
    return f"{parts.scheme}://{parts.netloc.lower()}{path.rstrip('/')}"


def built_in_backends() -> dict[str, Declared]:
    def gateway(kind: str) -> Declared:
        return Declared(Profile(kind, kind, "", ""), "WANBATCH_API_KEY", "WANBATCH_BASE_URL")

    emulator = Profile(
        "emulator",
        "emulator",
        "",
        "emulator",
        poll_interval_s=0.2,
        max_in_flight=50,
        rate=None,
        quiet_period_s=1.0,
        prices=_FREE,
        delivery=MediaDelivery("emulator"),
    )
    dashscope = Profile("dashscope", "dashscope", "", "", queries_per_second=20.0)
    return {
        "emulator": Declared(emulator),
        "gateway": gateway("gateway"),
        "gateway-metadata": gateway("gateway-metadata"),
        "dashscope": Declared(dashscope, "DASHSCOPE_API_KEY", "DASHSCOPE_BASE_URL"),
    }


def read_backend(name: str, table: Table, built_in: Declared | None) -> Declared:
    """One ``[backends.NAME]``: a profile of its own, or an adjusted built-in one."""
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
        table.refuse("", "a backend's name has letters, digits, - and _ only")
    if built_in is not None:
        for setting in _KEY_SETTINGS:
            if setting in table:
                table.refuse(
                    setting,
                    f"may not be set for the built-in backend {name!r}",
                    "give the profile a name of its own: [backends.mine]",
                )
        declared = built_in
    else:
        declared = _own_backend(name, table)
    declared = _adjust(declared, table)
    table.finish()
    return declared


def _own_backend(name: str, table: Table) -> Declared:
    kind, base_url, key = table.text("kind"), table.text("base_url"), table.text("api_key_env")
    if kind == "emulator" or not is_dialect_kind(kind):
        table.refuse(
            "kind",
            "must name a dialect",
            f"one of: {', '.join(k for k in dialect_kinds() if k != 'emulator')}",
        )
    if not base_url and not (kind == "dashscope" and table.text("region")):
        table.refuse(
            "base_url",
            "is missing: a profile's key goes to its own address",
            'base_url = "https://api.example.com"',
        )
    if not key:
        table.refuse(
            "api_key_env",
            "is missing: it names the environment variable that holds the key",
            f'api_key_env = "{name.upper().replace("-", "_")}_API_KEY"',
        )
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", key):
        table.refuse(
            "api_key_env",
            "is the name of an environment variable in capitals, never the key itself",
            f'api_key_env = "{name.upper().replace("-", "_")}_API_KEY"',
        )
    if base_url:
        base_url = clean_base_url(base_url, kind, name)
    queries = 20.0 if kind == "dashscope" else None
    return Declared(Profile(name, kind, base_url, "", queries_per_second=queries), key)


def _adjust(declared: Declared, table: Table) -> Declared:
    """What any table may set, on top of ``declared``."""
    old = declared.profile
    region = table.text("region")
    if region not in ("", "cn", "intl"):
        table.refuse("region", 'must be "cn" or "intl"')
    timeout = table.number("submit_timeout", most=3600)
    quiet = table.number("quiet_period", most=86400)
    prices = table.prices("price")
    if prices is not None and old.realm == "emulator":
        table.refuse("price", "the emulator costs nothing")
    budget = read_budget(table)
    if budget and old.realm == "emulator":
        table.refuse("budget", "the emulator costs nothing")
    profile = replace(
        old,
        poll_interval_s=table.number("poll_interval", most=3600) or old.poll_interval_s,
        queries_per_second=table.number("queries_per_second") or old.queries_per_second,
        max_in_flight=table.whole("max_in_flight") or old.max_in_flight,
        rate=table.number("rate") or old.rate,
        submit_concurrency=table.whole("submit_concurrency", most=100) or old.submit_concurrency,
        submit_timeout_s=timeout or old.submit_timeout_s,
        quiet_period_s=quiet
        or (quiet_period_of(timeout) if timeout and old.realm == "paid" else old.quiet_period_s),
        prices=prices or old.prices,
        proxy=_proxy(table) or old.proxy,
        download_hosts=tuple(host.lower() for host in table.texts("download_hosts"))
        or old.download_hosts,
        workspace=table.text("workspace") or old.workspace,
        ca_file=table.text("ca_file") or old.ca_file,
        probe=_probe(table) or old.probe,
        shared_account=table.flag("shared_account", default=old.shared_account),
        budget=budget,
        workers=_workers(table) or old.workers,
    )
    store, ledger = read_storages(table, declared.store, declared.ledger)
    if ledger is not None and old.realm == "emulator":
        table.refuse("ledger", "the emulator's attempts stay on this machine")
    declared = replace(
        declared,
        profile=profile,
        region=region or declared.region,
        account=table.text("account"),
        own_prices=prices is not None,
        store=store,
        ledger=ledger,
    )
    return _with_media(declared, table)


def _probe(table: Table) -> Literal["ask", "skip"] | None:
    word = table.text("probe")
    if word not in ("", "ask", "skip"):
        table.refuse("probe", 'must be "ask" or "skip"')
    return "skip" if word == "skip" else "ask" if word else None


def _workers(table: Table) -> Workers | None:
    """``workers = 4``, ``"dask"``, ``"dask://HOST:PORT"``, or a table ``{ address = …,
    ca_file = …, cert_file = …, key_file = … }``."""
    given = table.values.get("workers")
    if isinstance(given, dict):
        inner = table.table("workers")
        assert inner is not None  # noqa: S101 - it is a table
        found = read_workers(inner.text("address"))
        if found is None or not found.address:
            inner.refuse("address", f"must be {FORM}")
        ca_file, cert_file, key_file = map(inner.text, ("ca_file", "cert_file", "key_file"))
        inner.finish()
        return replace(found, ca_file=ca_file, cert_file=cert_file, key_file=key_file)
    if isinstance(given, str):
        found = read_workers(table.text("workers"))
        if found is None:
            table.refuse("workers", f"must be {FORM}")
        return found
    count = table.whole("workers", most=MOST_THREADS)
    return Workers(count) if count else None


def _proxy(table: Table) -> str:
    proxy = table.text("proxy")
    try:
        usable = not proxy or (
            urlsplit(proxy).scheme in ("http", "https")
            and bool(urlsplit(proxy).hostname)
            and urlsplit(proxy).port != 0
        )
    except ValueError:
        usable = False
    if not usable:
        table.refuse("proxy", "must be an http:// or https:// address")
    return proxy


def _with_media(declared: Declared, table: Table) -> Declared:
    """``media = "inline" | "upload"``, or a table ``{ way = "s3", bucket = …, endpoint
    = …, region = … }``."""
    given = table.values.get("media")
    if given is None or isinstance(given, str):
        way = table.text("media", declared.profile.delivery.way)
        if given is not None and way not in ("inline", "upload"):
            table.refuse(
                "media", 'must be "inline", "upload", or a table with way = "s3" and its bucket'
            )
        return (
            declared
            if given is None
            else replace(
                declared,
                profile=replace(
                    declared.profile,
                    delivery=MediaDelivery("upload" if way == "upload" else "inline"),
                ),
            )
        )
    media = table.table("media")
    if media is None or media.text("way", "s3") != "s3":
        table.refuse("media", 'a table is for way = "s3"')
    bucket = media.text("bucket")
    if not bucket or "/" in bucket:
        media.refuse("bucket", "names the bucket")
    endpoint = media.text("endpoint")
    if endpoint:
        endpoint = clean_base_url(endpoint, "s3", f"{declared.profile.name}'s bucket")
    delivery = MediaDelivery(
        "s3",
        bucket,
        endpoint,
        media.text("region", "us-east-1"),
        media.text("prefix", "wanbatch/"),
        media.flag("path_style", default=False),
    )
    declared = replace(
        declared,
        profile=replace(declared.profile, delivery=delivery),
        access_key_env=media.text("access_key_env", declared.access_key_env),
        secret_key_env=media.text("secret_key_env", declared.secret_key_env),
        session_token_env=media.text("session_token_env", declared.session_token_env),
    )
    media.finish()
    return declared
