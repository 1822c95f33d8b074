"""Profiles: where keys and addresses come from, what is refused, and that no text ever
holds a key."""

import pickle
from decimal import Decimal
from pathlib import Path

import pytest
from expecting import expect

from wanbatch.config.profiles import load_profiles, load_project, lower_limits, resolve_profile
from wanbatch.model.price import PriceList
from wanbatch.model.storage import Storage
from wanbatch.model.wire import MediaDelivery, Secret
from wanbatch.words.errors import ExitCode, WanbatchError

GATEWAY = {"WANBATCH_API_KEY": "sk-one", "WANBATCH_BASE_URL": "https://api.example.com/v1/"}


@pytest.fixture(name="configure")
def _configure(tmp_path):
    def write(text):
        path = tmp_path / "config.toml"
        path.write_text(text, encoding="utf-8")
        return load_profiles({"WANBATCH_CONFIG": str(path)})

    return write


@pytest.fixture(name="built_in")
def _built_in(tmp_path):
    return load_profiles({}, _empty(tmp_path))


def _empty(tmp_path):
    path = tmp_path / "none.toml"
    path.write_text("")
    return path


def refused(code, function, *args, **kwargs):
    with pytest.raises(WanbatchError) as caught:
        function(*args, **kwargs)
    assert caught.value.exit_code is code
    return " ".join((caught.value.message, *caught.value.hints))


WORK = """
[backends.work]
kind = "gateway"
base_url = "https://work.example.com"
api_key_env = "WORK_KEY"
"""


# --- built-in


def test_the_built_in_backends(built_in):
    assert built_in.names() == ("emulator", "gateway", "gateway-metadata", "dashscope")
    assert built_in.default is None


def test_the_emulator_needs_nothing_and_costs_nothing(built_in):
    profile = resolve_profile(built_in, "emulator", {})
    assert (
        profile.poll_interval_s,
        profile.max_in_flight,
        profile.rate,
        profile.quiet_period_s,
    ) == (0.2, 50, None, 1.0)
    assert profile.prices == PriceList({"720P": Decimal(0), "1080P": Decimal(0)}, "USD")
    assert profile.delivery == MediaDelivery("emulator")
    assert profile.realm == "emulator"


@pytest.mark.parametrize("name", ["gateway", "gateway-metadata"])
def test_the_gateways(built_in, name):
    profile = resolve_profile(built_in, name, GATEWAY)
    assert profile.base_url == profile.origin == "https://api.example.com"
    assert profile.api_key.reveal() == "sk-one"
    assert (profile.poll_interval_s, profile.max_in_flight, profile.rate) == (15.0, 5, 2.0)
    assert profile.prices is None
    assert profile.delivery.way == "inline"


@pytest.mark.parametrize(
    ("environ", "base_url", "rate", "currency"),
    [
        ({"DASHSCOPE_REGION": "intl"}, "https://dashscope-intl.aliyuncs.com", "0.10", "USD"),
        ({"DASHSCOPE_REGION": "cn"}, "https://dashscope.aliyuncs.com", "0.6", "CNY"),
        (
            {"DASHSCOPE_REGION": "intl", "DASHSCOPE_WORKSPACE_ID": "ws-1"},
            "https://ws-1.ap-southeast-1.maas.aliyuncs.com",
            "0.10",
            "USD",
        ),
        (
            {"DASHSCOPE_BASE_URL": "https://ws-1.cn-beijing.maas.aliyuncs.com/api/v1"},
            "https://ws-1.cn-beijing.maas.aliyuncs.com",
            "0.6",
            "CNY",
        ),
        (
            {"DASHSCOPE_BASE_URL": "https://proxy.example.com"},
            "https://proxy.example.com",
            None,
            None,
        ),
    ],
)
def test_dashscope(built_in, environ, base_url, rate, currency):
    profile = resolve_profile(built_in, "dashscope", environ | {"DASHSCOPE_API_KEY": "sk-two"})
    assert profile.base_url == base_url
    assert profile.queries_per_second == 20.0
    if rate is None:
        assert profile.prices is None
    else:
        assert expect(PriceList, profile.prices).per_second["720P"] == Decimal(rate)
        assert expect(PriceList, profile.prices).currency == currency


def test_dashscope_wants_its_region(built_in):
    assert "DASHSCOPE_REGION" in refused(
        ExitCode.ENVIRONMENT, resolve_profile, built_in, "dashscope", {"DASHSCOPE_API_KEY": "k"}
    )
    assert "cn or intl" in refused(
        ExitCode.ENVIRONMENT, resolve_profile, built_in, "dashscope", {"DASHSCOPE_REGION": "us"}
    )


@pytest.mark.parametrize("missing", ["WANBATCH_API_KEY", "WANBATCH_BASE_URL"])
def test_what_is_missing_is_named_with_the_line_that_sets_it(built_in, missing):
    told = refused(
        ExitCode.ENVIRONMENT,
        resolve_profile,
        built_in,
        "gateway",
        {k: v for k, v in GATEWAY.items() if k != missing},
    )
    assert f"export {missing}=" in told


def test_an_unknown_name_lists_the_backends(built_in):
    assert "emulator, gateway" in refused(ExitCode.INVALID, resolve_profile, built_in, "gatway", {})
    assert "emulator, gateway" in refused(ExitCode.INVALID, resolve_profile, built_in, None, {})


def test_offline_needs_no_key(built_in):
    assert not resolve_profile(built_in, "gateway", {}, offline=True).api_key
    profile = resolve_profile(built_in, "gateway", GATEWAY, offline=True)
    assert not profile.api_key
    assert profile.origin == "https://api.example.com"
    assert resolve_profile(built_in, "dashscope", {}, offline=True).prices is None
    assert (
        expect(
            PriceList,
            resolve_profile(
                built_in, "dashscope", {"DASHSCOPE_REGION": "intl"}, offline=True
            ).prices,
        ).currency
        == "USD"
    )


# --- base URLs and keys


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("https://api.example.com", "https://api.example.com"),
        ("https://API.Example.com/", "https://api.example.com"),
        ("https://api.example.com/v1", "https://api.example.com"),
        ("https://api.example.com:8443/wan/v1/", "https://api.example.com:8443/wan"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_base_urls_are_cleaned(built_in, given, clean):
    assert (
        resolve_profile(built_in, "gateway", GATEWAY | {"WANBATCH_BASE_URL": given}).base_url
        == clean
    )


@pytest.mark.parametrize(
    "given",
    [
        "http://api.example.com",
        "http://127.0.0.1.nip.io",
        "http://10.0.0.1",
        "http://localhost@evil.example",
        "https://user:pw@api.example.com",
        "https://api.example.com?x=1",
        "https://api.example.com?",
        "https://api.example.com#f",
        "ftp://api.example.com",
        "api.example.com",
        "https://",
        "https:///v1",
        "https://api.example.com:bad",
        "https://[::1",
        "https://api.example.com\n",
        "https://api example.com",
        "https://api.example.com\\@evil.example",
        "https://апи.example",
        "file:///etc/passwd",
    ],
)
def test_base_urls_that_no_key_may_be_sent_to(built_in, given):
    refused(
        ExitCode.ENVIRONMENT,
        resolve_profile,
        built_in,
        "gateway",
        GATEWAY | {"WANBATCH_BASE_URL": given},
    )


@pytest.mark.parametrize(
    "key",
    [
        "sk canary",
        " sk-canary",
        "sk-canary\n",
        "sk-canary\r\nX: y",
        "sk-canary\x00",
        "sk-canary\u200b",
        "ключ-canary",
        "canary" * 1000,
    ],
)
def test_unusable_keys_are_refused_and_never_shown(built_in, key):
    told = refused(
        ExitCode.ENVIRONMENT,
        resolve_profile,
        built_in,
        "gateway",
        GATEWAY | {"WANBATCH_API_KEY": key},
    )
    assert "WANBATCH_API_KEY" in told
    assert "canary" not in told


def test_a_secret_shows_itself_to_nobody(built_in):
    profile = resolve_profile(built_in, "gateway", GATEWAY | {"WANBATCH_API_KEY": "sk-canary"})
    assert "canary" not in f"{profile!r} {profile} {profile.api_key} {profile.api_key!r}"
    with pytest.raises(TypeError):
        pickle.dumps(Secret("sk-canary"))


# --- the user's configuration


def test_a_profile_of_ones_own(configure):
    profiles = configure(
        'default_backend = "work"\n'
        + WORK
        + """
account = "team-a"
poll_interval = 5
queries_per_second = 3.5
max_in_flight = 20
rate = 4
submit_timeout = 90
proxy = "http://user:secret@proxy.example:3128"
download_hosts = ["Videos.Internal"]
price = { "720P" = 0.10, "1080P" = "0.15", currency = "USD", as_of = 2026-05-01 }
media = { way = "s3", bucket = "b", endpoint = "https://oss-cn-beijing.aliyuncs.com", region = "cn-beijing" }
"""
    )
    assert profiles.default == "work"
    environ = {
        "WORK_KEY": "sk-w",
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "aws-secret",
        "WANBATCH_BASE_URL": "https://elsewhere.example",
    }
    profile = resolve_profile(profiles, None, environ)
    assert profile.base_url == "https://work.example.com"
    assert profile.origin == "https://work.example.com#team-a"
    assert (
        profile.poll_interval_s,
        profile.queries_per_second,
        profile.max_in_flight,
        profile.rate,
    ) == (5.0, 3.5, 20, 4.0)
    assert (profile.submit_timeout_s, profile.quiet_period_s) == (90.0, 180.0)
    assert profile.prices == PriceList(
        {"720P": Decimal("0.10"), "1080P": Decimal("0.15")}, "USD", "2026-05-01"
    )
    assert profile.download_hosts == ("videos.internal",)
    assert (
        profile.delivery.bucket,
        profile.delivery.region,
        profile.delivery.secret_key.reveal(),
    ) == ("b", "cn-beijing", "aws-secret")
    assert "secret" not in repr(profile).replace("secret_key", "")


def test_a_profile_never_takes_the_key_or_address_of_another(configure):
    profiles = configure(WORK)
    told = refused(
        ExitCode.ENVIRONMENT,
        resolve_profile,
        profiles,
        "work",
        GATEWAY | {"DASHSCOPE_API_KEY": "k"},
    )
    assert "WORK_KEY" in told
    assert (
        resolve_profile(profiles, "work", {"WORK_KEY": "k"} | GATEWAY).base_url
        == "https://work.example.com"
    )


@pytest.mark.parametrize(
    "setting",
    ['base_url = "https://evil.example"', 'api_key_env = "GITHUB_TOKEN"', 'kind = "dashscope"'],
)
def test_a_built_in_backend_keeps_its_key_and_address(configure, setting):
    assert "name of its own" in refused(
        ExitCode.INVALID, configure, f"[backends.gateway]\n{setting}\n"
    )


def test_a_built_in_backend_can_be_adjusted(configure):
    profiles = configure(
        '[backends.gateway]\nmax_in_flight = 9\nprice = { "720P" = 0.084, currency = "USD" }\n'
    )
    profile = resolve_profile(profiles, "gateway", GATEWAY)
    assert profile.max_in_flight == 9
    assert expect(PriceList, profile.prices).per_second == {"720P": Decimal("0.084")}


def test_dashscope_profiles(configure):
    profiles = configure(
        '[backends.sg]\nkind = "dashscope"\nregion = "intl"\nworkspace = "ws-9"\napi_key_env'
        ' = "SG_KEY"\nmedia = "upload"\n'
    )
    profile = resolve_profile(
        profiles,
        "sg",
        {"SG_KEY": "k", "DASHSCOPE_REGION": "cn", "DASHSCOPE_BASE_URL": "https://other.example"},
    )
    assert profile.base_url == "https://ws-9.ap-southeast-1.maas.aliyuncs.com"
    assert expect(PriceList, profile.prices).currency == "USD"
    assert profile.delivery.way == "upload"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("not toml", "no valid TOML"),
        ("x = " + "[" * 10_000, "no valid TOML"),
        ("defalt_backend = 'x'", "did you mean default_backend"),
        ("default_backend = 'nobody'", "the backends are"),
        ("[backends.x]\nbase_url = 'https://a.example'\napi_key_env = 'K'", "must name a dialect"),
        ("[backends.x]\nkind = 'gateway'\napi_key_env = 'K'", "base_url"),
        ("[backends.x]\nkind = 'gateway'\nbase_url = 'https://a.example'", "api_key_env"),
        (
            (
                "[backends.x]\nkind = 'gateway'\nbase_url = 'https://a.example'\napi_key_env ="
                " 'sk-abc'"
            ),
            "never the key itself",
        ),
        (WORK + "api_key = 'sk-abc'", "no such setting"),
        (WORK + "rate = 0", "greater than 0"),
        (WORK + "rate = true", "must be a number"),
        (WORK + "max_in_flight = 1.5", "whole number"),
        (WORK + "price = { '720P' = 0.1 }", "currency"),
        (WORK + "price = { '720P' = nan, currency = 'USD' }", "amount"),
        (WORK + "price = { '720P' = -1, currency = 'USD' }", "amount"),
        (WORK + "price = { currency = 'USD' }", "states no price"),
        (WORK + "price = { '720P' = 1, currency = 'USD', as_of = 'May' }", "date"),
        (WORK + "media = 'ftp'", "media"),
        (WORK + "media = { way = 's3' }", "bucket"),
        (WORK + "media = { way = 's3', bucket = 'b', typo = 1 }", "no such setting"),
        (WORK + "proxy = 'socks5://x'", "proxy"),
        (WORK + "region = 'us'", "region"),
        (WORK + "download_hosts = 'x'", "list of texts"),
        ("[backends.'a b']\nkind = 'gateway'", "letters, digits"),
        ("[backends.emulator]\nprice = { '720P' = 1, currency = 'USD' }", "costs nothing"),
        ("backends = 3", "must be a table"),
        ("[backends]\nx = 3", "must be a table"),
    ],
)
def test_mistakes_are_named(configure, text, told):
    assert told in refused(ExitCode.INVALID, configure, text)


def test_a_base_url_that_is_no_place_for_a_key_is_refused_in_the_configuration_too(configure):
    refused(ExitCode.ENVIRONMENT, configure, WORK.replace("https://work", "http://work"))


def test_a_named_configuration_must_exist(tmp_path):
    refused(
        ExitCode.ENVIRONMENT, load_profiles, {"WANBATCH_CONFIG": str(tmp_path / "nowhere.toml")}
    )
    refused(ExitCode.ENVIRONMENT, load_profiles, {"WANBATCH_CONFIG": str(tmp_path)})


def test_without_a_named_configuration_the_platforms_folder_is_looked_at(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    profiles = load_profiles({})
    assert not profiles.found
    path = expect(Path, profiles.path)
    path.parent.mkdir(parents=True)
    path.write_text(WORK)
    assert "work" in load_profiles({}).names()


# --- the project's file


def test_a_project_may_name_lower_and_price(tmp_path):
    (tmp_path / ".git").mkdir()
    inner = tmp_path / "shots" / "harbor"
    inner.mkdir(parents=True)
    (tmp_path / "wanbatch.toml").write_text(
        'backend = "gateway"\nmax_cost = 12.50\nmax_in_flight = 3\nrate = 0.5\nprice = {'
        ' "720P" = 0.2, currency = "USD" }\n'
    )
    settings = load_project(inner)
    assert (settings.backend, settings.max_cost, settings.max_in_flight, settings.rate) == (
        "gateway",
        Decimal("12.50"),
        3,
        0.5,
    )
    assert settings.prices == PriceList({"720P": Decimal("0.2")}, "USD")
    assert settings.path == tmp_path / "wanbatch.toml"


def test_a_file_above_the_repo_does_not_count(tmp_path):
    (tmp_path / "wanbatch.toml").write_text('backend = "gateway"\n')
    repo = tmp_path / "repo"
    (repo / ".git").mkdir(parents=True)
    assert load_project(repo).backend is None
    (repo / ".git").rmdir()
    assert load_project(repo).backend is None


@pytest.mark.parametrize(
    "line",
    [
        'base_url = "https://evil.example"',
        'api_key_env = "GITHUB_TOKEN"',
        'api_key = "sk"',
        "[backends.x]\nkind = 'gateway'",
        'proxy = "http://evil.example"',
        'media = "upload"',
        'account = "x"',
        'download_hosts = ["169.254.169.254"]',
        'ca_file = "evil.pem"',
    ],
)
def test_no_file_inside_a_repo_decides_where_a_key_is_sent(tmp_path, line):
    (tmp_path / "wanbatch.toml").write_text(line + "\n")
    assert "no file inside a repo decides" in refused(ExitCode.INVALID, load_project, tmp_path)


def test_a_typo_in_the_projects_file(tmp_path):
    (tmp_path / "wanbatch.toml").write_text("max_costs = 3\n")
    assert "did you mean max_cost" in refused(ExitCode.INVALID, load_project, tmp_path)


def test_limits_only_go_down_and_prices_up(built_in):
    profile = resolve_profile(
        built_in, "dashscope", {"DASHSCOPE_REGION": "intl", "DASHSCOPE_API_KEY": "k"}
    )
    dearer = PriceList({"720P": Decimal("0.2"), "1080P": Decimal("0.01")}, "USD")
    lowered = lower_limits(profile, max_in_flight=2, rate=0.5, prices=dearer)
    assert (lowered.max_in_flight, lowered.rate) == (2, 0.5)
    assert expect(PriceList, lowered.prices).per_second == {
        "720P": Decimal("0.2"),
        "1080P": Decimal("0.15"),
    }
    same = lower_limits(profile, max_in_flight=500, rate=50.0)
    assert (same.max_in_flight, same.rate) == (profile.max_in_flight, profile.rate)
    refused(ExitCode.INVALID, lower_limits, profile, prices=PriceList({"720P": Decimal(1)}, "CNY"))
    emulator = resolve_profile(built_in, "emulator", {})
    assert lower_limits(emulator, rate=3.0, prices=dearer) == lower_limits(emulator, rate=3.0)
    assert lower_limits(emulator, rate=3.0).rate == 3.0


def test_what_the_documentation_shows_is_understood(configure, tmp_path):
    import re

    text = (Path(__file__).parents[2] / "docs" / "backends.md").read_text(encoding="utf-8")
    found = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    own, budget, project, bucket, *stores, _entry_point = found
    profiles = configure(own)
    assert (
        resolve_profile(profiles, None, {"STUDIO_VIDEO_KEY": "k"}).origin
        == "https://videos.studio.example#team-a"
    )
    assert resolve_profile(profiles, "beijing", {"BEIJING_KEY": "k"}).delivery.way == "upload"
    gateway = resolve_profile(profiles, "gateway", GATEWAY)
    assert gateway.base_url == "https://api.example.com"
    assert expect(PriceList, gateway.prices).per_second == {
        "720P": Decimal("0.10"),
        "1080P": Decimal("0.15"),
    }
    with_bucket = configure(own.partition("[backends.beijing]")[0] + bucket)
    environ = {"STUDIO_VIDEO_KEY": "k", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    assert (
        resolve_profile(with_bucket, "studio", environ).delivery.bucket == "studio-wanbatch-media"
    )
    keys = {**environ, "A": "k"}
    told = 'kind = "gateway"\nbase_url = "https://a.example"\napi_key_env = "A"\n'
    for text in stores:
        head = "[backends.studio]\n"
        body = text.replace(head, head + told) if head in text else f"{head}{told}{text}"
        kept = expect(Storage, resolve_profile(configure(body), "studio", keys).store)
        assert kept.url == "s3://studio-videos/wan"
    assert len(stores) == 2
    budgets = configure(own + budget)
    assert [str(one.amount) for one in budgets.budget] == ["20.00", "300.00"]
    studio = resolve_profile(budgets, "studio", {"STUDIO_VIDEO_KEY": "k"})
    assert [str(one.amount) for one in studio.budget] == ["5.00"]
    (tmp_path / "wanbatch.toml").write_text(project)
    assert load_project(tmp_path).max_cost == Decimal("25.00")
    assert [str(one.amount) for one in load_project(tmp_path).budget] == ["10.00", "100.00"]
