"""Who calls, and whether too often."""

from __future__ import annotations

import time
from collections.abc import Mapping
from ipaddress import IPv6Address, IPv6Network

from aiohttp import web

from gateway.web.keys import LIMITS
from gateway.web.limits import Buckets, Limits, RouteClass
from gateway.web.problems import Problem

_LOCAL = frozenset({"127.0.0.1", "::1"})
BUCKETS: web.AppKey[Mapping[RouteClass, Buckets]] = web.AppKey("buckets")


def make_buckets(limits: Limits) -> Mapping[RouteClass, Buckets]:
    """Fresh buckets for each class of routes."""
    classes: tuple[RouteClass, ...] = ("intake", "request", "sign_in")
    return {what: Buckets(limits.per_minute(what), time.monotonic) for what in classes}


def address_of(request: web.Request) -> str:
    """The caller's address; behind a trusted proxy the last one that the proxy has seen.

    Where no proxy is configured, one on this machine is known by the ``X-Forwarded-For`` it writes: only programs of
    this machine could write another. Of an IPv6 address only the network: whoever has one has 2^64 of them.
    """
    return _called_from(request)[0]


def is_one_of(request: web.Request, addresses: frozenset[str]) -> bool:
    """Whether the caller is one of these; whom a proxy names is never this machine itself, whatever stands there."""
    address, forwarded = _called_from(request)
    return address in addresses and not (forwarded and address in _LOCAL)


def _called_from(request: web.Request) -> tuple[str, bool]:
    """The caller's address, and whether it is a proxy that names it."""
    address = request.remote or ""
    trusted = request.app[LIMITS].trusted_proxies
    said = request.headers.get("X-Forwarded-For", "")
    forwarded = bool(said) and (address in trusted if trusted else address in _LOCAL)
    if forwarded:
        for hop in reversed(said.split(",")):
            address = hop.strip() or address
            if address not in trusted:
                break
    return _network(address[:64]), forwarded


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
    if is_one_of(request, request.app[LIMITS].unlimited):
        return
    wait = buckets.wait(address_of(request))
    if wait:
        raise Problem(
            429,
            "too-many-requests",
            headers={"Retry-After": str(wait)},
            limit=buckets.per_minute,
            seconds=wait,
        )


def forgive(request: web.Request, what: RouteClass) -> None:
    """Do not count this request after all: who proves to be the platform pushes what people say, as often as they do.

    Platforms that are told to come later come three times within seconds, and never again.
    """
    request.app[BUCKETS][what].give_back(address_of(request))
