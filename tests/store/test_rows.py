"""Whatever the domain can say comes back from either database as it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.builders import policy
from tests.store.conftest import migrate
from ticket_core.model import (
    GRADES,
    KINDS,
    STAGES,
    Attachment,
    Complainant,
    Complaint,
    Event,
    Link,
    Source,
    Ticket,
    TicketChange,
    Timer,
)
from ticket_core.store.clock import from_us, to_us
from ticket_core.store.engine import writer_engine
from ticket_core.store.store import _begin
from ticket_core.store.tickets import load_complaints, load_events, load_ticket, load_timers, save
from ticket_core.store.tx import Ids, Tx

NUMBER = 26112000000001
# What no database keeps (NUL, lone surrogates) is taken out when a text is tidied.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
words = st.lists(texts, max_size=3).map(tuple)
zones = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=zones)  # noqa: DTZ001  hypothesis wants naive ends
maybe_times = st.none() | times
counts = st.integers(0, 1000)
ids = st.integers(1, 2**53)
jsons = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def built(kind: type[Any], /, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Values of a dataclass; every field must be named, so that a new one is not forgotten here."""
    assert set(fields) == set(kind.__dataclass_fields__)
    return st.builds(kind, **fields)


number = st.just(NUMBER)
complainants = built(
    Complainant,
    name=texts, phones=words, mobile=texts, emails=words, chats=words, masked=words,
    anonymous=st.booleans(), confidential=st.booleans(), real_name=st.booleans(),
)  # fmt: skip
limits = st.lists(st.tuples(texts, times), max_size=2).map(tuple)
sources = built(
    Source,
    body=texts, case_number=texts, deadlines=limits, track=texts, act=st.just("transfer"), sent_at=st.none() | times,
    granted=limits, withdrawn_at=st.none() | times, given_at=st.none() | times, other_number=texts,
)  # fmt: skip
links = built(Link, relation=st.sampled_from(["repeats", "duplicate", "split_from", "parent"]), ticket_id=ids)
tickets = built(
    Ticket,
    id=number, version=counts, profile=st.just("generic"), kind=st.sampled_from(KINDS), grade=st.sampled_from(GRADES),
    grade_reason=texts, priority=texts, status=texts, stage=st.sampled_from(STAGES), channel=texts, received_at=times,
    lodged_at=times, updated_at=times, subject=texts, text=texts, complainant=complainants, identities=words,
    respondent=texts, service_number=texts, category=words, occurred_at=maybe_times, place=texts, locale=texts,
    source=st.none() | sources, entry=texts, group=texts, assignee=texts, first_owner=texts, triage=texts, answer=texts,
    rating=st.none() | st.integers(1, 5), urges=counts, statements=counts, explained=st.booleans(), tags=words,
    links=st.lists(links, max_size=2).map(tuple),
)  # fmt: skip
attachments = built(Attachment, name=texts, media_type=texts, size=counts, sha256=texts, reference=texts, problem=texts)
complaints = built(
    Complaint,
    ticket_id=number, seq=st.just(1), kind=st.sampled_from(["complaint", "supplement"]), channel=texts, lodged_at=times,
    received_at=times, text=texts, view=texts, actor=texts, inbound_id=st.none() | ids, identities=words, counted=words,
    attachments=st.lists(attachments, max_size=2).map(tuple),
)  # fmt: skip
events = built(
    Event,
    ticket_id=number, seq=st.just(1), kind=texts, at=times, actor=texts, data=st.dictionaries(texts, jsons, max_size=3),
)  # fmt: skip
timers = built(
    Timer,
    ticket_id=number, name=st.just("answer"), amount=counts, unit=texts, clock=texts, roll=texts, started_at=times,
    due_at=times, provisional=st.booleans(), calendar=texts, origin=st.sampled_from(["profile", "source", "extension"]),
    next_at=maybe_times, fired=words, met_at=maybe_times, cancelled_at=maybe_times, warned_at=maybe_times,
    overdue_at=maybe_times,
)  # fmt: skip


def test_a_ticket_with_all_that_belongs_to_it_comes_back_as_it_was(url: str) -> None:
    migrate(url)
    engine = writer_engine(url)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(tickets, complaints, events, timers)
    def round_trip(ticket: Ticket, complaint: Complaint, event: Event, timer: Timer) -> None:
        change = TicketChange(before=None, after=ticket, complaints=(complaint,), events=(event,), timers=(timer,))
        with engine.connect() as connection:
            _begin(connection)
            try:
                save(Tx(connection, Ids()), [change], policy())
                assert load_ticket(connection, NUMBER) == ticket
                assert load_complaints(connection, NUMBER) == (complaint,)
                assert load_events(connection, NUMBER) == (event,)
                assert load_timers(connection, [NUMBER]) == {NUMBER: {"answer": timer}}
            finally:
                connection.rollback()

    try:
        round_trip()
    finally:
        engine.dispose()


@given(times)
def test_a_time_is_kept_to_the_microsecond_whatever_its_zone(at: datetime) -> None:
    assert from_us(to_us(at)) == at
    assert from_us(to_us(at)).tzinfo is UTC


def test_a_time_without_a_zone_has_no_place_in_the_store() -> None:
    with pytest.raises(ValueError, match="zone"):
        to_us(datetime(2026, 11, 20))  # noqa: DTZ001  the point of the test
