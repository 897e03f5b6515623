"""The content of one message of Feishu: words, files, a place.

https://open.feishu.cn/document/server-docs/im-v1/message-content-description/message_content
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.message import File

#: What the platform puts into a file without a name of its own, by the kind of message; and how it is asked for.
_MEDIA: Mapping[str, tuple[str, str, str]] = {
    "image": ("jpg", "image/jpeg", "image"),
    "file": ("bin", "application/octet-stream", "file"),
    "audio": ("opus", "audio/ogg", "file"),
    "media": ("mp4", "video/mp4", "file"),
}
_KEY = re.compile(r"[A-Za-z0-9_-]{1,200}")
_MENTION = re.compile(r"@_user_[0-9]{1,4}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a message says."""

    text: str = ""
    files: tuple[File, ...] = ()
    place: str = ""


def content_of(
    kind: str, number: str, said: Mapping[str, Any], mentions: Sequence[Mapping[str, Any]]
) -> Content | None:
    """What a message of this kind says; None for one that says nothing in words or files, such as a sticker.

    Raises:
        ValueError: it is not as documented.
    """
    match kind, said:
        case "text", {"text": str(text)}:
            return Content(text=named(text, mentions))
        case "post", _:
            return _post(number, said, mentions)
        case (("image" | "file" | "audio" | "media"), _):
            return Content(files=(_file(kind, number, said),))
        case "location", {"longitude": east, "latitude": north}:
            point = f"geo:{float(north):.6f},{float(east):.6f}"
            name = said.get("name") if isinstance(said.get("name"), str) else ""
            return Content(text="\n".join(filter(None, (name, point))), place=name or point)
        case "merge_forward", _:  # what it forwards is not pushed, and can be asked for
            name = f"forwarded-{number}.json"
            return Content(files=(File(name=name, media_type="application/json", reference=f"{number} - - {name}"),))
        case (("text" | "location"), _):
            raise ValueError(f"a {kind} without content")
    return None


def named(text: str, mentions: Sequence[Mapping[str, Any]]) -> str:
    """The words without the bot that they call; other people by their names."""
    names: dict[str, str] = {}
    for one in mentions:
        key, name = one["key"], one.get("name")
        ours = one.get("mentioned_type") == "bot" or (
            one.get("mentioned_type") is None and text.lstrip().startswith(key) and not names
        )
        names[key] = "" if ours or not isinstance(name, str) else f"@{name}"
    return _MENTION.sub(lambda found: names.get(found[0], found[0]), text).strip()


def _post(number: str, said: Mapping[str, Any], mentions: Sequence[Mapping[str, Any]]) -> Content:
    if "content" not in said:  # one language of several
        said = next(one for one in said.values() if isinstance(one, dict) and "content" in one)
    lines, files = [str(said.get("title") or "")], list[File]()
    for paragraph in said["content"]:
        words = []
        for part in paragraph:
            match part:
                case {"tag": ("text" | "md" | "code_block"), "text": str(text)}:
                    words.append(text)
                case {"tag": "a", "text": str(text)}:
                    link = part.get("href")
                    words.append(f"{text} {link}" if isinstance(link, str) and link not in (text, "") else text)
                case {"tag": "at", "user_id": str(key)}:
                    words.append(key)
                case {"tag": ("img" | "media") as tag}:
                    files.append(_file("image" if tag == "img" else "media", number, part, f"-{len(files) + 1}"))
        if words or not paragraph:
            lines.append("".join(words))
    if not lines[0]:
        del lines[0]
    return Content(text=named("\n".join(lines), mentions), files=tuple(files))


def _file(kind: str, number: str, said: Mapping[str, Any], which: str = "") -> File:
    """A file that lies at the platform, which does not tell its name when it is fetched: the reference keeps it."""
    ending, media_type, asked = _MEDIA[kind]
    key = said["image_key"] if kind == "image" else said["file_key"]
    if not _KEY.fullmatch(key):
        raise ValueError("no key of a file")
    own = said.get("file_name")
    name = own if isinstance(own, str) and own else f"{kind}-{number}{which}.{ending}"
    return File(name=name, media_type=media_type, reference=f"{number} {key} {asked} {name}")
