"""What became of a notice, computed from everything that was tried and everything its providers said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from ticket_core.model import NoticeState

#: Nothing more is done for a notice in one of these, whatever the dispatcher had planned.
ENDED: frozenset[str] = frozenset({"accepted", "delivered", "failed", "suppressed", "expired"})
#: What a receipt can say for good; of two about the same part the stronger holds, in whatever order they came:
#: a bounce after "delivered" counts, a late "accepted" changes nothing.
_STRENGTH: Mapping[str, int] = {"failed": 3, "delivered": 2, "expired": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One row of a notice's history: a `try` of ours, one `held` because it could not be rendered, a `receipt`.

    `again` is that somebody wants what came to nothing to be tried once more; tries count from then on.

    `part` is the segment a receipt is about (empty: all of it), `parts` how many there are as far as this fact knows.
    `wait` is how long the provider told us to wait.
    """

    at: datetime
    status: NoticeState
    kind: Literal["try", "held", "receipt", "again"] = "try"
    provider_id: str = ""
    detail: str = ""
    part: str = ""
    parts: int = 1
    wait: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryLadder:
    """When to try again: after each of `pauses`, the last one over and over, until `horizon` after the first try.

    What cannot be rendered is looked at every `held`. Nothing is sent later than `keep` after it was owed.
    """

    pauses: tuple[timedelta, ...] = (
        timedelta(seconds=20),
        timedelta(minutes=1),
        timedelta(minutes=3),
        timedelta(minutes=5),
    )
    horizon: timedelta = timedelta(hours=24)
    held: timedelta = timedelta(minutes=10)
    keep: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The state of a notice, why, and when the dispatcher looks at it again (None: never)."""

    state: NoticeState
    cause: str = ""
    next_at: datetime | None = None


def state_of(facts: Sequence[Fact]) -> NoticeState:
    """The state that all facts together mean; `queued` for none.

    Receipts are grouped by the provider's id of the send they are about. A receipt without one is about the notice, so
    its failure (a bounce) holds against everything; else one send that was delivered is enough.
    """
    ends = _ends(facts)
    if ends.get("") == "failed":
        return "failed"
    if "delivered" in ends.values():
        return "delivered"
    state: NoticeState = "queued"
    taken_back = any(fact.kind == "receipt" and fact.status == "suppressed" for fact in facts)
    for fact in facts:
        end = ends.get(fact.provider_id)
        if end is not None:
            state = end
        elif fact.kind != "receipt" or fact.status not in _STRENGTH:
            state = fact.status
    return "suppressed" if taken_back and state == "temporary_failure" else state


def judge(facts: Sequence[Fact], owed_at: datetime, ladder: RetryLadder, dice: float) -> Verdict:
    """The state, and what follows from it. `dice` in [0, 1) spreads retries, so that they do not come all at once."""
    state = state_of(facts)
    cause = next((fact.detail for fact in reversed(facts) if fact.status == state), "")
    if facts and facts[-1].kind == "again":
        return Verdict(state="queued", next_at=facts[-1].at)
    if state != "temporary_failure":
        return Verdict(state=state, cause=cause)
    facts, owed_at = _since_again(facts, owed_at)
    last = next(fact for fact in reversed(facts) if fact.status == state)
    next_at = last.at + _pause(facts, last, ladder, dice)
    if last.kind != "held" and last.wait is None:
        first = next(fact for fact in facts if fact.kind != "held")
        if last.at - first.at >= ladder.horizon:
            return Verdict(state="failed", cause=cause)
    if next_at - owed_at > ladder.keep:
        return Verdict(state="expired", cause=cause)
    return Verdict(state=state, cause=cause, next_at=next_at)


def is_repeated(receipt: Fact, facts: Iterable[Fact]) -> bool:
    """Whether this receipt is on record already; providers push them again and again."""
    key = (receipt.provider_id, receipt.part, receipt.status, receipt.detail)
    return any(
        fact.kind == "receipt" and (fact.provider_id, fact.part, fact.status, fact.detail) == key for fact in facts
    )


def _since_again(facts: Sequence[Fact], owed_at: datetime) -> tuple[Sequence[Fact], datetime]:
    """The facts since somebody wanted another try, and since when it is owed."""
    again = max((place for place, fact in enumerate(facts) if fact.kind == "again"), default=None)
    return (facts, owed_at) if again is None else (facts[again + 1 :], facts[again].at)


def _pause(facts: Sequence[Fact], last: Fact, ladder: RetryLadder, dice: float) -> timedelta:
    """What the provider asked for to the letter, and outside the budget; else the next pause of the ladder."""
    if last.wait is not None:
        return last.wait
    if last.kind == "held":
        return ladder.held
    tries = sum(fact.status == "temporary_failure" and fact.wait is None and fact.kind != "held" for fact in facts)
    return ladder.pauses[min(tries, len(ladder.pauses)) - 1] * (0.8 + 0.2 * dice)


def _ends(facts: Sequence[Fact]) -> dict[str, NoticeState]:
    """What receipts say for good, by provider's id: the parts of a message taken together."""
    if all(fact.kind != "receipt" for fact in facts):
        return {}
    receipts: dict[str, dict[str, Fact]] = {}
    parts: dict[str, int] = {}
    for fact in facts:
        parts[fact.provider_id] = max(fact.parts, parts.get(fact.provider_id, 1))
        if fact.kind == "receipt" and fact.status in _STRENGTH:
            known = receipts.setdefault(fact.provider_id, {})
            old = known.get(fact.part)
            if old is None or _STRENGTH[old.status] < _STRENGTH[fact.status]:
                known[fact.part] = fact
    ends: dict[str, NoticeState] = {}
    for provider_id, by_part in receipts.items():
        said = {fact.status for fact in by_part.values()}
        if "failed" in said:
            ends[provider_id] = "failed"
        elif "expired" in said:
            ends[provider_id] = "expired"
        elif "" in by_part or len(by_part) >= parts[provider_id]:
            ends[provider_id] = "delivered"
    return ends
