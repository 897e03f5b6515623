"""Every marker of automatic mail is proved by a mail of its own."""

from __future__ import annotations

import json
from pathlib import Path

from gateway.normalize.mail import parse_mail
from gateway.normalize.mail.automatic import MARKERS
from tests.normalize.mail.corpus.build import plain

FIXTURES = Path(__file__).parent / "fixtures"


def test_each_marker_alone_makes_some_sample_mail_automatic() -> None:
    found = {json.loads(path.read_text(encoding="utf-8")).get("automatic") for path in FIXTURES.glob("*.json")}
    feedback = parse_mail(
        plain("x").replace(b"text/plain", b"multipart/report; report-type=feedback-report; boundary=b")
    )
    assert (found | {feedback.automatic}) - {None} == set(MARKERS)


def test_a_mail_from_a_form_that_nobody_can_answer_is_not_automatic() -> None:
    assert parse_mail(plain("请处理", sender="noreply@example.com")).automatic is None
