"""Attachments as callers send them: base64 in JSON, few, not large, and of kinds that are taken in."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from gateway.files import ALLOWED, clean_name, media_type_of, runs
from gateway.message import File
from gateway.web.limits import Limits
from gateway.web.problems import FieldProblem, Problem
from gateway.web.schema import AttachmentBody


def read_files(given: Sequence[AttachmentBody], limits: Limits) -> tuple[File, ...]:
    """The attachments of a body.

    Raises:
        Problem: 422 with everything that is wrong, by ``attachments.N.field``.
    """
    if len(given) > limits.attachments:
        too_many = FieldProblem(name="attachments", kind="too_many_files", context={"limit": limits.attachments})
        raise Problem(422, "invalid", fields=[too_many])
    files: list[File] = []
    wrong: list[FieldProblem] = []
    for index, one in enumerate(given):
        found = _read(one, limits)
        if isinstance(found, File):
            files.append(found)
        else:
            field, kind = found
            context = {"limit": limits.attachment_bytes, "allowed": ALLOWED}
            wrong.append(FieldProblem(name=f"attachments.{index}.{field}", kind=kind, context=context))
    if wrong:
        raise Problem(422, "invalid", fields=wrong)
    return tuple(files)


def _read(one: AttachmentBody, limits: Limits) -> File | tuple[str, str]:
    """The file, or which field is wrong and how."""
    name = clean_name(one["name"])
    if not name:
        return "name", "file_name"
    if runs(name):
        return "name", "file_refused"
    if len(one["content"]) > limits.attachment_bytes * 4 // 3 + 4:
        return "content", "file_too_large"
    try:
        content = base64.b64decode(one["content"], validate=True)
    except (binascii.Error, ValueError):
        return "content", "bad_base64"
    if not content:
        return "content", "empty_file"
    if len(content) > limits.attachment_bytes:
        return "content", "file_too_large"
    media_type = media_type_of(content)
    if media_type is None:
        return "content", "file_refused"
    return File(name=name, media_type=media_type, content=content)
