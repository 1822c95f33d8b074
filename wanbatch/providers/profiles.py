"""Profiles: the built-in backends, those of the user's configuration, and one of them resolved with its key.

What it may not do: read a file inside a repo (``project`` does, and may do little), read ``.env`` files, use proxies from the environment, or put
a key into any text.

How it works: a ``Declared`` profile says where its key and its base URL come from; both belong to it alone. ``resolve_profile`` looks them up in
the given environment and checks them before anything can be sent. Offline, for ``validate`` and ``plan``, it wants neither. A table in the
configuration that has the name of a built-in backend adjusts its limits, price and media; where its key goes stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from wanbatch.errors import ExitCode, Refusal
from wanbatch.plan.price import PriceList
from wanbatch.providers.addresses import is_loopback_host
from wanbatch.providers.dialect import dialect_kinds
from wanbatch.providers.model import MediaDelivery, Profile, Secret
from wanbatch.providers.project import ProjectSettings, load_project, lower_limits
from wanbatch.providers.regions import DASHSCOPE_PRICES, dashscope_base_url, dashscope_region
from wanbatch.providers.settings import Table, read_table

__all__ = ["Profiles", "ProjectSettings", "load_profiles", "load_project", "lower_limits", "resolve_profile"]

_FREE = PriceList({"720P": Decimal(0), "1080P": Decimal(0)}, "USD")
_KEY_SETTINGS = ("kind", "base_url", "api_key_env")


@dataclass(frozen=True, slots=True)
class Declared:
    """A profile before its environment is known. Empty ``base_url_env`` and ``base_url``: the region or the emulator gives it."""

    profile: Profile
    api_key_env: str = ""
    base_url_env: str = ""
    region: str = ""
    account: str = ""
    own_prices: bool = False
    access_key_env: str = "AWS_ACCESS_KEY_ID"
    secret_key_env: str = "AWS_SECRET_ACCESS_KEY"  # noqa: S105 - a variable's name
    session_token_env: str = "AWS_SESSION_TOKEN"  # noqa: S105 - a variable's name


@dataclass(frozen=True, slots=True)
class Profiles:
    """All backends that are known on this machine. ``default`` is the user's, ``path`` the configuration file that was looked for."""

    declared: Mapping[str, Declared]
    default: str | None = None
    path: Path | None = None
    found: bool = field(default=False)

    def names(self) -> tuple[str, ...]:
        return tuple(self.declared)


def load_profiles(environ: Mapping[str, str], config_path: Path | None = None) -> Profiles:
    """The built-in backends and those of the user's TOML: ``config_path``, else ``WANBATCH_CONFIG``, else the platform's folder.

    Raises ``Refusal``: the file is unreadable or wrong, or the one that was named does not exist.
    """
    named = config_path or (Path(environ["WANBATCH_CONFIG"]).expanduser() if environ.get("WANBATCH_CONFIG") else None)
    path = named or Path(platformdirs.user_config_dir("wanbatch", appauthor=False)) / "config.toml"
    root = read_table(path)
    if root is None:
        if named is not None:
            raise Refusal(ExitCode.ENVIRONMENT, f"the configuration {path} does not exist", "create it, or unset WANBATCH_CONFIG")
        return Profiles(_built_in(), path=path)
    declared = _built_in()
    tables = root.table("backends")
    for name in tables.values if tables is not None else ():
        table = tables.table(name) if tables is not None else None
        if table is not None:
            declared[name] = _read_backend(name, table, declared.get(name))
    default = root.text("default_backend") or None
    if default is not None and default not in declared:
        root.refuse("default_backend", f"no backend is called {default!r}", f"the backends are: {', '.join(declared)}")
    root.finish()
    return Profiles(declared, default, path, found=True)


def resolve_profile(profiles: Profiles, name: str | None, environ: Mapping[str, str], *, offline: bool = False) -> Profile:
    """The backend ``name`` (else the user's default) with its key, ready to be talked to. Offline it has prices and limits, no key, perhaps no URL.

    Raises ``Refusal``: no such backend (2), or its key, base URL or region is missing or unusable (4).
    """
    chosen = name or profiles.default
    if chosen is None:
        raise Refusal(ExitCode.INVALID, "no backend is chosen", f"add --backend NAME; the backends are: {', '.join(profiles.names())}")
    declared = profiles.declared.get(chosen)
    if declared is None:
        raise Refusal(ExitCode.INVALID, f"no backend is called {chosen!r}", f"the backends are: {', '.join(profiles.names())}")
    if declared.profile.kind == "emulator":
        return declared.profile
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
    return replace(
        profile,
        base_url=base_url,
        origin=_origin(base_url, declared.account),
        api_key=Secret(key),
        prices=_prices(declared, region),
        delivery=_with_bucket_keys(declared, environ),
    )


def _offline(declared: Declared, environ: Mapping[str, str]) -> Profile:
    address, region = _address(declared, environ)
    try:
        base_url = clean_base_url(address, declared.profile.kind, declared.profile.name) if address else ""
    except Refusal:
        base_url = ""
    origin = _origin(base_url, declared.account) if base_url else ""
    return replace(declared.profile, base_url=base_url, origin=origin, prices=_prices(declared, region))


def _address(declared: Declared, environ: Mapping[str, str]) -> tuple[str, str]:
    """Base URL as given, and the region it belongs to; each empty where unknown."""
    profile = declared.profile
    address = (environ.get(declared.base_url_env, "") if declared.base_url_env else "") or profile.base_url
    if profile.kind != "dashscope":
        return address, ""
    built_in = declared.base_url_env != ""
    region = declared.region or (environ.get("DASHSCOPE_REGION", "") if built_in else "")
    workspace = profile.workspace or (environ.get("DASHSCOPE_WORKSPACE_ID", "") if built_in else "")
    if region not in ("", "cn", "intl"):
        raise Refusal(ExitCode.ENVIRONMENT, f"DASHSCOPE_REGION is {region[:20]!r}; it must be cn or intl", "export DASHSCOPE_REGION=intl")
    address = address or dashscope_base_url(region, workspace)
    return address, region or dashscope_region(address)


def _prices(declared: Declared, region: str) -> PriceList | None:
    if declared.profile.kind == "dashscope" and not declared.own_prices:
        return DASHSCOPE_PRICES.get(region)
    return declared.profile.prices


def _refuse_missing_address(declared: Declared) -> None:
    name = declared.profile.name
    if declared.profile.kind == "dashscope":
        raise Refusal(
            ExitCode.ENVIRONMENT,
            f"backend {name!r} needs its region",
            "export DASHSCOPE_REGION=intl    # Singapore; cn for Beijing. The key must be of the same region",
        )
    raise Refusal(ExitCode.ENVIRONMENT, f"backend {name!r} needs its base URL", f"export {declared.base_url_env}=https://api.example.com")


def clean_base_url(address: str, kind: str, name: str) -> str:
    """The API's root without a trailing slash or version. Raises ``Refusal`` (4) for anything a key may not be sent to."""

    def refuse(problem: str) -> Refusal:
        return Refusal(ExitCode.ENVIRONMENT, f"the base URL of backend {name!r} {problem}", "it looks like https://api.example.com")

    if not address.isascii() or not address.isprintable() or " " in address or "\\" in address or len(address) > 500:
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


def check_key(key: str, variable: str, name: str) -> None:
    """Raises ``Refusal`` (4) for a key that is missing or could not stand in a header. The key itself is never part of the text."""
    if not key:
        raise Refusal(
            ExitCode.ENVIRONMENT, f"backend {name!r} needs a key, and {variable} is not set", f"export {variable}=…    # your key for this backend"
        )
    if not key.isascii() or not key.isprintable() or any(c.isspace() for c in key):
        raise Refusal(
            ExitCode.ENVIRONMENT,
            f"the key in {variable} holds white space, control or non-ASCII characters",
            f"set {variable} again without quotes, spaces or line ends",
        )
    if len(key) > 4096:
        raise Refusal(ExitCode.ENVIRONMENT, f"what {variable} holds is too long for a key")


def _origin(base_url: str, account: str) -> str:
    return f"{base_url}#{account}" if account else base_url


def _with_bucket_keys(declared: Declared, environ: Mapping[str, str]) -> MediaDelivery:
    delivery = declared.profile.delivery
    if delivery.way != "s3":
        return delivery
    for variable in (declared.access_key_env, declared.secret_key_env):
        if not environ.get(variable):
            raise Refusal(ExitCode.ENVIRONMENT, f"the bucket of backend {declared.profile.name!r} needs {variable}", f"export {variable}=…")
    return replace(
        delivery,
        access_key=Secret(environ[declared.access_key_env]),
        secret_key=Secret(environ[declared.secret_key_env]),
        session_token=Secret(environ.get(declared.session_token_env, "")),
    )


def _built_in() -> dict[str, Declared]:
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


def _read_backend(name: str, table: Table, built_in: Declared | None) -> Declared:
    """One ``[backends.NAME]``: a profile of its own, or an adjusted built-in one."""
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
        table.refuse("", "a backend's name has letters, digits, - and _ only")
    if built_in is not None:
        for setting in _KEY_SETTINGS:
            if setting in table:
                table.refuse(setting, f"may not be set for the built-in backend {name!r}", "give the profile a name of its own: [backends.mine]")
        declared = built_in
    else:
        declared = _own_backend(name, table)
    declared = _adjust(declared, table)
    table.finish()
    return declared


def _own_backend(name: str, table: Table) -> Declared:
    kind, base_url, key = table.text("kind"), table.text("base_url"), table.text("api_key_env")
    if kind not in dialect_kinds() or kind == "emulator":
        table.refuse("kind", "must name a dialect", f"one of: {', '.join(k for k in dialect_kinds() if k != 'emulator')}")
    if not base_url and not (kind == "dashscope" and table.text("region")):
        table.refuse("base_url", "is missing: a profile's key goes to its own address", 'base_url = "https://api.example.com"')
    if not key:
        table.refuse(
            "api_key_env",
            "is missing: it names the environment variable that holds the key",
            f'api_key_env = "{name.upper().replace("-", "_")}_API_KEY"',
        )
    if not key.replace("_", "").isalnum() or not key.isascii():
        table.refuse("api_key_env", "is the name of an environment variable, never the key itself")
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
    profile = replace(
        old,
        poll_interval_s=table.number("poll_interval", most=3600) or old.poll_interval_s,
        queries_per_second=table.number("queries_per_second") or old.queries_per_second,
        max_in_flight=table.whole("max_in_flight") or old.max_in_flight,
        rate=table.number("rate") or old.rate,
        submit_concurrency=table.whole("submit_concurrency", most=100) or old.submit_concurrency,
        submit_timeout_s=timeout or old.submit_timeout_s,
        quiet_period_s=quiet or (max(120.0, 2 * timeout) if timeout and old.realm == "paid" else old.quiet_period_s),
        prices=prices or old.prices,
        proxy=_proxy(table) or old.proxy,
        download_hosts=tuple(host.lower() for host in table.texts("download_hosts")) or old.download_hosts,
        workspace=table.text("workspace") or old.workspace,
        ca_file=table.text("ca_file") or old.ca_file,
    )
    declared = replace(declared, profile=profile, region=region or declared.region, account=table.text("account"), own_prices=prices is not None)
    return _with_media(declared, table)


def _proxy(table: Table) -> str:
    proxy = table.text("proxy")
    try:
        usable = not proxy or (urlsplit(proxy).scheme in ("http", "https") and bool(urlsplit(proxy).hostname) and urlsplit(proxy).port != 0)
    except ValueError:
        usable = False
    if not usable:
        table.refuse("proxy", "must be an http:// or https:// address")
    return proxy


def _with_media(declared: Declared, table: Table) -> Declared:
    """``media = "inline" | "upload"``, or a table ``{ way = "s3", bucket = …, endpoint = …, region = … }``."""
    given = table.values.get("media")
    if given is None or isinstance(given, str):
        way = table.text("media", declared.profile.delivery.way)
        if given is not None and way not in ("inline", "upload"):
            table.refuse("media", 'must be "inline", "upload", or a table with way = "s3" and its bucket')
        return (
            declared
            if given is None
            else replace(declared, profile=replace(declared.profile, delivery=MediaDelivery("upload" if way == "upload" else "inline")))
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
        "s3", bucket, endpoint, media.text("region", "us-east-1"), media.text("prefix", "wanbatch/"), media.flag("path_style", default=False)
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
