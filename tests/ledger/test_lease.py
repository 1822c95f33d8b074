"""The lease by clocks: when an owner may buy, when a watcher calls it dead; and the
object that it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wanbatch.ledger.shared.documents import SharedDamaged, read_document, write_document
from wanbatch.ledger.shared.lease import (
    NOT_RENEWED,
    RENEWALS,
    SAFE_SHARE,
    Lease,
    Tenure,
    Watch,
    read_lease,
    write_lease,
)
from wanbatch.words.errors import ExitCode, WanbatchError

LEASE = Lease("id", "laptop", 3, "n1", 1_800_000_000.0, 30.0, snapshot="snapshots/1", head_epoch=2)


def test_a_lease_is_read_as_it_was_written():
    assert read_lease(write_lease(LEASE)) == LEASE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"wanbatch":"segment","version":1,"sha256":""}',
        write_document("lease", {}) + b"x",
        write_document("segment", {}),
    ],
)
def test_what_is_no_lease_is_refused(data):
    with pytest.raises(SharedDamaged, match=r"lease.json of the shared ledger cannot be read") as e:
        read_lease(data)
    assert "older versions" in e.value.hints[0]


def test_a_newer_version_is_refused_with_what_to_do():
    data = write_document("lease", {}).replace(b'"version":1', b'"version":2')
    with pytest.raises(WanbatchError, match="was written by a newer wanbatch") as error:
        read_lease(data)
    assert error.value.exit_code is ExitCode.ENVIRONMENT
    assert error.value.hints == ("install the newer wanbatch from its checkout: pip install .",)


def test_a_document_keeps_its_body():
    assert read_document("x", "x/1", write_document("x", {"a": 1}, b"l1\nl2"))[1] == b"l1\nl2"


def test_a_watcher_counts_a_whole_length_from_the_last_change_that_it_saw():
    watch = Watch()
    watch.saw(LEASE, 100.0)
    watch.saw(LEASE, 120.0)
    assert (watch.left_s(LEASE, 129.0), watch.changes) == (1.0, 0)
    renewed = replace(LEASE, nonce="n2")
    watch.saw(renewed, 129.5)
    assert (watch.left_s(renewed, 159.5), watch.changes) == (0.0, 1)


def test_an_owner_may_buy_for_half_a_length_after_a_renewal_was_sent():
    tenure = Tenure(30.0)
    assert tenure.refusal(100.0) == NOT_RENEWED
    tenure.sending("n1", 100.0)
    tenure.stands(LEASE)
    assert tenure.refusal(114.9) == ""
    assert tenure.refusal(115.0) == NOT_RENEWED
    tenure.sending("n0", 90.0)
    tenure.stands(replace(LEASE, nonce="n0"))
    assert tenure.refusal(114.9) == "", "an older answer takes nothing back"


@pytest.mark.parametrize(("epoch", "lost"), [(2, False), (3, True), (4, True)])
def test_anothers_lease_of_this_epoch_or_a_later_one_is_the_end(epoch, lost):
    tenure = Tenure(30.0)
    tenure.sending("n1", 0.0)
    assert tenure.found(LEASE)
    assert not tenure.found(replace(LEASE, nonce="other", epoch=epoch, owner="ci"))
    assert bool(tenure.lost) is lost
    assert ("ci" in tenure.refusal(1.0)) is lost


@given(
    drift=st.floats(-0.01, 0.01),
    latency=st.floats(0.0, 20.0),
    seen_after=st.floats(0.0, 60.0),
)
def test_no_watcher_takes_a_lease_while_its_owner_may_buy(drift, latency, seen_after):
    """However slow the store is, and with clocks that differ by a hundredth."""
    tenure, watch = Tenure(30.0), Watch()
    tenure.sending("n1", 0.0)
    tenure.stands(LEASE)
    first_seen = latency + seen_after  # nobody sees it before it was written
    watch.saw(LEASE, first_seen * (1 + drift))
    dead_at = first_seen + 30.0 / (1 + drift)
    assert watch.left_s(LEASE, (dead_at - 0.01) * (1 + drift)) > 0.0
    assert tenure.refusal(dead_at)
    assert RENEWALS * SAFE_SHARE >= 3, "two renewals may be lost"
