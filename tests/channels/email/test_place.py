"""How far a folder has been read, without a server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels.email.place import Owed, Place

MOMENTS = st.datetimes(timezones=st.just(UTC), min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1))  # noqa: DTZ001
UIDS = st.integers(1, 2**32 - 1)
START = datetime(2026, 11, 1, 8, tzinfo=UTC)


@given(
    st.builds(
        Place,
        validity=UIDS,
        last=UIDS,
        start=st.none() | MOMENTS,
        since=st.none() | MOMENTS,
        clean_at=st.none() | MOMENTS,
        owed=st.dictionaries(UIDS, st.builds(Owed, st.integers(1, 20), MOMENTS), max_size=5),
        unmarked=st.lists(UIDS, max_size=5).map(tuple),
    )
)
def test_a_place_is_remembered_whole(place: Place) -> None:
    assert Place.from_text(place.to_text()) == place


@pytest.mark.parametrize(
    ("start", "clean_at", "since"),
    [
        (None, None, None),
        (START, None, START),
        (START, START + timedelta(days=3), START),
        (START, START + timedelta(days=30), START + timedelta(days=23)),
        (None, START, START - timedelta(days=7)),
    ],
)
def test_after_a_renumbering_mail_of_late_is_read_again_but_none_from_before_our_time(
    start: datetime | None, clean_at: datetime | None, since: datetime | None
) -> None:
    owed = {7: Owed(1, START)}
    place = Place(validity=1, last=90, start=start, clean_at=clean_at, owed=owed, unmarked=(8,)).renumbered(2)
    assert (place.validity, place.last, place.since) == (2, 0, since)
    assert not place.owed
    assert not place.unmarked


def test_what_is_owed_is_tried_at_growing_distances() -> None:
    pause = timedelta(seconds=20)
    minutes = [Owed(tries, START).wait(START, pause).total_seconds() / 60 for tries in (1, 2, 3, 6)]
    assert minutes == [pytest.approx(1 / 3), pytest.approx(2 / 3), pytest.approx(4 / 3), pytest.approx(32 / 3)]


def test_what_was_tried_by_a_clock_that_was_ahead_is_tried_at_once_and_then_at_growing_distances() -> None:
    pause = timedelta(seconds=20)
    owed = Owed(1, START + timedelta(hours=5))
    assert owed.wait(START, pause) == timedelta(0)
    assert owed.again(START).wait(START, pause) == 2 * pause
