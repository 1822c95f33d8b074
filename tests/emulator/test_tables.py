"""The emulator's own tables and those of the checks are two readings of one
documentation."""

from typing import get_args

from wanbatch.emulator import tables
from wanbatch.model import job


def test_both_readings_of_the_documentation_agree():
    assert tables.LEGAL_COMBINATIONS == job.LEGAL_COMBINATIONS
    assert set(tables.MEDIA_TYPES) == set(job.MEDIA_TYPES)
    assert set(tables.SIZES) == set(get_args(job.Size))


def test_each_table_is_written_down_and_not_taken_from_the_other():
    assert tables.LEGAL_COMBINATIONS is not job.LEGAL_COMBINATIONS
    assert set(get_args(tables.MediaType)) == set(tables.MEDIA_TYPES)
    assert set(get_args(tables.Size)) == set(tables.SIZES)
