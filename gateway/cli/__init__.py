"""The command line: one module per family of commands, each of which imports what is heavy only when it runs."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """The console script ``gateway``: run one command and exit 0, 2 (wrong usage or configuration) or 1 (failure)."""
    from gateway.cli.failures import failure
    from gateway.cli.program import program

    try:
        program()
    except Exception as error:
        code, text = failure(error)
        print(text, file=sys.stderr)
        raise SystemExit(code) from None
