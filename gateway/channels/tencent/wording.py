"""Texts in pieces that the platforms take: they count bytes of UTF-8."""

from __future__ import annotations

from gateway.channels.api import cut

_MARK = "…"


def pieces(text: str, limit: int, most: int) -> list[str]:
    """The text in at most `most` pieces of at most `limit` bytes, broken at lines where that wastes little.

    What does not fit is cut off, and … shows it.
    """
    found: list[str] = []
    rest = text
    while len(rest.encode()) > limit and len(found) < most - 1:
        head = rest.encode()[:limit].decode(errors="ignore")
        at = head.rfind("\n")
        if len(head[: at + 1].encode()) < limit // 2:
            at = len(head) - 1
        found.append(head[: at + 1].rstrip("\n"))
        rest = rest[at + 1 :]
    return [*filter(None, found), cut(rest, limit, mark=_MARK)]
