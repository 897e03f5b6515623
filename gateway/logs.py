"""Logs on standard error: lines for people on a terminal, else one JSON object a line; personal data masked."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from gateway.mask import mask_text

#: Written by us, so nothing personal is in them; a time would look like a telephone number to the mask.
_PLAIN = frozenset({"timestamp", "level", "logger", "event", "ticket", "sha256"})
#: What PostgreSQL shows of a row that it did not take.
_ROWS = re.compile(r"^(DETAIL:) .*$", re.MULTILINE)


def set_up_logs(stream: TextIO | None = None) -> None:
    """Send our own logs and those of every library to `stream`, by default standard error."""
    stream = stream or sys.stderr
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask,
    ]
    last: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if stream.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last]
    )
    out = logging.StreamHandler(stream)
    out.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [out]
    root.setLevel(logging.WARNING)
    for name in ("gateway", "ticket_core"):
        logging.getLogger(name).setLevel(logging.INFO)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def mask(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask phones, addresses and card numbers in every text of a line; what a library said is its `event`."""
    if isinstance(traceback := line.get("exception"), str):
        line["exception"] = _ROWS.sub(r"\1 …", traceback)
    foreign = "_record" in line and line.get("_from_structlog") is False
    for key, value in line.items():
        if isinstance(value, str) and (foreign or key not in _PLAIN):
            line[key] = mask_text(value)
    return line
