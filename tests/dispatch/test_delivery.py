"""The state of a notice, from all that was tried and all that was reported."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from ticket_core.decide.delivery import Fact, RetryLadder, judge, state_of
from ticket_core.model import NoticeState

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
LADDER = RetryLadder()


def fact(text: str) -> Fact:
    """``receipt:failed:p1:2/3`` is a report for the provider's message p1, part 2 of 3."""
    kind, status, provider_id, part = (*text.split(":"), "", "")[:4]
    number, _, parts = part.partition("/")
    return Fact(
        at=NOON,
        kind=kind,  # type: ignore[arg-type]  # the tables below write them
        status=status,  # type: ignore[arg-type]
        provider_id=provider_id,
        part=number,
        parts=int(parts or 1),
    )


def facts(text: str) -> list[Fact]:
    return [fact(word) for word in text.split()]


@pytest.mark.parametrize(
    ("history", "state"),
    [
        ("", "queued"),
        ("try:accepted", "accepted"),
        ("try:temporary_failure", "temporary_failure"),
        ("try:temporary_failure try:accepted", "accepted"),
        ("try:failed", "failed"),
        ("held:temporary_failure", "temporary_failure"),
        ("held:temporary_failure try:accepted", "accepted"),
        ("try:suppressed", "suppressed"),
        ("try:accepted:p1 receipt:delivered:p1", "delivered"),
        ("try:accepted:p1 receipt:accepted:p1 receipt:delivered:p1", "delivered"),
        # Reports come in any order, and before the send is on record.
        ("try:accepted:p1 receipt:delivered:p1 receipt:accepted:p1", "delivered"),
        ("receipt:delivered:p1 try:accepted:p1", "delivered"),
        ("receipt:failed:p1 try:accepted:p1", "failed"),
        # A bounce after "delivered" counts; a bounce names the notice, not the provider's message.
        ("try:accepted receipt:delivered receipt:failed", "failed"),
        ("try:accepted:p1 receipt:delivered:p1 receipt:failed:p1", "failed"),
        ("try:accepted:q17 receipt:failed", "failed"),
        ("try:accepted:q17 receipt:delivered:q17 receipt:failed", "failed"),
        # Twice sent: one that arrived is enough, and the failure of the first does not end the second.
        ("try:temporary_failure try:accepted:p2 receipt:failed:p1", "failed"),
        ("try:accepted:p1 receipt:failed:p1 try:accepted:p2", "accepted"),
        ("try:accepted:p1 receipt:failed:p1 try:accepted:p2 receipt:delivered:p2", "delivered"),
        # An answer that got lost: the report says that the provider has it after all.
        ("try:temporary_failure receipt:delivered", "delivered"),
        ("try:temporary_failure receipt:accepted", "accepted"),
        # The telephone was off: the provider gives up for now, we try again.
        ("try:accepted:p1 receipt:temporary_failure:p1", "temporary_failure"),
        ("try:accepted:p1 receipt:temporary_failure:p1 try:accepted:p2", "accepted"),
        ("try:accepted:p1 receipt:expired:p1", "expired"),
        # Parts of one message.
        ("try:accepted:p1:/3 receipt:delivered:p1:1/3", "accepted"),
        ("try:accepted:p1:/3 receipt:delivered:p1:1/3 receipt:delivered:p1:2/3", "accepted"),
        ("try:accepted:p1:/3 receipt:delivered:p1:1/3 receipt:delivered:p1:1/3 receipt:delivered:p1:1/3", "accepted"),
        ("try:accepted:p1:/3 receipt:delivered:p1:1 receipt:delivered:p1:3 receipt:delivered:p1:2", "delivered"),
        ("try:accepted:p1:/3 receipt:delivered:p1:1 receipt:failed:p1:2 receipt:delivered:p1:3", "failed"),
        ("try:accepted:p1:/2 receipt:delivered:p1:1 receipt:expired:p1:2", "expired"),
        ("try:accepted:p1:/3 receipt:delivered:p1", "delivered"),
    ],
)
def test_the_state_follows_from_the_whole_history(history: str, state: NoticeState) -> None:
    assert state_of(facts(history)) == state


@pytest.mark.parametrize(
    "history",
    [
        "receipt:accepted:p1 receipt:delivered:p1:1/2 receipt:delivered:p1:2/2",
        "receipt:delivered:p1 receipt:failed:p1 receipt:accepted:p1",
        "receipt:delivered receipt:failed receipt:temporary_failure",
        "receipt:expired:p1 receipt:delivered:p1",
    ],
)
def test_reports_mean_the_same_in_whatever_order_they_come(history: str) -> None:
    sent = fact("try:accepted:p1:/2")
    states = {state_of([sent, *order]) for order in itertools.permutations(facts(history))}
    assert len(states) == 1
    assert states <= {"delivered", "failed"}


def tried(seconds: float, *, kind: Literal["try", "held"] = "try", wait: timedelta | None = None) -> Fact:
    at = NOON + timedelta(seconds=seconds)
    return Fact(at=at, status="temporary_failure", kind=kind, detail="451 later", wait=wait)


def next_pause(history: list[Fact], dice: float = 0.0) -> float | None:
    verdict = judge(history, NOON, LADDER, dice)
    return None if verdict.next_at is None else (verdict.next_at - history[-1].at).total_seconds()


def test_the_first_retry_comes_within_half_a_minute_and_later_ones_every_five() -> None:
    history: list[Fact] = []
    longest: list[float | None] = []
    for number in range(8):
        history.append(tried(number * 600))
        longest.append(next_pause(history, 0.999))
    assert [round(pause or 0) for pause in longest] == [20, 60, 180, 300, 300, 300, 300, 300]
    assert next_pause([tried(0)], 0.0) == 16


def test_after_a_day_of_failures_a_notice_has_failed_with_its_cause() -> None:
    almost = [tried(second) for second in range(0, 86_400, 300)]
    assert judge(almost, NOON, LADDER, 0.5).state == "temporary_failure"
    verdict = judge([*almost, tried(86_400)], NOON, LADDER, 0.5)
    assert (verdict.state, verdict.cause, verdict.next_at) == ("failed", "451 later", None)


@pytest.mark.parametrize("seconds", [3, 12_966])
def test_a_wait_that_the_provider_asks_for_is_kept_to_the_second_and_costs_no_try(seconds: int) -> None:
    asked = tried(0, wait=timedelta(seconds=seconds))
    assert next_pause([asked], 0.7) == seconds
    assert next_pause([asked] * 5, 0.7) == seconds
    assert next_pause([asked, tried(seconds)], 0.999) == pytest.approx(20, abs=0.1)


def test_a_wait_beyond_the_day_is_kept_too_but_not_for_ever() -> None:
    late = [tried(0, wait=timedelta(hours=20)), tried(72_000, wait=timedelta(hours=20))]
    assert judge(late, NOON, LADDER, 0).next_at == NOON + timedelta(hours=40)
    verdict = judge([tried(0, wait=timedelta(days=8))], NOON, LADDER, 0)
    assert (verdict.state, verdict.next_at) == ("expired", None)


def test_a_notice_without_words_is_looked_at_slowly_until_it_is_of_no_use() -> None:
    held = [tried(second, kind="held") for second in range(0, 3 * 86_400, 600)]
    assert next_pause(held) == 600
    assert judge([tried(8 * 86_400, kind="held")], NOON, LADDER, 0).state == "expired"


@pytest.mark.parametrize("end", ["accepted", "delivered", "failed", "suppressed", "expired"])
def test_what_has_ended_is_not_looked_at_again(end: NoticeState) -> None:
    verdict = judge([Fact(at=NOON, status=end, detail="why")], NOON, LADDER, 0)
    assert (verdict.state, verdict.cause, verdict.next_at) == (end, "why", None)
