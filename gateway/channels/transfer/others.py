"""Formats that a library reads at once, XLS of old programs and what is rare here (ODS, XLSB): see `apart`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import IO, Any

import orjson

from gateway.channels.transfer import apart

#: A book of a million cells takes a quarter of a gigabyte; what takes more can be saved as XLSX or CSV.
_MEMORY, _SECONDS = 1 << 30, 300


def read_apart(body: bytes) -> Generator[Any, None, None]:
    """What `apart` says of a book: an object for each sheet, then a list for each of its rows.

    Raises:
        ValueError: it is broken, has a password, or takes more memory or time than a list of cases can.
    """
    with _reading(body) as said:
        for line in said:
            one = orjson.loads(line)
            if isinstance(one, dict) and "problem" in one:
                raise ValueError(one["problem"])
            yield one


@contextmanager
def _reading(body: bytes) -> Iterator[IO[bytes]]:
    """What the program writes; at the end, or before it where nobody reads on, the program is gone."""
    with tempfile.TemporaryFile() as given:
        given.write(body)
        given.seek(0)
        command = [sys.executable, "-I", apart.__file__, str(_MEMORY), str(_SECONDS)]
        program = subprocess.Popen(  # noqa: S603  our own program, which gets none of our secrets
            command, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}
        )
        assert program.stdout is not None
        try:
            yield program.stdout
            if program.wait():
                raise ValueError(f"takes more than {_MEMORY >> 20} MiB of memory; save it as XLSX or CSV")
        finally:
            program.kill()
            program.stdout.close()
            program.wait()
