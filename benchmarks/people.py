"""Synthetic complaints of synthetic people: every number another person, the same number the same person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import orjson

from benchmarks.mail_parse import ordinary_mails
from ticket_core.model import Complainant, TicketDraft

_TEXT = "家里宽带断网三天，多次致电客服无人处理，要求尽快修复并按合同赔偿损失。第 {} 次说明。"
_SAMPLE = {
    "kind": "complaint",
    "subject": "宽带断网",
    "category": ["网络", "宽带"],
    "respondent": "某营业厅",
    "occurred_at": "2026-11-20T09:00:00+08:00",
    "place": "成都市锦江区",
    "locale": "zh-CN",
}


_SPREAD = 7_654_321  # has no factor in common with ten million, so no two of ten million people share a number


def phone_of(person: int) -> str:
    """The mobile number of one of ten million people; neighbours' numbers are far apart, as those of callers are."""
    return f"1380{person * _SPREAD % 10_000_000:07d}"


def email_of(person: int) -> str:
    """The address of a person, far from the neighbours' too."""
    return f"p{person * _SPREAD % 10_000_000:07d}@example.com"


def body(person: int) -> bytes:
    """The sample body of the contract (section 3, without attachment) from this person, about the person's own line."""
    phone = phone_of(person)
    complainant = {
        "name": "李四",
        "phone": phone,
        "email": email_of(person),
        "anonymous": False,
        "confidential": False,
    }
    return orjson.dumps({**_SAMPLE, "text": _TEXT.format(person), "service_number": phone, "complainant": complainant})


def draft(person: int, received_at: datetime) -> TicketDraft:
    """The same complaint as the core gets it, with a sender's id of its own."""
    phone, email = f"+86{phone_of(person)}", email_of(person)
    return TicketDraft(
        channel="web",
        profile="generic",
        received_at=received_at,
        raw=body(person),
        external_id=f"{person * _SPREAD % 10_000_000:07d}-{person}",
        subject="宽带断网",
        text=_TEXT.format(person),
        complainant=Complainant(name="李四", phones=(phone,), mobile=phone, emails=(email,)),
        identities=(f"phone:{phone}", f"email:{email}"),
        respondent="某营业厅",
        service_number=phone_of(person),
        category=("网络", "宽带"),
        place="成都市锦江区",
    )


def mails(first: int, count: int) -> Iterator[bytes]:
    """Mails of the ordinary mix, each from another sender with an id of its own."""
    mix = ordinary_mails()
    for person in range(first, first + count):
        raw = mix[person % len(mix)]
        number = f"<{person % len(mix)}@example.com>".encode()
        yield raw.replace(number, f"<m{person}@example.com>".encode()).replace(
            b"<li@example.com>", f"<{email_of(person)}>".encode()
        )


def repeating(bodies: Callable[[int], bytes], every: int) -> Callable[[int], bytes]:
    """Bodies of which one in `every` comes again from the person before it."""
    return lambda number: bodies(number - 1 if number % every == every - 1 else number)
