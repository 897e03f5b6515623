"""Our own style sheets and scripts: each is served under a name with its content's hash, so it can be kept for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).parent.parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Assets:
    """The files of a folder, read once. An edited file needs a restart."""

    folder: Path = FOLDER

    @cached_property
    def contents(self) -> Mapping[str, tuple[bytes, str]]:
        """Bytes and media type by the name with the hash, such as ``style.1f2e3d4c5b6a.css``."""
        found: dict[str, tuple[bytes, str]] = {}
        for path in sorted(self.folder.iterdir()):
            if path.suffix in _TYPES:
                found[_hashed(path)] = (path.read_bytes(), _TYPES[path.suffix])
        return found

    @cached_property
    def _urls(self) -> Mapping[str, str]:
        plain = {name.partition(".")[0] + "." + name.rpartition(".")[2]: name for name in self.contents}
        return {name: f"/static/{hashed}" for name, hashed in plain.items()}

    def url(self, name: str) -> str:
        """Where a file is found; KeyError when there is none of this name."""
        return self._urls[name]

    async def serve(self, request: web.Request) -> web.Response:
        """Answer ``GET /static/{name}``."""
        known = self.contents.get(request.match_info["name"])
        if known is None:
            raise web.HTTPNotFound
        body, media_type = known
        return web.Response(
            body=body,
            content_type=media_type,
            charset="utf-8",
            headers={"Cache-Control": _FOR_EVER, "X-Content-Type-Options": "nosniff"},
        )


def _hashed(path: Path) -> str:
    return f"{path.stem}.{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}{path.suffix}"
