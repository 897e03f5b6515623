"""The dialogue with a mail server that knows pipelining: how often it is spoken to, and what becomes of bad answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from gateway.channels.smtp import Smtp
from gateway.errors import PermanentDelivery, TransientDelivery
from tests.channels.test_smtp import NOTICE, settings


@dataclass(slots=True)
class Pipeline:
    """A server that knows pipelining, with the answers it is told; it counts how often it is spoken to."""

    answers: list[bytes]
    after_data: bytes = b"250 2.0.0 taken\r\n"
    bye: bytes = b"250 ok\r\n"
    port: int = 0
    heard: list[bytes] = field(default_factory=list)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while said := await reader.read(1 << 16):
            self.heard.append(said)
            if said.startswith(b"EHLO"):
                writer.write(b"250-here\r\n250-SIZE 1000000\r\n250 PIPELINING\r\n")
            elif said.startswith(b"MAIL"):
                for answer in self.answers:  # split anywhere, as networks do
                    writer.write(answer[:5])
                    await asyncio.sleep(0.01)
                    writer.write(answer[5:])
            elif said.startswith((b"QUIT", b"RSET")) or said == b".\r\n":
                writer.write(self.bye)
            elif said.endswith(b"\r\n.\r\n"):
                writer.write(self.after_data)
        writer.close()


YES = [b"250 2.1.0 go on\r\n", b"250 2.1.5 go on\r\n", b"354 send\r\n"]


@pytest.fixture
async def pipeline() -> AsyncIterator[Pipeline]:
    server = Pipeline(list(YES))
    listener = await asyncio.start_server(server.converse, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    yield server
    listener.close()


async def test_a_server_that_knows_pipelining_is_spoken_to_twice_a_mail(pipeline: Pipeline) -> None:
    transport = Smtp("mail", settings(pipeline.port))
    for _ in range(3):
        await transport.send(NOTICE)
    mails = [said for said in pipeline.heard if not said.startswith((b"EHLO", b"QUIT"))]
    assert [said.split(b"\r\n")[0] for said in mails[::2]] == [b"MAIL FROM:<>"] * 3
    assert mails[0] == b"MAIL FROM:<>\r\nRCPT TO:<li@example.com>\r\nDATA\r\n"
    assert len(mails) == 6
    await transport.close()


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([YES[0], b"550-5.1.1 no\r\n550 such user\r\n", b"503 5.5.1 no recipients\r\n"], PermanentDelivery),
        ([YES[0], b"451 4.3.0 later\r\n", b"354 send it all the same\r\n"], TransientDelivery),
        ([b"nonsense\r\n", *YES[1:]], TransientDelivery),
    ],
)
async def test_a_pipelined_refusal_leaves_the_connection_good(
    pipeline: Pipeline, answers: list[bytes], kind: type[Exception]
) -> None:
    transport = Smtp("mail", settings(pipeline.port))
    pipeline.answers = answers
    with pytest.raises(kind):
        await transport.send(NOTICE)
    pipeline.answers = list(YES)
    await transport.send(NOTICE)
    assert sum(said.startswith(b"EHLO") for said in pipeline.heard) == 1
    await transport.close()


async def test_an_answer_without_end_is_cut_off(pipeline: Pipeline) -> None:
    transport = Smtp("mail", settings(pipeline.port))
    pipeline.answers = [b"250-" + b"x" * 100_000]
    with pytest.raises(TransientDelivery):
        await transport.send(NOTICE)


async def test_a_server_that_is_too_slow_in_the_middle_of_a_mail_is_given_up_in_time(pipeline: Pipeline) -> None:
    transport = Smtp("mail", settings(pipeline.port, timeout=0.3))
    await transport.send(NOTICE)
    pipeline.after_data = b""
    async with asyncio.timeout(2):
        with pytest.raises(TransientDelivery, match="no answer in time"):
            await transport.send(NOTICE)
    pipeline.after_data = b"250 2.0.0 taken\r\n"
    await transport.send(NOTICE)
    assert sum(said.startswith(b"EHLO") for said in pipeline.heard) == 2
    await transport.close()


async def test_a_server_that_takes_no_leave_holds_nobody_up(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = Smtp("mail", settings(pipeline.port, timeout=20))
    await transport.send(NOTICE)
    monkeypatch.setattr("gateway.channels.smtp.transport._LEAVE", 0.1)
    pipeline.bye = b""
    async with asyncio.timeout(2):
        await transport.close()
