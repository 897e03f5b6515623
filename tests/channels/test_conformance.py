"""Our own adapters against the conformance kit: what is asked of strangers is asked of us."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import aiosmtplib

from gateway.message import Raw
from gateway.testing.kit import ChannelConformance, Deliver, House, running_channel

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
