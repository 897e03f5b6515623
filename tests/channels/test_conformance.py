"""Our own adapters against the conformance kit: what is asked of strangers is asked of us."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import aiosmtplib
from aiohttp import web

from gateway.message import Raw
from gateway.testing.kit import (
    BUSY_FOR,
    Arrived,
    ChannelConformance,
    Deliver,
    Fault,
    House,
    Provider,
    TransportConformance,
    http_provider,
    running_channel,
)
from tests.servers.smtp import SmtpServer, Taken, smtp_server

HERE = Path(__file__).parent


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class TestEmail(ChannelConformance):
    """Mail, handed in by SMTP."""

    kind = "email"
    settings: ClassVar = {"address": "tousu@example.com", "limit": 200_000, "door": {"port": 0}}
    fixtures = HERE / "email" / "fixtures"

    @contextlib.asynccontextmanager
    async def other_side(self, house: House, name: str) -> AsyncIterator[Deliver]:
        """A mail server that delivers to our door, and takes anything but 250 as "not taken"."""
        port = free_port()
        channel = self.channel(name, door={"port": port})

        async def deliver(raw: Raw) -> bool:
            sender = raw.headers.get("x-envelope-from", "li@example.com").strip("<>")
            async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
                try:
                    await client.sendmail(sender, ["tousu@example.com"], raw.body)
                except aiosmtplib.SMTPException:
                    return False
                return True

        async with running_channel(house, channel):
            await listening(port)
            yield deliver


class TestSmtp(TransportConformance):
    """Mail, handed to a mail server."""

    kind = "smtp"
    settings: ClassVar = {
        "host": "127.0.0.1",
        "port": 9,
        "security": "none",
        "address": "tousu@example.com",
        "reply_address": "tousu@example.com",
        "password": "synthetic-password",
        "timeout": 1,
    }
    secrets = ("password",)
    tells_wait = False

    @contextlib.asynccontextmanager
    async def provider(self) -> AsyncIterator[Provider]:
        """A real SMTP server."""
        async with smtp_server() as server:
            yield MailServer(server)


class MailServer:
    """The test server as a provider that misbehaves."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self.settings = {"port": server.port}

    @property
    def arrived(self) -> list[Arrived]:
        """Every mail taken."""
        return [_arrived(one) for one in self._server.taken]

    @property
    def connections(self) -> int:
        """How many are open now."""
        return self._server.open_connections

    @property
    def most_at_once(self) -> int:
        """A connection has one mail in hand."""
        return self._server.most_open

    def behave(self, fault: Fault | None) -> None:
        """Answer DATA so from now on."""
        self._server.after_data = {"busy": "451 4.3.0 later", "refused": "550 5.1.1 no"}.get(
            fault or "", "250 2.0.0 ok"
        )
        self._server.drop_at = "DATA" if fault == "dropped" else None
        self._server.delay = 30 if fault == "silent" else 0


def _arrived(one: Taken) -> Arrived:
    mail = one.message
    body = mail.get_body(("plain",))
    assert body is not None
    return Arrived(
        reference=str(mail["Message-ID"]), to=one.recipients, text=str(body.get_content()), subject=str(mail["Subject"])
    )


class TestSms(TransportConformance):
    """SMS through a provider that is described by data: our own plain form."""

    kind = "sms"
    settings: ClassVar = {
        "url": "http://127.0.0.1:9/send",
        "headers": {"Authorization": "Bearer {key}"},
        "parameters": {"key": "synthetic-key"},
        "signature": "投诉受理",
        "timeout": 1,
    }
    secrets = ("parameters.key",)

    def provider(self) -> AbstractAsyncContextManager[Provider]:
        """A cloud that speaks JSON."""
        wait = {"Retry-After": str(int(BUSY_FOR.total_seconds()))}
        answers: Mapping[Fault | None, Callable[[Arrived], web.Response]] = {
            None: lambda one: web.json_response({"id": f"p-{one.reference}"}),
            "busy": lambda _: web.Response(status=429, headers=wait),
            "refused": lambda _: web.Response(status=422),
        }
        return http_provider(_sms_of, answers, lambda url: {"url": f"{url}/send"})


def _sms_of(_: web.Request, body: bytes) -> Arrived:
    said = json.loads(body)
    return Arrived(reference=said["reference"], to=(said["to"],), text=said["text"])


class TestSmsReports(ChannelConformance):
    """What SMS providers push: reports, and texts of people."""

    kind = "sms-reports"
    settings: ClassVar = {"secret": "synthetic-secret"}
    secrets = ("secret",)
    covers = "sender"
    fixtures = HERE / "sms" / "fixtures"

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """The address that the provider was told carries the secret."""
        return replace(raw, query={**raw.query, "secret": settings["secret"]})


class TestWeb(ChannelConformance):
    """Complaints of citizens and programs as they were recorded."""

    kind = "web"
    fixtures = HERE / "web" / "fixtures"
    own_ids = False


class TestPhone(ChannelConformance):
    """Calls that agents wrote down."""

    kind = "phone"
    fixtures = HERE / "phone" / "fixtures"
    own_ids = False


class TestPreviewEmail(TransportConformance):
    """Mails that are only shown."""

    kind = "preview-email"
    sends = False


class TestPreviewSms(TransportConformance):
    """SMS that are only shown."""

    kind = "preview-sms"
    sends = False


async def listening(port: int) -> None:
    """Return as soon as somebody listens there."""
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            await writer.wait_closed()
            return
