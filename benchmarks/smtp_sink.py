"""The cheapest mail server there can be: says yes to everything and keeps nothing.

python -m benchmarks.smtp_sink PORT
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop

_YES = b"250 2.0.0 yes\r\n"
#: What every server in wide use offers.
_ANSWERS = {
    b"EHLO": b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 33554432\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 2.0.0 bye\r\n",
}


class Sink(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._held = b""
        self._in_mail = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer every whole command, and every whole mail."""
        self._held += data
        while True:
            end = b"\r\n.\r\n" if self._in_mail else b"\r\n"
            said, found, rest = self._held.partition(end)
            if not found:
                return
            self._held = rest
            if self._in_mail:
                self._in_mail = False
                self._transport.write(_YES)
                continue
            verb = said[:4].upper()
            self._in_mail = verb == b"DATA"
            self._transport.write(_ANSWERS.get(verb, _YES))
            if verb == b"QUIT":
                self._transport.close()


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    """Serve until killed."""
    uvloop.run(_serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
