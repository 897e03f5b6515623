"""Fixtures of the e-mail channel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.channels.email import EmailSettings, Imap
from tests.channels.email.desk import US, Desk, open_desk
from tests.servers.dovecot import Dovecot


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A gateway with an empty database."""
    async with open_desk(tmp_path) as opened:
        yield opened


@pytest.fixture
def mailbox(imap_server: Dovecot) -> Callable[..., EmailSettings]:
    """Settings of a channel that reads the test server's mailbox, with what the test wants otherwise."""

    def settings(**changes: object) -> EmailSettings:
        imap = Imap(
            host="127.0.0.1",
            port=imap_server.port,
            security="none",
            user="tousu",
            password="secret",
            timeout=timedelta(seconds=5),
            idle_refresh=timedelta(seconds=2),
            owed_pause=timedelta(milliseconds=200),
            tries=3,
            retry=timedelta(milliseconds=100),
            retry_at_most=timedelta(seconds=1),
        )
        return EmailSettings(address=US, imap=replace(imap, **changes))  # type: ignore[arg-type]

    return settings
