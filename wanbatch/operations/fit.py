"""Whether a plan's requests fit the backend they are meant for: deliverable, not
refused for certain, not quietly bent.

What it may not do: use the network, or look at a job that would not be sent.

How it works: the providers know what they can carry and what their API does with it;
here it becomes findings with the place in the manifest. The cells of a sweep share a
place and mostly a fault, so that each is said once.
"""

from __future__ import annotations

from collections.abc import Iterator

from wanbatch.media.check import with_sources
from wanbatch.model.plan import Action, Plan, PlannedJob
from wanbatch.model.wire import Profile
from wanbatch.providers.delivery.delivery import check_delivery
from wanbatch.providers.dialects.registry import cautions_for, objection_for
from wanbatch.words.codes import declare
from wanbatch.words.diagnostics import Diagnostic, Severity, order

UNDELIVERABLE = declare(
    "WB601",
    "the backend cannot be given this file",
    """Local files reach a backend in one of the ways of its profile: inline (images only), an
    S3-compatible bucket, or DashScope's upload space. The video of another job counts as a
    local file. Give the profile a bucket (see docs/backends.md), or put the file at a public
    https address.""",
)
REFUSED = declare(
    "WB602",
    "this backend refuses such a request",
    "The request is legal for the model, but the layer in front of it is known to refuse it."
    " Mend the job, or choose another backend.",
)
BENT = declare(
    "WB603",
    "this backend will do something else than what is asked",
    """A warning: the layer in front of the model is known to lose or bend this setting without
    an error. Stock new-api, for one, loses false and 0. Where the setting matters, choose
    another backend.""",
)


def check_fit(plan: Plan, profile: Profile) -> list[Diagnostic]:
    """Every finding about jobs of ``plan`` that would be sent, in order, each once."""
    sent = (entry for entry in plan.selected() if entry.action in (Action.GENERATE, Action.BLOCKED))
    return list(
        with_sources(order(finding for entry in sent for finding in _check(entry, profile)))
    )


def _check(entry: PlannedJob, profile: Profile) -> Iterator[Diagnostic]:
    for item, ref in zip(entry.job.media, entry.request.media, strict=True):
        found = check_delivery(profile, ref)
        if found is not None:
            yield Diagnostic(
                UNDELIVERABLE,
                found.message,
                item.place,
                item.route,
                help=found.help,
                cell=entry.job.name,
                row=item.row() if item.row else None,
            )
    refusal = objection_for(profile.kind, entry.request)
    if refusal is not None:
        yield Diagnostic(
            REFUSED,
            refusal,
            entry.job.place,
            help=("mend the job, or choose another backend with --backend",),
            cell=entry.job.name,
        )
    for caution in cautions_for(profile.kind, entry.request):
        yield Diagnostic(
            BENT, caution, entry.job.place, cell=entry.job.name, severity=Severity.WARNING
        )
