"""Who calls, and whether too often."""

from __future__ import annotations

import time
from collections.abc import Mapping
from ipaddress import IPv6Address, IPv6Network

from aiohttp import web

from gateway.web.keys import LIMITS
from gateway.web.limits import Buckets, Limits, RouteClass
from gateway.web.problems import Problem

BUCKETS: web.AppKey[Mapping[RouteClass, Buckets]] = web.AppKey("buckets")


def make_buckets(limits: Limits) -> Mapping[RouteClass, Buckets]:
    """Fresh buckets for each class of routes."""
    classes: tuple[RouteClass, ...] = ("intake", "request", "sign_in")
    return {what: Buckets(limits.per_minute(what), time.monotonic) for what in classes}


def address_of(request: web.Request) -> str:
    """The caller's address; behind a trusted proxy the last one that the proxy has seen.

    Of an IPv6 address only the network: whoever has one has 2^64 of them.
    """
    address = request.remote or ""
    trusted = request.app[LIMITS].trusted_proxies
    if trusted and address in trusted:
        for hop in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
            address = hop.strip() or address
            if address not in trusted:
                break
    return _network(address[:64])


def _network(address: str) -> str:
    if ":" not in address:
        return address
    try:
        known = IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if known.ipv4_mapped or known.is_loopback:
        return str(known.ipv4_mapped or known)
    return str(IPv6Network((known, 64), strict=False))


def throttle(request: web.Request, what: RouteClass) -> None:
    """Count this request.

    Raises:
        Problem: 429 with the limit and when to come back.
    """
    buckets = request.app[BUCKETS][what]
    if not buckets.per_minute:
        return
    address = address_of(request)
    if address in request.app[LIMITS].unlimited:
        return
    wait = buckets.wait(address)
    if wait:
        raise Problem(
            429,
            "too-many-requests",
            headers={"Retry-After": str(wait)},
            limit=buckets.per_minute,
            seconds=wait,
        )
