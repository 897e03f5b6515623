"""The chat page in a real browser: a page that may not complain, and what people do there."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any

from playwright.async_api import FrameLocator, Locator, Page

from tests.servers.browser import browser_page


@contextlib.asynccontextmanager
async def quiet_page(address: str, **context: Any) -> AsyncIterator[Page]:
    """A page that must not complain: no script errors, nothing that the content policy refused."""
    complaints: list[str] = []
    async with browser_page(address, **context) as page:
        page.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
    # That a server is away, a file is refused or a browser is offline is no fault of the page, and the browser says so.
    assert not [line for line in complaints if not re.search(r"ERR_|40[138]|41[35]|429|503", line)]


def words(page: Page | FrameLocator) -> Locator:
    """Where one writes."""
    return page.get_by_label(re.compile("您想说的话|Your message"))


async def say(page: Page, text: str) -> None:
    """Write something and press Enter."""
    await words(page).fill(text)
    await words(page).press("Enter")


async def press(page: Page | FrameLocator, label: str) -> None:
    """Press a quick reply."""
    await page.get_by_role("button", name=label, exact=True).click()


def us(page: Page | FrameLocator, text: str) -> Locator:
    """What we said."""
    return page.locator(".line.us", has_text=text)
