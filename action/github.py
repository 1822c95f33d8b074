"""The forge's API, as the steps use it: artifacts, pull requests, comments.

What it may not do: send the token anywhere but to the API's own host, or decide
anything about money.

How it works: one httpx client. Reads are tried again where the server stumbled, writes
are not. An artifact's bytes come from another host by a redirect, which is followed
without the token.
"""

from __future__ import annotations

import os
import shutil
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

TRIES, PAUSE_S = 4, 2.0
PER_PAGE = 100
FAILED = 4
"""Exit code of what the environment would not do (as wanbatch's own)."""


class Trouble(Exception):
    """A step cannot go on: why, what to do, and its exit code."""

    def __init__(self, code: int, what: str, instead: str) -> None:
        super().__init__(what)
        self.code, self.what, self.instead = code, what, instead


@dataclass(frozen=True, slots=True)
class Artifact:
    """An artifact of this repository, and the run that made it."""

    number: int
    name: str
    made_at: str
    run_id: int
    head_sha: str
    head_branch: str
    from_fork: bool


class Forge:
    """The API of one repository. ``url`` is the API's root."""

    def __init__(self, url: str, repository: str, token: str, *, pause_s: float = PAUSE_S) -> None:
        self._root = f"{url.rstrip('/')}/repos/{repository}"
        self._pause_s = pause_s
        self._client = httpx.Client(
            headers={
                "authorization": f"Bearer {token}",
                "accept": "application/vnd.github+json",
                "x-github-api-version": "2022-11-28",
            },
            timeout=60.0,
        )

    @classmethod
    def from_environment(cls) -> Forge:
        """The repository that the workflow runs for."""
        environ = os.environ
        return cls(
            environ["GITHUB_API_URL"],
            environ["GITHUB_REPOSITORY"],
            environ["INPUT_TOKEN"],
            pause_s=float(environ.get("WANBATCH_ACTION_PAUSE_S", PAUSE_S)),
        )

    # -- reading -----------------------------------------------------------------------

    def artifacts(self, name: str) -> list[Artifact]:
        """Those of this name that have not expired, the newest first."""
        found = [
            _artifact(one)
            for page in self._pages("/actions/artifacts", "artifacts", name=name)
            for one in page
            if one["name"] == name and not one.get("expired")
        ]
        return sorted(found, key=lambda a: (a.made_at, a.number), reverse=True)

    def event_of(self, run_id: int) -> str:
        """The event that a run was started by."""
        return str(self._get(f"/actions/runs/{run_id}").get("event") or "")

    def merged_by(self, sha: str) -> list[Mapping[str, Any]]:
        """The pull requests whose merge made the commit ``sha``."""
        pulls = self._get(f"/commits/{sha}/pulls", per_page=str(PER_PAGE))
        return [one for one in pulls if one.get("merged_at") and one.get("merge_commit_sha") == sha]

    def comments(self, number: str) -> Iterator[Mapping[str, Any]]:
        """All comments of a pull request, the oldest first."""
        for page in self._pages(f"/issues/{number}/comments", None):
            yield from page

    def unpack(self, artifact: Artifact, folder: Path) -> None:
        """Puts an artifact's files into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        archive = folder / ".artifact.zip"
        try:
            self._download(f"/actions/artifacts/{artifact.number}/zip", archive)
            with zipfile.ZipFile(archive) as files:
                for member in files.infolist():
                    _extract(files, member, folder)
        except zipfile.BadZipFile as error:
            raise Trouble(
                FAILED,
                f"the artifact {artifact.name} of run {artifact.run_id} is damaged: {error}",
                "run the job again",
            ) from error
        finally:
            archive.unlink(missing_ok=True)

    # -- writing -----------------------------------------------------------------------

    def add_comment(self, number: str, body: str) -> bool:
        """False where the token may not."""
        return self._write("POST", f"/issues/{number}/comments", body)

    def change_comment(self, comment: int, body: str) -> bool:
        """False where the token may not."""
        return self._write("PATCH", f"/issues/comments/{comment}", body)

    def _write(self, method: str, path: str, body: str) -> bool:
        try:
            answer = self._client.request(method, self._root + path, json={"body": body})
        except httpx.HTTPError as error:
            raise _unreachable(error) from error
        if answer.status_code in (401, 403, 404):
            return False
        if answer.is_error:
            raise _answered(answer)
        return True

    # -- the road ----------------------------------------------------------------------

    def _pages(self, path: str, key: str | None, **query: str) -> Iterator[list[Any]]:
        number = 1
        while True:
            found = self._get(path, per_page=str(PER_PAGE), page=str(number), **query)
            page = found[key] if key else found
            yield page
            if len(page) < PER_PAGE:
                return
            number += 1

    def _get(self, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON of another's making
        answer = self._ask(self._root + path, query)
        try:
            return answer.json()
        except ValueError as error:
            raise _answered(answer) from error

    def _ask(self, url: str, query: Mapping[str, str]) -> httpx.Response:
        for left in reversed(range(TRIES)):
            try:
                answer = self._client.get(url, params=dict(query))
                if answer.is_success or answer.is_redirect:
                    return answer
                if not left or (answer.status_code < 500 and answer.status_code != 429):
                    raise _answered(answer)
            except httpx.HTTPError as error:
                if not left:
                    raise _unreachable(error) from error
            time.sleep(self._pause_s)
        raise AssertionError("unreachable")

    def _download(self, path: str, target: Path) -> None:
        answer = self._ask(self._root + path, {})
        if answer.is_redirect:
            try:
                with httpx.stream("GET", answer.headers["location"], timeout=300.0) as stream:
                    if stream.is_error:
                        raise _answered(stream)
                    with target.open("wb") as file:
                        for chunk in stream.iter_bytes():
                            file.write(chunk)
            except httpx.HTTPError as error:
                raise _unreachable(error) from error
        else:
            target.write_bytes(answer.content)


def _artifact(one: Mapping[str, Any]) -> Artifact:
    run = one.get("workflow_run") or {}
    return Artifact(
        int(one["id"]),
        str(one["name"]),
        str(one.get("created_at") or ""),
        int(run.get("id") or 0),
        str(run.get("head_sha") or ""),
        str(run.get("head_branch") or ""),
        run.get("head_repository_id") != run.get("repository_id"),
    )


def _extract(files: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    """Only plain files, and only inside of ``folder``."""
    target = (folder / member.filename).resolve()
    if member.is_dir() or not target.is_relative_to(folder.resolve()):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with files.open(member) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file)


def _answered(answer: httpx.Response) -> Trouble:
    return Trouble(
        FAILED,
        f"the forge answered HTTP {answer.status_code} to {answer.request.method}"
        f" {answer.request.url.path}",
        "give the job the permissions that docs/ci.md lists, or run it again",
    )


def _unreachable(error: httpx.HTTPError) -> Trouble:
    return Trouble(
        FAILED, f"the forge cannot be reached: {type(error).__name__}", "run the job again"
    )
