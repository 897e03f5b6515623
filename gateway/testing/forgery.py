"""Inputs that their platform never sent, made from one that it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Literal, get_args

from gateway.message import Raw

#: What a signature proves: the whole body, or only who sends.
Covers = Literal["body", "sender"]
Forgery = Literal["nothing signed", "another secret", "another body", "too old", "bad values"]
FORGERIES: tuple[Forgery, ...] = get_args(Forgery)
_BAD_VALUES = ("", "é", "\x00", "0" * 5000, "null")


def forged(
    forgery: Forgery,
    bare: Raw,
    genuine: Raw,
    others: Sequence[Raw],
    *,
    covers: Covers,
    fresh_for: timedelta | None,
) -> Sequence[Raw]:
    """Every forgery of one sort. `bare` is unsigned, `others` are signed with other secrets.

    None where the platform's signature cannot tell: it holds no time, or covers no body.
    """
    marks = [(where, key) for where in ("headers", "query") for key in _added(bare, genuine, where)]
    match forgery:
        case "nothing signed":
            return [bare, *(_marked(genuine, where, key, None) for where, key in marks)]
        case "another secret":
            return others
        case "another body" if covers == "body":
            return changed(genuine)[:1]
        case "too old" if fresh_for is not None:
            age = fresh_for + timedelta(minutes=1)
            return [replace(genuine, received_at=genuine.received_at + way) for way in (age, -age)]
        case "bad values":
            return [_marked(genuine, where, key, value) for where, key in marks for value in _BAD_VALUES]
        case _:
            return []


def changed(genuine: Raw) -> Sequence[Raw]:
    """The input with one bit of its body turned, once for each of some forty places from the last to the first."""
    body = genuine.body
    places = sorted({len(body) - 1 - at for at in range(0, len(body), max(1, len(body) // 40))}, reverse=True)
    return [replace(genuine, body=body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]) for at in places]


def _added(bare: Raw, genuine: Raw, where: str) -> list[str]:
    before: Mapping[str, str] = getattr(bare, where)
    after: Mapping[str, str] = getattr(genuine, where)
    return [key for key in after if after[key] != before.get(key)]


def _marked(raw: Raw, where: str, key: str, value: str | None) -> Raw:
    """The input with another value of one header or query parameter; None takes it away."""
    marks: Mapping[str, str] = getattr(raw, where)
    changed = {name: old for name, old in marks.items() if name != key}
    if value is not None:
        changed[key] = value
    return replace(raw, headers=changed) if where == "headers" else replace(raw, query=changed)
