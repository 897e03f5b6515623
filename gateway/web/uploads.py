"""A file that is uploaded, by a browser's form or as the body itself, up to a limit of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from aiohttp import BodyPartReader, web

from gateway.web.patience import in_time
from gateway.web.problems import Problem

_CHUNK = 64 << 10
_FORM = "multipart/form-data"
_LONGEST_TEXT = 4096
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One file with its name, and the other fields of its form."""

    name: str = ""
    content: bytes = field(default=b"", repr=False)
    texts: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.texts.get(name, "")


async def read_upload(request: web.Request, limit: int) -> Upload:
    """The file of a form, the last one if there are several; else the body, named by ``X-File-Name`` (percent-encoded).

    Raises:
        Problem: 413 beyond `limit` bytes, 400 for a form that is none, 408 for one that takes too long.
    """
    if (request.content_length or 0) > limit + _CHUNK:
        raise Problem(413, "too-large", limit=limit)
    return await in_time(_form(request, limit) if request.content_type == _FORM else _body(request, limit))


async def _body(request: web.Request, limit: int) -> Upload:
    name = unquote(request.headers.get("X-File-Name", ""))[:_LONGEST_NAME]
    return Upload(name=name, content=await _joined(request.content.iter_chunked(_CHUNK), limit))


async def _form(request: web.Request, limit: int) -> Upload:
    texts: dict[str, str] = {}
    name, content = "", b""
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader) or part.name is None:
                raise Problem(400, "bad-request")
            if part.filename is None:
                texts[part.name] = (await _joined(_chunks(part), _LONGEST_TEXT)).decode().strip()
            elif part.filename:
                name, content = part.filename[:_LONGEST_NAME], await _joined(_chunks(part), limit)
    except (ValueError, LookupError, AssertionError):  # no boundary, no name, bytes that are no text
        raise Problem(400, "bad-request") from None
    return Upload(name=name, content=content, texts=texts)


async def _chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(_CHUNK):
        yield chunk


async def _joined(chunks: AsyncIterator[bytes], limit: int) -> bytes:
    found = bytearray()
    async for chunk in chunks:
        found += chunk
        if len(found) > limit:
            raise Problem(413, "too-large", limit=limit)
    return bytes(found)
