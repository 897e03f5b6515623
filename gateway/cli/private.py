"""Nobody else on this machine reads what the gateway keeps: the database is full of personal data."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import structlog
from sqlalchemy import make_url

from gateway.cli.demo import login_file
from gateway.config import Settings
from ticket_core.store.engine import is_sqlite

log = structlog.get_logger(__name__)

_OTHERS = 0o077


def keep_private(settings: Settings) -> None:
    """Close what this process will write to others, and what an earlier one left open to them, with a log line each.

    Left alone are symbolic links, what somebody else owns, and a folder with more in it than the gateway's own files.
    """
    os.umask(_OTHERS)
    for path in _kept(settings):
        found = path.lstat()
        mode = stat.S_IMODE(found.st_mode)
        if stat.S_ISLNK(found.st_mode) or not mode & _OTHERS or found.st_uid != os.geteuid():
            continue
        path.chmod(mode & ~_OTHERS)
        log.warning("made_private", path=str(path), mode=f"{mode:03o}")


def _kept(settings: Settings) -> Iterator[Path]:
    """The files that are there already, and their folders."""
    names = [settings.secret_file, login_file(settings)]
    database = make_url(settings.database.url).database if is_sqlite(settings.database.url) else None
    if database and database != ":memory:":
        names.append(Path(database))  # and what SQLite puts beside it
    starts = tuple(map(str, names))
    for folder in sorted({path.parent for path in names}):
        if folder.is_dir():
            ours = {path for path in folder.iterdir() if str(path).startswith(starts)}
            yield from sorted(path for path in ours if path.is_symlink() or path.is_file())
            if ours and ours.issuperset(folder.iterdir()):
                yield folder
