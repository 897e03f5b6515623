"""What every input goes through between its door and the journal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from gateway.channels.sms import SmsReports, SmsReportsSettings
from gateway.message import Raw
from gateway.testing.house import opened_house

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)


async def test_a_push_by_get_is_kept_without_the_secret_in_its_address(tmp_path: Path) -> None:
    reports = SmsReports("kannel", SmsReportsSettings(secret="synthetic-secret", preset="kannel"))
    proofs = dict.fromkeys(("token", "access_token", "Key", "password", "sign", "signature"), "synthetic-proof")
    query = {"secret": "synthetic-secret", "reference": "n17", **proofs, "state": "1"}
    async with opened_house(tmp_path) as house:
        house.admit(reports)
        await house.accept(reports, Raw(channel="kannel", body=b"", received_at=NOW, query=query))
        (line,) = await house.journal()
    assert (line.entry.outcome, line.raw) == ("receipt", b"reference=n17&state=1")


async def test_garbage_that_comes_again_is_known_by_its_bytes(tmp_path: Path) -> None:
    reports = SmsReports("cloud", SmsReportsSettings(secret="synthetic-secret"))
    async with opened_house(tmp_path) as house:
        house.admit(reports)
        outcomes = []
        for body in (b"{", b"{", b"["):
            accepted = await house.accept(reports, Raw(channel="cloud", body=body, received_at=NOW))
            outcomes += [one.outcome for one in accepted]
        assert outcomes == ["triage", "duplicate", "triage"]


async def test_a_report_with_an_absurd_number_of_parts_is_recorded(tmp_path: Path) -> None:
    reports = SmsReports("cloud", SmsReportsSettings(secret="synthetic-secret"))
    body = b'{"id": "p-1\\u0000", "status": "delivered", "parts": 9223372036854775808}'
    async with opened_house(tmp_path) as house:
        house.admit(reports)
        await house.accept(reports, Raw(channel="cloud", body=body, received_at=NOW))
        (line,) = await house.journal()
    assert line.entry.outcome == "receipt"
