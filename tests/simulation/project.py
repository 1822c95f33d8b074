"""The manifests of a seed, and what people do to them between runs: jobs are renamed,
edited, dropped, put back.

What it may not do: know a ledger or a gateway.

How it works: a job's slot is what it is about; its name and the version of its prompt
change. Every edition's prompts stay known, since tasks of old editions are still
running: ``fingerprint_of`` finds whose a prompt is.
"""

from __future__ import annotations

from random import Random

from simulation.circumstances import Edit
from simulation.protocols import plain_prompt
from simulation.scenario import Scenario

from wanbatch.model.job import (
    Job,
    JobMedia,
    Manifest,
    MediaInput,
    MediaSource,
    RunSettings,
    UrlMedia,
)
from wanbatch.plan.identity import identify
from wanbatch.words.diagnostics import Position

PICTURE = UrlMedia("https://pictures.test/a.png?Signature=UserOwnSig")


class Project:
    """``twins`` ask for the same video twice, a ``chained`` job begins with the last
    frame of another, and with two manifests the jobs are shared out."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.names = [f"job{i}" for i in range(scenario.jobs)]
        self.versions = [0] * scenario.jobs
        self.dropped: set[int] = set()
        self._known: dict[str, str] = {}
        self.manifests = self._make()

    def edit(self, kind: Edit, chance: Random) -> str:
        """Changes one job; what was done, empty for nothing."""
        slot = chance.randrange(len(self.names))
        match kind:
            case "rename":
                self.names[slot] += "x"
            case "edit":
                self.versions[slot] += 1
            case "drop" if slot:  # the first is what others are chained to
                self.dropped.add(slot)
            case "restore" if self.dropped:
                self.dropped.pop()
            case _:
                return ""
        self.manifests = self._make()
        return f"{kind} of slot {slot}"

    def fingerprint_of(self, prompt: str) -> str:
        return self._known[plain_prompt(prompt)]

    def _make(self) -> tuple[Manifest, ...]:
        scenario, names = self.scenario, ["s", "t"] if self.scenario.around.two_manifests else ["s"]
        jobs: dict[str, list[Job]] = {name: [] for name in names}
        for slot, name in enumerate(self.names):
            if slot not in self.dropped:
                home = names[slot % len(names)]
                jobs[home].append(_job(home, name, self._prompt(slot), PICTURE))
        if scenario.twins:
            jobs[names[-1]].append(_job(names[-1], "twin", self._prompt(0), PICTURE))
        if scenario.chained:
            prompt = f"it goes on {self.versions[0]}"
            jobs["s"].append(_job("s", "next", prompt, JobMedia(self.names[0], "last")))
        run = RunSettings(retries=scenario.retries, on_failure=scenario.on_failure)
        made = tuple(
            Manifest(f"{name}.wanbatch.yaml", name, "cd" * 32, tuple(found), run=run)
            for name, found in jobs.items()
            if found
        )
        self._known |= {
            plain_prompt(entry.request.prompt or ""): entry.fingerprint
            for entry in identify(made, {}).values()
        }
        return made

    def _prompt(self, slot: int) -> str:
        version = f" again {self.versions[slot]}" if self.versions[slot] else ""
        if self.scenario.around.spelling:
            return f"A quay,\n  caf\N{LATIN SMALL LETTER E WITH ACUTE} {slot}{version}\n"
        return f"prompt {slot}{version}"


def _job(manifest: str, name: str, prompt: str, source: MediaSource) -> Job:
    place = Position(f"{manifest}.wanbatch.yaml", 1, 1, 1)
    return Job(
        name=name,
        id=name,
        manifest=manifest,
        axes=(),
        tags=(),
        model="wan2.7-i2v",
        prompt=prompt,
        negative_prompt=None,
        media=(MediaInput("first_frame", source, place),),
        seconds=5,
        size="720P",
        seed=7,
        take=1,
        prompt_extend=False,
        watermark=False,
        place=place,
    )
