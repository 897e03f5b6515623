"""A folder that a switchboard, a fax or a scanner writes into, and the person who writes down what a file says."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.app import Parts, assemble, opened
from gateway.config import Settings
from gateway.errors import ConfigError
from gateway.inbox import _move, _read, _Ready
from gateway.message import InboundMessage, Raw
from ticket_core.errors import ActionRefused
from ticket_core.model import Command, Ticket
from ticket_core.store.queries import TicketFile, TicketFilter, list_tickets, load_blob, load_file

HERE = Path(__file__).parent / "fixtures"
WAV = (HERE / "20260302-091500_13800001234.wav").read_bytes()
LI = "13800001234"
_HOME = ZoneInfo("Asia/Shanghai")


@asynccontextmanager
async def house(folder: Path, **settings: Any) -> AsyncIterator[Parts]:
    """A gateway with one folder for recordings."""
    (folder / "in").mkdir(exist_ok=True)
    channel = {"kind": "files", "folder": folder / "in", "name_pattern": r"(?P<at>\d{14})-(?P<caller>\d+)", **settings}
    made = Settings(
        secret="s" * 32,
        channels={"recordings": channel},
        database={"url": f"sqlite:///{folder / 'house.sqlite3'}"},
        people=[{"name": "wang", "roles": ["agent", "handler"], "groups": ["service"]}],
    )
    async with opened(assemble(made)) as parts:
        yield parts


def put(folder: Path, name: str, body: bytes = WAV) -> Path:
    path = folder / "in" / name
    path.write_bytes(body)
    return path


def recording(ago: timedelta, caller: str = LI) -> str:
    """Its name, as the switchboard makes it."""
    return f"{(datetime.now(_HOME) - ago).strftime('%Y%m%d%H%M%S')}-{caller}.wav"


def kept(folder: Path, where: str) -> list[str]:
    return sorted(path.name.partition("-")[2].partition("-")[2] for path in (folder / "in" / where).glob("*"))


async def look(parts: Parts, times: int = 2) -> int:
    return sum([await parts.inbox.step() for _ in range(times)])


async def tickets(parts: Parts) -> list[Ticket]:
    page = await parts.store.read(lambda connection: list_tickets(connection, TicketFilter(), datetime.now(UTC)))
    return [one.ticket for one in page.rows]


async def the_only(parts: Parts) -> TicketFile:
    (ticket,) = await tickets(parts)
    return await parts.store.read(partial(load_file, ticket_id=ticket.id))


async def act(parts: Parts, ticket: Ticket, action: str, **fields: Any) -> Ticket:
    now = datetime.now(UTC)
    command = Command(ticket_id=ticket.id, action=action, actor="wang", role="agent", at=now, fields=fields)
    return await parts.reception.act(command)


async def complain(parts: Parts, ago: timedelta) -> Ticket:
    """Li complains by mouth of a web form, some time before the recording."""
    at = datetime.now(UTC) - ago
    raw = Raw(channel="web", body=b"{}", received_at=at)
    fields = {"text": "宽带断了", "complainant": {"phone": LI}}
    await parts.reception.receive(
        InboundMessage(channel="web", external_id=None, received_at=at, raw=raw, fields=fields)
    )
    return (await tickets(parts))[0]


async def test_a_recording_is_a_triage_ticket_with_the_file_the_caller_and_the_time(tmp_path: Path) -> None:
    async with house(tmp_path) as parts:
        path = put(tmp_path, recording(timedelta(hours=1)), WAV[:100])
        assert await look(parts, 1) == 0
        path.write_bytes(WAV)  # it was not whole
        assert await look(parts, 1) == 0
        assert await look(parts, 1) == 1
        file = await the_only(parts)
        assert file.ticket.triage == "file: audio/wav"
        assert file.ticket.complainant.mobile == f"+86{LI}"
        assert abs(datetime.now(UTC) - timedelta(hours=1) - file.ticket.lodged_at) < timedelta(minutes=1)
        (attachment,) = file.complaints[0].attachments
        assert await parts.store.read(partial(load_blob, sha256=attachment.sha256)) == WAV
        assert [name.endswith(f"{LI}.wav") for name in kept(tmp_path, "done")] == [True]
        assert list((tmp_path / "in").glob("*.wav")) == []


async def test_the_same_recording_again_has_no_second_effect_and_another_of_its_name_has(tmp_path: Path) -> None:
    """Switchboards begin again with msg0000."""
    async with house(tmp_path) as parts:
        for body in (WAV, WAV, WAV + b"\x80"):
            put(tmp_path, "msg0000.wav", body)
            await look(parts)
        assert len(await tickets(parts)) == 2
        assert len(kept(tmp_path, "done")) == 3


async def test_a_note_is_waited_for_as_long_as_the_operator_says(tmp_path: Path) -> None:
    async with house(tmp_path, note_within="PT1H") as parts:
        path = put(tmp_path, "msg0001.wav")
        assert await look(parts) == 0
        put(tmp_path, "msg0001.txt", f'callerid="Li" <{LI}>\n'.encode())
        assert await look(parts) == 1
        assert (await the_only(parts)).ticket.complainant.name == "Li"
        assert kept(tmp_path, "done") == ["msg0001.wav", "msg0001.wav.note"]
        path = put(tmp_path, "msg0002.wav", WAV + b"\x80")
        long_ago = datetime.now(UTC).timestamp() - 3700
        os.utime(path, (long_ago, long_ago))
        assert await look(parts) == 1, "it never came"


async def test_a_note_that_is_there_first_waits_for_its_file(tmp_path: Path) -> None:
    async with house(tmp_path) as parts:
        put(tmp_path, "fax7.json", b'{"from": "028-86111234"}')
        assert await look(parts) == 0
        put(tmp_path, "fax7.tif", (HERE / "fax000000123.tif").read_bytes())
        assert await look(parts) == 1
        assert (await the_only(parts)).ticket.complainant.phones == ("+862886111234",)


async def test_names_and_notes_in_the_characters_of_chinese_windows_are_read(tmp_path: Path) -> None:
    async with house(tmp_path) as parts:
        put(tmp_path, os.fsdecode("来电录音.wav".encode("gbk")))
        put(tmp_path, os.fsdecode("来电录音.txt".encode("gbk")), f"caller={LI}\nname=李四\n".encode("gbk"))
        assert await look(parts) == 1
        file = await the_only(parts)
        assert (file.complaints[0].attachments[0].name, file.ticket.complainant.name) == ("来电录音.wav", "李四")


async def test_a_long_note_holds_no_file_up(tmp_path: Path) -> None:
    async with house(tmp_path) as parts:
        put(tmp_path, "msg0003.wav")
        put(tmp_path, "msg0003.txt", f"caller={LI}\ntext=".encode() + b"a" * (70 << 10))
        assert await look(parts) == 1
        assert (await the_only(parts)).ticket.complainant.mobile == f"+86{LI}"


def test_a_file_that_somebody_goes_on_writing_is_neither_taken_nor_moved(tmp_path: Path) -> None:
    """A fax pauses between two pages for longer than between two looks."""
    path = tmp_path / "fax.tif"
    path.write_bytes(b"II*\x00 first page")
    seen = path.stat()
    ready = _Ready(path=path, mark=(seen.st_size, seen.st_mtime_ns))
    assert _read(ready, 1 << 20)
    path.write_bytes(b"II*\x00 first page, second page")
    with pytest.raises(OSError, match="still writes"):
        _read(ready, 1 << 20)
    with pytest.raises(OSError, match="still writes"):
        _move(ready, "", b"")
    assert path.exists()


async def test_what_cannot_be_taken_in_goes_aside_with_the_reason(tmp_path: Path) -> None:
    async with house(tmp_path) as parts:
        path = put(tmp_path, "empty.wav", b"")
        assert await look(parts) == 0, "it may only have begun"
        long_ago = datetime.now(UTC).timestamp() - 700
        os.utime(path, (long_ago, long_ago))
        with (tmp_path / "in" / "huge.wav").open("wb") as file:
            file.truncate((32 << 20) + 1)
        put(tmp_path, "good.wav")
        await look(parts)
        reasons = {path.name.split("-", 2)[2]: path.read_text() for path in (tmp_path / "in" / "failed").glob("*.txt")}
        assert reasons == {
            "empty.wav.reason.txt": "empty",
            "huge.wav.reason.txt": "文件超过 32 MiB\nlarger than 32 MiB",
        }
        assert len(await tickets(parts)) == 1


async def test_a_file_that_cannot_be_moved_holds_up_no_other_and_is_named(tmp_path: Path) -> None:
    """As after dying between the commit and the move: it is taken in again, without a second effect."""
    async with house(tmp_path) as parts:
        (tmp_path / "in" / "done").symlink_to("nowhere")
        put(tmp_path, "a.wav")
        put(tmp_path, "b.wav", WAV + b"\x80")
        await look(parts, 4)
        assert len(await tickets(parts)) == 2
        assert "a.wav" in parts.health["folders"].why
        (tmp_path / "in" / "done").unlink()
        await look(parts, 2)
        assert kept(tmp_path, "done") == ["a.wav", "b.wav"]
        assert (len(await tickets(parts)), parts.health["folders"].why) == (2, "")


async def test_files_are_taken_in_again_by_a_gateway_that_died(tmp_path: Path) -> None:
    async with house(tmp_path) as parts:
        put(tmp_path, "a.wav")
        await look(parts)
    (tmp_path / "in" / "a.wav").write_bytes(WAV)
    async with house(tmp_path) as parts:
        assert await look(parts) == 1
        assert len(await tickets(parts)) == 1


# --- A person listens


async def test_written_down_as_a_complaint_it_counts_from_when_it_was_left(tmp_path: Path) -> None:
    async with house(tmp_path) as parts:
        first = await complain(parts, timedelta(hours=2))
        put(tmp_path, recording(timedelta(minutes=5)))
        await look(parts)
        recorded = (await tickets(parts))[0]
        assert recorded.grade == "request", "nobody knows yet what it says"
        heard = await act(parts, recorded, "transcribe", text="还是没有网", kind="complaint", subject="宽带断网")
        assert (heard.triage, heard.text, heard.grade, heard.grade_reason) == ("", "还是没有网", "grievance", "repeat")
        assert [link.ticket_id for link in heard.links if link.relation == "repeats"] == [first.id]
        file = await parts.store.read(partial(load_file, ticket_id=heard.id))
        assert (file.complaints[0].text, len(file.complaints[0].attachments)) == ("还是没有网", 1)


@pytest.mark.parametrize("kind", ["praise", "inquiry"])
async def test_written_down_as_something_else_it_is_no_second_complaint(tmp_path: Path, kind: str) -> None:
    async with house(tmp_path) as parts:
        await complain(parts, timedelta(hours=2))
        put(tmp_path, recording(timedelta(minutes=5)))
        await look(parts)
        heard = await act(parts, (await tickets(parts))[0], "transcribe", text="谢谢你们", kind=kind)
        assert (heard.kind, heard.grade) == (kind, "request")


async def test_thrown_away_it_counts_for_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as parts:
        await complain(parts, timedelta(hours=2))
        put(tmp_path, recording(timedelta(minutes=5)))
        await look(parts)
        assert (await act(parts, (await tickets(parts))[0], "refuse", reason="空白录音")).grade == "request"


async def test_a_contact_that_is_heard_is_the_complainants_and_is_told(tmp_path: Path) -> None:
    async with house(tmp_path) as parts:
        first = await complain(parts, timedelta(hours=2))
        put(tmp_path, "来信 扫描件.pdf", (HERE / "letter.pdf").read_bytes())
        await look(parts)
        letter = (await tickets(parts))[0]
        heard = await act(parts, letter, "transcribe", text="还是没有网", name="李四", identity=LI)
        assert (heard.complainant.name, heard.complainant.mobile) == ("李四", f"+86{LI}")
        assert heard.grade == "grievance"
        assert heard.id != first.id
        file = await parts.store.read(partial(load_file, ticket_id=heard.id))
        assert [one.kind for one in file.events if one.kind in ("transcribed", "reached")] == ["transcribed", "reached"]
        with pytest.raises(ActionRefused):
            await act(parts, heard, "transcribe", text="noch einmal")


def test_a_folder_of_two_channels_is_refused(tmp_path: Path) -> None:
    one = {"kind": "files", "folder": tmp_path}
    with pytest.raises(ConfigError, match=r"channels\.two\.folder"):
        assemble(Settings(secret="s" * 32, channels={"one": one, "two": one}))
