"""Reading pages in tests."""

from __future__ import annotations

import re

from aiohttp import ClientResponse

#: What somebody might write to have a browser run it.
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def value_of(name: str, page: str) -> str:
    """The value of a field of a page's form."""
    found = re.search(rf'name="{name}"[^>]* value="([^"]*)"', page)
    assert found, f"no field {name}"
    return found[1]


async def text_of(answer: ClientResponse, status: int = 200) -> str:
    """The text of an answer that must have this status."""
    text = await answer.text()
    assert answer.status == status, text
    return text
