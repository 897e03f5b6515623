"""What a mail says and what it carries: the tree of parts told apart into text, HTML and files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gateway.normalize.mail import charset, params, tnef
from gateway.normalize.mail.headers import first
from gateway.normalize.mail.markup import html_to_text
from gateway.normalize.mail.model import MailFile, MailLimits, Problems
from gateway.normalize.mail.structure import Part
from gateway.normalize.mail.transfer import left_quoted, uu_files
from gateway.normalize.mail.words import header_text, one_line

_EXTENSIONS = {
    "image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/bmp": ".bmp", "image/webp": ".webp",
    "application/pdf": ".pdf", "application/zip": ".zip", "text/calendar": ".ics", "text/csv": ".csv",
    "text/html": ".html",
    "text/plain": ".txt", "text/vcard": ".vcf", "text/x-vcard": ".vcf", "audio/amr": ".amr", "audio/mpeg": ".mp3",
    "video/mp4": ".mp4", "message/delivery-status": ".txt", "text/rfc822-headers": ".txt",
    "application/pkcs7-signature": ".p7s", "application/pgp-signature": ".asc",
}  # fmt: skip
_MESSAGES = ("message/rfc822", "message/global")
_PACKED = ("application/ms-tnef", "application/vnd.ms-tnef")
_SEALED = {
    "multipart/encrypted": "the mail is encrypted",
    "application/pkcs7-mime": "the mail is encrypted or signed in one piece",
    "application/x-pkcs7-mime": "the mail is encrypted or signed in one piece",
    "message/partial": "the mail is one piece of a larger one",
    "message/external-body": "a part of the mail lies elsewhere",
}
_META_CHARSET = re.compile(rb"<meta[^<>]{0,200}?charset\s{0,4}=\s{0,4}[\"']?([\w.:+-]{1,40})", re.IGNORECASE)
# QQ shows its own name for a file whose long name it could not read; the other header has the true one.
_STAND_IN_NAME = re.compile(r"tcmime\.[\d.]+\.(?:bin|dat)")


@dataclass(slots=True)
class Body:
    """The content of a mail. `sealed` when there is content that only its addressee's software can open."""

    text: str = ""
    html: str | None = None
    files: list[MailFile] = field(default_factory=list)
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A piece of the text to be shown: plain, or HTML, or both as alternatives."""

    plain: str | None
    html: str | None = None


class _Collector:
    """Walks a tree once; what could serve as text if nothing else does is put aside in `spare`."""

    def __init__(self, limits: MailLimits, problems: Problems) -> None:
        self.limits = limits
        self.problems = problems
        self.files: list[MailFile] = []
        self.spare: list[_Leaf] = []
        self.sealed = False

    def gather(self, part: Part, *, attached: bool = False, alone: bool = False) -> list[_Leaf]:
        """The text of a part in reading order; its files are added. `attached` inside an attached mail."""
        if part.media_type in _SEALED:
            self.sealed = True
            self.problems.add(_SEALED[part.media_type])
        if part.media_type in _MESSAGES:
            if not attached:
                self.files.append(self._message_file(part))
            for child in part.children:
                self.spare += self.gather(child, attached=True, alone=True)
            return []
        if part.media_type == "multipart/alternative":
            return self._best([self.gather(child, attached=attached) for child in part.children])
        if part.children:
            return [leaf for child in part.children for leaf in self.gather(child, attached=attached)]
        if part.media_type.startswith("multipart/"):
            # No boundary was found, or it lies too deep: what is there is still shown.
            return [self._text(part, "text/plain")] if part.end > part.start else []
        return self._leaf(part, alone)

    def _best(self, choices: list[list[_Leaf]]) -> list[_Leaf]:
        html = "\n".join(leaf.html for choice in choices for leaf in choice if leaf.html is not None) or None
        for choice in choices:
            plain = "\n\n".join(leaf.plain for leaf in choice if leaf.plain is not None and leaf.plain.strip())
            if plain:
                return [_Leaf(plain, html)]
        return [_Leaf(None, html)] if html else []

    def _leaf(self, part: Part, alone: bool) -> list[_Leaf]:
        kind = ""
        placed: dict[str, str] = {}
        if b"content-disposition" in part.headers:
            kind, placed = params.parse(first(part.headers, b"content-disposition"))
        attached = kind.startswith("attach")
        name = placed.get("filename", "")
        if not name or _STAND_IN_NAME.fullmatch(name):
            name = part.parameters.get("name", "") or name
        name = params.file_name(name)
        if part.media_type in ("text/plain", "text/html") and not attached and (alone or not name):
            return [self._text(part, part.media_type)]
        content = part.content(self.problems)
        packed = part.media_type in _PACKED or name.lower() == "winmail.dat"
        if packed and self._unpacked(content):
            return []
        content_id = one_line(first(part.headers, b"content-id").decode("utf-8", "replace")).strip("<>") or None
        self.files.append(
            MailFile(
                name=name or f"part-{len(self.files) + 1}{_EXTENSIONS.get(part.media_type, '.bin')}",
                media_type=part.media_type,
                content=content,
                inline=not attached and (kind == "inline" or content_id is not None),
                content_id=content_id,
            )
        )
        return []

    def _text(self, part: Part, media_type: str) -> _Leaf:
        content = part.content(self.problems)
        label = part.parameters.get("charset")
        if part.encoding in ("", "7bit", "8bit", "binary"):
            unquoted = left_quoted(content, label)
            if unquoted is not None:
                content = unquoted
                self.problems.add("quoted-printable text that does not say so")
        if media_type == "text/plain":
            content, pasted = uu_files(content, self.problems)
            self.files += pasted
        elif label is None and (found := _META_CHARSET.search(content, 0, 2048)):
            label = found[1].decode("ascii")
        text, odd = charset.decode(content, label)
        if odd:
            self.problems.add(odd)
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
        return _Leaf(None, text) if media_type == "text/html" else _Leaf(text)

    def _unpacked(self, content: bytes) -> bool:
        """Add what is in a winmail.dat; false when the file itself has to be kept."""
        inside = tnef.unpack(content) if len(content) <= self.limits.tnef_bytes else None
        if inside is None:
            self.problems.add("winmail.dat cannot be opened")
            return False
        self.files += inside.files
        if inside.text.strip() or inside.html:
            self.spare.append(_Leaf(inside.text if inside.text.strip() else None, inside.html))
        elif inside.rtf or not inside.files:
            self.problems.add("winmail.dat has text that cannot be shown")
            return False
        if not inside.files:
            self.problems.add("winmail.dat has a text but no files")
        return True

    def _message_file(self, part: Part) -> MailFile:
        subject = ""
        if part.children:
            subject = header_text(first(part.children[0].headers, b"subject")[:2000])[0]
        given = part.parameters.get("name") or params.parse(first(part.headers, b"content-disposition"))[1].get(
            "filename"
        )
        name = params.file_name(given or f"{subject.replace('/', ' ')[:80] or 'message'}.eml")
        return MailFile(name=name or "message.eml", media_type=part.media_type, content=part.raw[part.start : part.end])


def collect(root: Part, limits: MailLimits, problems: Problems) -> Body:
    """Text, HTML and files of a mail; HTML becomes text only where there is no plain text beside it."""
    collector = _Collector(limits, problems)
    leaves = collector.gather(root, alone=True)
    text = _joined(leaves, limits, problems)
    if not text:
        leaves = collector.spare or leaves
        text = _joined(leaves, limits, problems)
    html = "\n".join(leaf.html for leaf in leaves if leaf.html is not None) or None
    return Body(text=text, html=html, files=collector.files, sealed=collector.sealed)


def _joined(leaves: list[_Leaf], limits: MailLimits, problems: Problems) -> str:
    texts: list[str] = []
    for leaf in leaves:
        text = leaf.plain
        if text is None and leaf.html is not None:
            text, odd = html_to_text(leaf.html, limits)
            if odd:
                problems.add(odd)
        if text and (text := text.strip("\n").rstrip(" \t\n")).strip():
            texts.append(text)
    return "\n\n".join(texts)
