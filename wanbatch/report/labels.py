"""The words of the report for values of the model: states, authorities, media, stages.

What it may not do: hold a word twice, or leave a value without one (a test goes through
every enumeration).

How it works: tables from a value to its words. ``formats/page`` puts them into the
page's data block, so that the page's scripts repeat none of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.model.job import MediaType
from wanbatch.model.lifecycle import Authority
from wanbatch.model.plan import JobState

STATES: Mapping[JobState, str] = {
    JobState.DONE: "Done",
    JobState.FINISHED: "Made, not here yet",
    JobState.RUNNING: "Being made",
    JobState.FAILED: "Failed",
    JobState.BLOCKED: "Blocked",
    JobState.UNCERTAIN: "Uncertain",
    JobState.EXPIRED: "Expired",
    JobState.ELSEWHERE: "Bought elsewhere",
    JobState.PLANNED: "Not started",
    JobState.SKIPPED: "Given up",
}
"""What stands where a video would be, in the order of the filter's buttons."""

AUTHORITIES: Mapping[Authority, str] = {
    Authority.FIRST: "first try",
    Authority.NOT_ACCEPTED: "again: the one before was not accepted",
    Authority.RETRY_POLICY: "again: the one before failed, free of charge",
    Authority.ABSENT: "again: the one before never reached the provider",
    Authority.REGENERATE: "again: a person wanted another video",
    Authority.PERSON: "again: a person's decision",
}
"""Why an attempt was allowed to spend."""

MEDIA: Mapping[MediaType, str] = {
    "first_frame": "First frame",
    "last_frame": "Last frame",
    "driving_audio": "Driving audio",
    "first_clip": "First clip",
}

STAGES = (
    ("queue_s", "waiting", "Waited"),
    ("submit_s", "submitting", "Submitted in"),
    ("generation_s", "generating", "Generated in"),
    ("download_s", "downloading", "Downloaded in"),
)
"""A job's time in its order: the field of ``Timings``, the class that colours it, the
label."""
