"""Which files are taken in: of kinds that do nobody harm, under names that mislead nobody.

The kind is found from the first bytes, never from the name or what the sender says. Office files are ZIP archives with
a known entry; HTML, SVG, scripts, programs and bare archives are refused.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

#: First bytes → media type; RIFF, ISO media and ZIP containers are told apart below.
_MAGIC: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xfa", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
    (b"#!AMR", "audio/amr"),
    (b"OggS", "audio/ogg"),
)
_RIFF: Final = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
_ISO_MEDIA: Final = {
    **dict.fromkeys((b"heic", b"heix", b"mif1"), "image/heic"),
    b"M4A ": "audio/mp4",
    b"qt  ": "video/quicktime",
    **dict.fromkeys((b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"3gp4", b"3gp5", b"M4V "), "video/mp4"),
}
_OFFICE: Final = (
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)
_MARKUP = re.compile(rb"<\s*(?:!doctype|html|svg|script|\?xml|body|iframe)", re.IGNORECASE)
_UNWANTED_IN_NAMES = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]')
_RUNS = re.compile(
    r"\.(?:exe|dll|com|scr|msi|bat|cmd|ps1|vbs|vbe|js|jse|wsf|hta|lnk|jar|sh|py|apk|html?|xhtml|svg|xml|php)$", re.I
)
ALLOWED: Final = "jpeg, png, gif, bmp, tiff, webp, heic, pdf, docx, xlsx, pptx, mp3, amr, ogg, wav, m4a, mp4, mov, txt"


def media_type_of(content: bytes) -> str | None:
    """The media type by content; None for anything that is not on the list."""
    for start, media_type in _MAGIC:
        if content.startswith(start):
            return media_type
    if content[:2] == b"BM" and content[6:10] == bytes(4):
        return "image/bmp"
    if content[:4] == b"RIFF":
        return _RIFF.get(content[8:12])
    if content[4:8] == b"ftyp":
        return _ISO_MEDIA.get(content[8:12])
    if content[:4] == b"PK\x03\x04":
        return _office(content)
    return _plain_text(content)


def runs(name: str) -> bool:
    """Whether a double click on a file of this name would run it."""
    return _RUNS.search(name) is not None


def clean_name(name: str) -> str:
    """A file name without folders, controls and what only misleads a reader; empty when nothing is left."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return _UNWANTED_IN_NAMES.sub("", unicodedata.normalize("NFC", last)).strip(". ")[:120]


def _office(content: bytes) -> str | None:
    # The names of a ZIP's entries stand in it as they are; a macro has its own, and is refused.
    if b"[Content_Types].xml" not in content or b"vbaProject.bin" in content:
        return None
    return next((media_type for folder, media_type in _OFFICE if folder in content), None)


def _plain_text(content: bytes) -> str | None:
    if b"\x00" in content or content.startswith((b"#!", b"MZ")) or _MARKUP.search(content[:4096]):
        return None
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        try:
            content.decode("gb18030")
        except UnicodeDecodeError:
            return None
    return "text/plain"
