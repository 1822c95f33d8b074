"""``store`` and ``ledger`` of a profile: what may stand there, whose keys they take,
and that no file inside a repo redirects them."""

import pytest

from wanbatch.config.profiles import load_profiles, load_project, resolve_profile
from wanbatch.model.secret import Secret
from wanbatch.model.storage import Storage
from wanbatch.words.errors import ExitCode, WanbatchError

MINE = """
[backends.mine]
kind = "gateway"
base_url = "https://work.example.com"
api_key_env = "WORK_KEY"
"""
KEYS = {
    "WORK_KEY": "sk-canary",
    "AWS_ACCESS_KEY_ID": "AKID",
    "AWS_SECRET_ACCESS_KEY": "canary-secret",
}


@pytest.fixture(name="resolve")
def _resolve(tmp_path):
    def resolve(text, environ=KEYS, name="mine", **kwargs):
        path = tmp_path / "config.toml"
        path.write_text(text, encoding="utf-8")
        return resolve_profile(load_profiles({}, path), name, environ, **kwargs)

    return resolve


def refused(code, function, *args, **kwargs):
    with pytest.raises(WanbatchError) as caught:
        function(*args, **kwargs)
    assert caught.value.exit_code is code
    return " ".join((caught.value.message, *caught.value.hints))


def test_without_any_there_is_none(resolve):
    assert resolve(MINE).store is None
    assert resolve(MINE).ledger is None


@pytest.mark.parametrize(
    ("address", "storage"),
    [
        ("s3://clips", Storage("s3", "clips", region="us-east-1")),
        ("s3://clips/a/b/", Storage("s3", "clips", "a/b", region="us-east-1")),
        ("gs://clips/a", Storage("gs", "clips", "a")),
        ("az://clips/a", Storage("az", "clips", "a")),
        ("file:///mnt/videos/", Storage("file", "", "/mnt/videos")),
    ],
)
def test_an_address_alone(resolve, address, storage):
    found = resolve(f'{MINE}store = "{address}"\n').store
    assert found == storage
    assert found.url == address.rstrip("/")


def test_a_table_says_more_and_a_bare_ledger_takes_it_over(resolve):
    profile = resolve(
        f"""{MINE}
ledger = "s3://truth/team"
[backends.mine.store]
url = "s3://clips/a"
endpoint = "http://127.0.0.1:9000/"
region = "eu"
path_style = true
access_key_env = "MINIO_ID"
secret_key_env = "MINIO_SECRET"
session_token_env = "MINIO_TOKEN"
public_url = "https://videos.example.com/clips/"
""",
        KEYS | {"MINIO_ID": "id", "MINIO_SECRET": "canary", "MINIO_TOKEN": "canary-t"},
    )
    endpoint, public = "http://127.0.0.1:9000", "https://videos.example.com/clips"
    assert profile.store == Storage(
        "s3", "clips", "a", endpoint, "eu", path_style=True, public_url=public
    )
    assert profile.ledger == Storage("s3", "truth", "team", endpoint, "eu", path_style=True)
    for storage in (profile.store, profile.ledger):
        assert storage.access_key.reveal() == "id"
        assert storage.secret_key.reveal() == "canary"
        assert storage.session_token.reveal() == "canary-t"
    assert "canary" not in repr(profile)


def test_a_ledger_of_another_kind_has_its_own_settings(resolve):
    text = f'{MINE}store = "file:///mnt/videos"\nledger = "gs://truth/team"\n'
    assert resolve(text).ledger == Storage("gs", "truth", "team")
    text = (
        f'{MINE}store = "s3://clips"\n[backends.mine.ledger]\nurl = "az://truth"\naccount = "x"\n'
    )
    assert resolve(text).ledger == Storage("az", "truth", account="x")


def test_for_the_whole_configuration(resolve):
    text = f'store = "s3://clips/all"\nledger = "s3://clips/truth"\n{MINE}'
    assert resolve(text).store.prefix == "all"
    assert resolve(text).ledger.prefix == "truth"
    own = f'{text}store = "s3://clips/own"\n'
    assert resolve(own).store.prefix == "own"
    assert resolve(text, name="emulator").store is None, "what costs nothing stays here"
    given = f'{text}[backends.emulator]\nstore = "file:///mnt/videos"\n'
    assert resolve(given, name="emulator").store == Storage("file", "", "/mnt/videos")
    assert resolve(given, name="emulator").ledger is None


def test_keys_are_needed_online_and_taken_offline_where_they_are(resolve):
    text = f'{MINE}store = "s3://clips"\n'
    for missing in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        environ = {name: value for name, value in KEYS.items() if name != missing}
        said = refused(ExitCode.ENVIRONMENT, resolve, text, environ)
        assert f"the store of backend 'mine' needs {missing}" in said
        assert "canary" not in said
        assert resolve(text, environ, offline=True).store == Storage(
            "s3", "clips", region="us-east-1"
        )
    assert resolve(text, KEYS, offline=True).store.secret_key.reveal() == "canary-secret"
    assert resolve(f'{MINE}store = "gs://clips"\n', {"WORK_KEY": "sk"}).store.bucket == "clips"


def test_others_do_not_get_the_keys(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(
        f'{MINE}store = {{ url = "s3://c", secret_key_env = "MINIO_SECRET" }}\n'
        'ledger = { url = "az://c", account = "x" }\n'
    )
    names = load_profiles({}, path).secret_names()
    assert {"MINIO_SECRET", "AZURE_STORAGE_ACCOUNT_KEY", "WORK_KEY"} <= names


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('store = "clips"', "is no address of a store"),
        ('store = "ftp://clips"', "is no address of a store"),
        ('store = "s3://"', "is no address of a store"),
        ('store = "s3://clips/a/../b"', "is no address of a store"),
        ('store = "s3://clips/a//b"', "is no address of a store"),
        ('store = "s3://[clips"', "is no address of a store"),
        ('store = "s3://id:canary@clips"', "may not hold a user"),
        ('store = "s3://clips?X-Amz-Signature=canary"', "may not hold a user"),
        ('store = "file://mnt/videos"', "must name a folder from the root on"),
        ('store = "file:///"', "must name a folder from the root on"),
        ("store = 3", "must be a table"),
        ('store = { url = "s3://clips", key = "canary" }', "no such setting"),
        ('store = { region = "eu" }', "is no address of a store"),
        ('store = { url = "file:///mnt", region = "eu" }', "no such setting"),
        ('store = { url = "gs://clips", access_key_env = "A" }', "no such setting"),
        ('store = { url = "s3://clips", access_key_env = "canary/+" }', "never the key itself"),
        ('store = { url = "s3://c", endpoint = "http://example.com" }', "must be an https://"),
        ('store = { url = "s3://c", endpoint = "https://u:canary@h" }', "may hold no user"),
        ('store = { url = "s3://c", endpoint = "https://[h" }', "is malformed"),
        ('store = { url = "s3://c", public_url = "https://" }', "is no address"),
        ('store = { url = "s3://c", public_url = "https://h/a?b" }', "may hold no user"),
    ],
)
def test_what_may_not_stand_there(resolve, line, said):
    text = refused(ExitCode.INVALID, resolve, f"{MINE}{line}\n")
    assert said in text
    assert "config.toml: " in text
    assert "canary" not in text


def test_a_ledger_needs_a_store_and_a_bucket(resolve):
    said = refused(ExitCode.REFUSED, resolve, f'{MINE}ledger = "s3://clips"\n')
    assert "backend 'mine' has a ledger for several machines, and no store" in said
    said = refused(ExitCode.REFUSED, resolve, f'ledger = "s3://clips"\n{MINE}')
    assert "no store" in said
    folder = f'{MINE}store = "file:///mnt"\nledger = "file:///mnt"\n'
    assert "a folder cannot hold a ledger" in refused(ExitCode.REFUSED, resolve, folder)
    text = '[backends.emulator]\nstore = "s3://clips"\nledger = "s3://clips"\n'
    assert "stay on this machine" in refused(ExitCode.INVALID, resolve, text)


@pytest.mark.parametrize("key", ["store", "ledger"])
def test_no_file_inside_a_repo_redirects_them(tmp_path, key):
    (tmp_path / "wanbatch.toml").write_text(f'{key} = "s3://theirs"\n')
    said = refused(ExitCode.INVALID, load_project, tmp_path)
    assert "no file inside a repo decides where a key is sent" in said


def test_a_secret_is_no_part_of_which_place_it_is():
    assert Storage("s3", "c", access_key=Secret("a")) == Storage("s3", "c")
