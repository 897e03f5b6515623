"""Every sample mail is read as a person would read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.normalize.mail import MailAddress, parse_mail, safe_html

FIXTURES = Path(__file__).parent / "fixtures"
NAMES = sorted(path.stem for path in FIXTURES.glob("*.eml"))


def _pair(person: MailAddress) -> list[str]:
    return [person.name, person.address]


def _seen(raw: bytes) -> dict[str, Any]:
    mail = parse_mail(raw)
    return {
        "message_id": mail.message_id,
        "date": mail.date.isoformat() if mail.date else None,
        "subject": mail.subject,
        "sender": _pair(mail.sender),
        "to": [_pair(each) for each in mail.to],
        "cc": [_pair(each) for each in mail.cc],
        "delivered_to": list(mail.delivered_to),
        "in_reply_to": mail.in_reply_to,
        "references": list(mail.references),
        "text": mail.text,
        "reply_text": mail.reply_text,
        "html": safe_html(mail),
        "attachments": [[each.name, each.media_type, len(each.content)] for each in mail.attachments],
        "inline": [each.content_id for each in mail.attachments if each.inline],
        "automatic": mail.automatic,
        "own_loop_marker": mail.own_loop_marker,
        "bounced": [[b.address, b.permanent, b.status, b.original_message_id] for b in mail.bounced],
        "readable": mail.readable,
        "problems": list(mail.problems),
    }


def test_the_collection_has_enough_mails_and_enough_chinese_ones() -> None:
    assert len(NAMES) >= 100
    provider = (
        "qq-",
        "163-",
        "139-",
        "189-",
        "aliyun",
        "coremail",
        "foxmail",
        "outlook-zh",
        "netease",
        "sina",
        "sohu",
        "exmail",
    )
    assert sum(name.startswith(provider) for name in NAMES) >= 25


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_mail_is_read_as_expected(name: str) -> None:
    expected: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    seen = _seen((FIXTURES / f"{name}.eml").read_bytes())
    assert expected
    for key, value in expected.items():
        if key == "problem":
            assert any(value in each for each in seen["problems"]), (value, seen["problems"])
        elif key == "attachments":
            given = [
                [*have[:2], None if want[2] is None else have[2]] for have, want in zip(seen[key], value, strict=False)
            ]
            assert (len(seen[key]), given) == (len(value), value)
        elif key.endswith("_has"):
            assert all(each in seen[key[:-4]] for each in value), (key, seen[key[:-4]])
        elif key.endswith("_has_not"):
            assert not any(each in (seen[key[:-8]] or "") for each in value), (key, seen[key[:-8]])
        else:
            assert seen[key] == value, key
