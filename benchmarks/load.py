"""A load of HTTP requests over kept connections, from this process; cheap enough not to be what is measured."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """What a round of requests showed: rate in requests a second, latencies in milliseconds."""

    requests: int
    seconds: float
    median_ms: float
    p99_ms: float
    statuses: dict[int, int]

    @property
    def rate(self) -> float:
        """Requests answered a second."""
        return self.requests / self.seconds


async def post_all(
    host: str, port: int, path: str, bodies: Callable[[int], bytes], *, clients: int, seconds: float, headers: str = ""
) -> Load:
    """Post bodies one after the other from each of `clients` connections for `seconds`; body `n` is `bodies(n)`."""
    latencies: list[float] = []
    statuses: dict[int, int] = {}
    counter = iter(range(1 << 60))
    started = time.perf_counter()
    until = started + seconds

    async def client() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        try:
            while True:
                begun = time.perf_counter()
                if begun >= until:
                    return
                body = bodies(next(counter))
                writer.write(
                    f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{headers}"
                    f"Content-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
                head = await reader.readuntil(b"\r\n\r\n")
                status = int(head[9:12])
                mark = head.lower().index(b"content-length:") + 15
                await reader.readexactly(int(head[mark : head.index(b"\r", mark)]))
                latencies.append(time.perf_counter() - begun)
                statuses[status] = statuses.get(status, 0) + 1
        finally:
            writer.close()

    await asyncio.gather(*[client() for _ in range(clients)])
    took = time.perf_counter() - started
    latencies.sort()
    return Load(
        requests=len(latencies),
        seconds=took,
        median_ms=latencies[len(latencies) // 2] * 1000,
        p99_ms=latencies[int(len(latencies) * 0.99)] * 1000,
        statuses=statuses,
    )
