"""Plans that are begun: one ledger alone, in a real git remote, whatever gets lost."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import MagicMock

import anyio
import pytest

from wanbatch.ledger.begun import keep_mark, read_marks
from wanbatch.ledger.store import Ledger
from wanbatch.model.lifecycle import Snapshot
from wanbatch.model.storage import Storage
from wanbatch.operations import sharing
from wanbatch.operations.beginning import NAMESPACE, Begun, GitBoard, begin
from wanbatch.words.errors import ExitCode, WanbatchError

DIGEST, OTHER = "a" * 64, "b" * 64


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ("git", "-C", str(folder), *words), capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    path = tmp_path / "remote.git"
    subprocess.run(("git", "init", "-q", "--bare", str(path)), check=True)
    return path


def checkout(folder: Path, remote: Path) -> GitBoard:
    folder.mkdir()
    git(folder, "init", "-q")
    git(folder, "remote", "add", "origin", str(remote))
    return GitBoard(folder, "origin")


def test_a_plan_is_begun_once_and_goes_on_with_its_ledger(tmp_path: Path, remote: Path) -> None:
    board, output = checkout(tmp_path / "one", remote), tmp_path / "reports"
    assert begin(output, DIGEST, board, "first") == Begun(DIGEST, is_new=True)
    assert begin(output, DIGEST, board, "second") == Begun(DIGEST, is_new=False)
    assert read_marks(output / "ledger.db") == {DIGEST: "first"}
    refs = git(remote, "for-each-ref", "--format=%(refname)")
    assert refs == NAMESPACE + DIGEST


def test_the_ledger_goes_on_in_another_checkout(tmp_path: Path, remote: Path) -> None:
    begin(tmp_path / "reports", DIGEST, checkout(tmp_path / "one", remote), "first")
    shutil.copytree(tmp_path / "reports", tmp_path / "artifact")
    later = checkout(tmp_path / "two", remote)
    assert not begin(tmp_path / "artifact", DIGEST, later, "second").is_new


def test_a_mark_that_was_kept_and_never_shown_is_shown_later(tmp_path: Path, remote: Path) -> None:
    output = tmp_path / "reports"
    output.mkdir()
    keep_mark(output / "ledger.db", DIGEST, "first")
    assert begin(output, DIGEST, checkout(tmp_path / "two", remote), "second").is_new
    assert not begin(output, DIGEST, checkout(tmp_path / "three", remote), "third").is_new


@pytest.mark.parametrize("digest", [DIGEST, OTHER])
def test_a_ledger_from_before_the_beginning_is_refused(
    tmp_path: Path, remote: Path, digest: str
) -> None:
    """The runner that began was lost with its disk: nothing is known of what it
    bought, whichever plan comes next."""
    board, output, old = checkout(tmp_path / "one", remote), tmp_path / "reports", tmp_path / "old"
    output.mkdir()
    keep_mark(output / "ledger.db", "c" * 64, "earlier")
    shutil.copytree(output, old)
    begin(output, DIGEST, board, "first")
    with pytest.raises(WanbatchError) as caught:
        begin(old, digest, board, "second")
    assert caught.value.exit_code == ExitCode.REFUSED
    assert caught.value.message == (
        "1 plan was begun by a ledger that is not this one, and what it bought is not known here;"
        " nothing was sent: aaaaaaaaaaaa"
    )
    assert caught.value.hints == (
        "let the job that began it end, and restore the ledger that it saved",
        (
            "if that ledger is lost: look at the provider's list of tasks, bring its videos home"
            f" (wanbatch import, wanbatch resolve), then: git push origin :{NAMESPACE}{DIGEST}"
        ),
    )
    assert digest not in read_marks(old / "ledger.db")


def test_the_printed_command_takes_the_mark_away(tmp_path: Path, remote: Path) -> None:
    board = checkout(tmp_path / "one", remote)
    begin(tmp_path / "lost", DIGEST, board, "first")
    subprocess.run(board.describe_removal(DIGEST).split(), cwd=tmp_path / "one", check=True)
    assert begin(tmp_path / "new", DIGEST, board, "second").is_new


def test_of_many_runners_one_begins(tmp_path: Path, remote: Path) -> None:
    """Copies of one ledger on eight machines at once: what a re-run of a job makes."""
    boards = [checkout(tmp_path / f"checkout{n}", remote) for n in range(8)]

    def attempt(number: int) -> int:
        try:
            begin(tmp_path / f"reports{number}", DIGEST, boards[number], f"mark {number}")
        except WanbatchError as error:
            return error.exit_code
        return 0

    with ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(attempt, range(8)))
    assert codes == [0, *[ExitCode.REFUSED] * 7]


class Lossy(GitBoard):
    """A board whose answer gets lost after the deed."""

    def create(self, digest: str, face: str) -> str:
        assert super().create(digest, face) == ""
        return "git push failed: the remote end hung up"


def test_an_answer_lost_after_the_deed_is_a_beginning(tmp_path: Path, remote: Path) -> None:
    checkout(tmp_path / "one", remote)
    board = Lossy(tmp_path / "one", "origin")
    assert begin(tmp_path / "reports", DIGEST, board, "first").is_new


class ReadOnly(GitBoard):
    def create(self, digest: str, face: str) -> str:
        return "git push failed: permission denied"


class Late(GitBoard):
    """Shows an old state once: another runner has been faster."""

    stale = True

    def read(self) -> Mapping[str, str]:
        if self.stale:
            self.stale = False
            return {}
        return super().read()


def test_a_stale_look_at_the_remote_begins_nothing_twice(tmp_path: Path, remote: Path) -> None:
    begin(tmp_path / "reports", DIGEST, checkout(tmp_path / "one", remote), "first")
    checkout(tmp_path / "two", remote)
    with pytest.raises(WanbatchError) as caught:
        begin(tmp_path / "other", DIGEST, Late(tmp_path / "two", "origin"), "second")
    assert caught.value.exit_code == ExitCode.REFUSED


def test_a_mark_that_cannot_be_shown_ends_with_4(tmp_path: Path, remote: Path) -> None:
    checkout(tmp_path / "one", remote)
    with pytest.raises(WanbatchError) as caught:
        begin(tmp_path / "reports", DIGEST, ReadOnly(tmp_path / "one", "origin"), "first")
    assert caught.value.exit_code == ExitCode.ENVIRONMENT
    assert caught.value.message == (
        "the plan could not be marked as begun; nothing was sent:"
        " git push failed: permission denied"
    )


def test_what_git_says_is_told_by_its_own_line(tmp_path: Path) -> None:
    """Its last line alone would say: and the repository exists."""
    board = checkout(tmp_path / "one", tmp_path / "nowhere")
    with pytest.raises(WanbatchError) as caught:
        begin(tmp_path / "reports", DIGEST, board, "first")
    assert caught.value.exit_code == ExitCode.ENVIRONMENT
    assert re.fullmatch(
        r"git ls-remote failed: fatal: '.*nowhere' does not appear to be a git repository;"
        r" nothing was sent",
        caught.value.message,
    )


def test_the_users_settings_change_no_mark(tmp_path: Path, remote: Path) -> None:
    """The commit of a mark is the same in every checkout, however git is set there."""
    board = checkout(tmp_path / "one", remote)
    other = checkout(tmp_path / "two", remote)
    git(tmp_path / "two", "config", "i18n.commitEncoding", "ISO-8859-1")
    git(tmp_path / "two", "config", "commit.gpgSign", "true")
    assert board.face(DIGEST, "first") == other.face(DIGEST, "first")
    assert board.face(DIGEST, "first") != board.face(DIGEST, "second")


def test_a_remote_that_is_not_there_shows_no_password(tmp_path: Path) -> None:
    board = checkout(tmp_path / "one", Path("https://user:s3cret@127.0.0.1:9/x.git"))
    with pytest.raises(WanbatchError) as caught:
        begin(tmp_path / "reports", DIGEST, board, "first")
    assert caught.value.exit_code == ExitCode.ENVIRONMENT
    assert caught.value.message.startswith("git ls-remote failed: ")
    assert "s3cret" not in caught.value.message


@pytest.mark.parametrize("digest", ["", "abc", "A" * 64, "../" + "a" * 61])
def test_what_is_no_digest_is_told(tmp_path: Path, remote: Path, digest: str) -> None:
    with pytest.raises(WanbatchError) as caught:
        begin(tmp_path / "reports", digest, checkout(tmp_path / "one", remote), "first")
    assert caught.value.exit_code == ExitCode.INVALID
    assert caught.value.message == f"{digest!r} is no digest of a saved plan"
    assert caught.value.hints == (
        "it has 64 hexadecimal digits, and stands in the plan: wanbatch plan -o plan.json",
    )
    assert not (tmp_path / "reports").exists()


def test_a_mark_that_the_store_does_not_show_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The disk took it, and the store was silent until the end."""

    class Shared:
        ledger: Ledger

    @asynccontextmanager
    async def opened(_ports: object) -> AsyncIterator[Shared]:
        async with Ledger.open(tmp_path / "copy.db") as ledger:
            Shared.ledger = ledger
            yield Shared()

    async def shown(*_: object) -> tuple[Snapshot, None]:
        return Snapshot(), None

    monkeypatch.setattr(sharing, "open_shared", opened)
    monkeypatch.setattr(sharing, "read_within", shown)
    storage, ports = Storage("s3", "bucket", "ledger", endpoint="http://127.0.0.1:9"), MagicMock()
    with pytest.raises(WanbatchError, match="the plan could not be marked as begun in s3://") as no:
        anyio.run(sharing.keep_shared_mark, storage, tmp_path, ports, DIGEST, "mark")
    assert no.value.exit_code == ExitCode.ENVIRONMENT
