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


def wrong_with(given: Sequence[File], limits: Limits, where: str) -> list[FieldProblem]:
    """All that is wrong with files that came as they are, by ``where.N.field``."""
    if len(given) > limits.attachments:
        return [FieldProblem(name=where, kind="too_many_files", context={"limit": limits.attachments})]
    context = {"limit": limits.attachment_bytes, "allowed": ALLOWED}
    checked = [_checked(one.name, one.content, limits) for one in given]
    return [
        FieldProblem(name=f"{where}.{index}.{found[0]}", kind=found[1], context=context)
        for index, found in enumerate(checked)
        if not isinstance(found, File)
    ]


def _read(one: AttachmentBody, limits: Limits) -> File | tuple[str, str]:
    """The file, or which field is wrong and how."""
    if len(one["content"]) > limits.attachment_bytes * 4 // 3 + 4:
        return "content", "file_too_large"
    try:
        content = base64.b64decode(one["content"], validate=True)
    except (binascii.Error, ValueError):
        return "content", "bad_base64"
    return _checked(one["name"], content, limits)


def _checked(given: str, content: bytes, limits: Limits) -> File | tuple[str, str]:
    name, media_type = clean_name(given), media_type_of(content)
    if not name:
        return "name", "file_name"
    if runs(name):
        return "name", "file_refused"
    if not content:
        return "content", "empty_file"
    if len(content) > limits.attachment_bytes:
        return "content", "file_too_large"
    if media_type is None:
        return "content", "file_refused"
    return File(name=name, media_type=media_type, content=content)
