"""Fixtures of the whole test run: the real servers, each started when a test first asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import HealthCheck, settings
from playwright.async_api import Page

from tests.migrated import copied_databases
from tests.servers.browser import browser_page, chromium
from tests.servers.certificate import Certificate, make_certificate
from tests.servers.dovecot import Dovecot, dovecot
from tests.servers.postgres import PostgresServer
from tests.servers.postgres import postgres_server as running_postgres
from tests.servers.smtp import SmtpServer, smtp_server


@pytest.fixture(scope="session", autouse=True)
def _migrated_once() -> Iterator[None]:
    with copied_databases():
        yield


# A busy machine is no reason to fail: how long an example takes is nothing that a property says.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A self-signed certificate for localhost and 127.0.0.1."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL for the run (one per worker)."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The SQLAlchemy URL of an empty database for one test."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpServer]:
    """A scriptable SMTP server for one test; for TLS or sign-in use `smtp_server(...)` itself."""
    async with smtp_server() as server:
        yield server


@pytest.fixture
def imap_server(certificate: Certificate) -> Iterator[Dovecot]:
    """An empty Dovecot for one test, with the user `tousu` and the password `secret`."""
    with dovecot(certificate) as server:
        yield server


@pytest.fixture(scope="session")
def chromium_address() -> Iterator[str]:
    """One Chromium for the run (one per worker); each test opens a private window of it."""
    with chromium() as address:
        yield address


@pytest.fixture
async def page(chromium_address: str) -> AsyncIterator[Page]:
    """A page of a new private window, in Chinese, that can reach this machine only (async API)."""
    async with browser_page(chromium_address) as opened:
        yield opened
