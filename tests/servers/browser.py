"""A browser for tests: Debian's Chromium, started once, with a fresh profile and no way out of this machine."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

from playwright.async_api import Page, Route, async_playwright

from tests.servers.process import free_port, program, running, scratch_folder

_LOOPBACK: Final = re.compile(r"(https?|wss?)://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/|$)")

_SWITCHES: Final = (
    "--headless=new",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


@contextlib.contextmanager
def chromium() -> Iterator[str]:
    """Run Chromium and yield the address of its debugging port; one process serves many tests and loops."""
    path = program("/usr/bin/chromium", "chromium")
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's sandbox refuses root
    with scratch_folder("web") as folder:
        port = free_port()
        command = [path, *_SWITCHES, *as_root, f"--remote-debugging-port={port}", f"--user-data-dir={folder}/profile"]
        with running(command, log=folder / "log", port=port, environment={"HOME": str(folder)}, wait=60):
            yield f"http://127.0.0.1:{port}"


@contextlib.asynccontextmanager
async def browser_page(address: str, *, locale: str = "zh-CN", javascript: bool = True) -> AsyncIterator[Page]:
    """Yield a page of a new private window; at the end it raises AssertionError for requests that left this machine."""
    strayed: list[str] = []

    async def keep_inside(route: Route) -> None:
        if _LOOPBACK.match(route.request.url):
            await route.continue_()
        else:
            strayed.append(route.request.url)
            await route.abort()

    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(address)
        context = await browser.new_context(
            locale=locale, timezone_id="Asia/Shanghai", java_script_enabled=javascript, accept_downloads=True
        )
        await context.route("**/*", keep_inside)
        context.set_default_timeout(10_000)
        try:
            yield await context.new_page()
        finally:
            await context.close()
            await browser.close()
    assert not strayed, f"the page asked for {strayed}"


async def screenshot(page: Page, file: Path) -> bytes:
    """Save what the page shows, in full length, and return the PNG."""
    return await page.screenshot(path=file, full_page=True)
