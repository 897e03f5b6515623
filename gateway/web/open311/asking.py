"""Who asks what of an Open311 endpoint: the jurisdiction, the key, and the filters of a list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aiohttp import web

from gateway.message import Raw
from gateway.web.keys import DOORS, PROFILES, RECEPTION
from gateway.web.open311.channel import Open311
from gateway.web.open311.documents import MEDIA_TYPES, written
from gateway.web.open311.form import moment
from gateway.web.open311.settings import Service
from gateway.web.open311.views import services_of
from gateway.web.problems import FieldProblem, Problem, request_locale, wrong_field
from gateway.web.words import Locale
from ticket_core.profile import Profile

#: The longest span of a list, and what it reaches back where it is not told (GeoReport v2, GET Service Requests).
LONGEST_SPAN = timedelta(days=90)
_STATUSES = ("open", "closed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request is about, and in which language and form it is answered."""

    channel: Open311
    profile: Profile
    services: tuple[Service, ...]
    locale: Locale

    def service(self, code: str) -> Service:
        """The service of this code.

        Raises:
            Problem: 400 for none given, 404 for an unknown one.
        """
        if not code:
            raise bad_request("service_code", "missing")
        found = next((one for one in self.services if one.code == code), None)
        if found is None:
            raise not_found("service_code")
        return found


def endpoints(app: web.Application) -> tuple[Open311, ...]:
    """All jurisdictions."""
    return tuple(one for one in app[DOORS].values() if isinstance(one, Open311))


def asked_by(request: web.Request, jurisdiction: str) -> Asked:
    """What the request is about.

    Raises:
        Problem: 404 for an unknown jurisdiction, or where there is none; 400 where one of several must be named.
    """
    channel = _jurisdiction(endpoints(request.app), jurisdiction)
    profile = request.app[RECEPTION].policy.profiles[request.app[PROFILES][channel.name]]
    locale = request_locale(request)
    return Asked(channel=channel, profile=profile, services=services_of(channel, profile, locale), locale=locale)


def raw_of(request: web.Request, channel: Open311, body: bytes = b"") -> Raw:
    """The request as it came, without the key in its form."""
    return channel.unlocked(
        Raw(
            channel=channel.name,
            body=body,
            received_at=datetime.now(UTC),
            headers={name.lower(): value for name, value in request.headers.items()},
            query=dict(request.query),
            media_type=request.content_type,
        )
    )


def check_may_read(request: web.Request, channel: Open311) -> None:
    """Everybody reads what is listed; else only who has a key.

    Raises:
        Problem: 403.
        Refused: 403, the key is wrong.
    """
    if "X-Api-Key" in request.headers or request.query.get("api_key"):
        channel.verify(raw_of(request, channel))
    elif not channel.settings.listed:
        raise Problem(403, "forbidden", fields=[FieldProblem(name="api_key", kind="not_listed")])


def range_of(
    request: web.Request, now: datetime, *, most: timedelta | None = LONGEST_SPAN
) -> tuple[datetime, datetime]:
    """From `start_date` to `end_date`; where one of them is not given, 90 days before or after the other.

    Raises:
        Problem: 400.
    """
    since, until = _moment(request, "start_date"), _moment(request, "end_date")
    if since is None:
        since = (until or now) - LONGEST_SPAN
    if until is None:
        until = now if most is None else min(now, since + most)
    if most is not None and until - since > most:
        raise bad_request("start_date, end_date", "span", days=most.days)
    return since, until


def open_of(request: web.Request) -> bool | None:
    """Which status is wanted; None for both.

    Raises:
        Problem: 400.
    """
    wanted = set(listed(request, "status"))
    if not wanted <= set(_STATUSES):
        raise bad_request("status", "literal_error", expected=", ".join(_STATUSES))
    return None if len(wanted) != 1 else "open" in wanted


def listed(request: web.Request, name: str) -> list[str]:
    """The values of a parameter that takes several with commas; it may come several times."""
    return [part.strip() for one in request.query.getall(name, []) for part in one.split(",") if part.strip()]


def whole_number(request: web.Request, name: str, default: int, most: int) -> int:
    """A parameter from 1 to `most`.

    Raises:
        Problem: 400.
    """
    given = request.query.get(name) or str(default)
    if not (given.isascii() and given.isdigit() and len(given) < 8 and 1 <= int(given) <= most):
        raise bad_request(name, "less_than_equal", le=most)
    return int(given)


def answer(request: web.Request, root: str, value: object, status: int = 200) -> web.Response:
    """The document in the form that the path asks for; pages of other sites may read it."""
    form = request.match_info.get("form", "xml")
    return web.Response(
        body=written(form, root, value),
        status=status,
        content_type=MEDIA_TYPES[form],
        charset="utf-8",
        headers={"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"},
    )


def bad_request(name: str, kind: str, **context: object) -> Problem:
    """One wrong parameter."""
    return wrong_field(name, kind, **context)


def not_found(name: str) -> Problem:
    """What a parameter names does not exist."""
    return Problem(404, "not-found", fields=[FieldProblem(name=name, kind="unknown")])


def _jurisdiction(known: tuple[Open311, ...], given: str) -> Open311:
    """By its id; where there is only one and it has no id, whatever is given means it."""
    if not known:
        raise Problem(404, "not-found")
    if len(known) == 1 and (not given or not known[0].settings.jurisdiction_id):
        return known[0]
    if not given:
        raise bad_request("jurisdiction_id", "missing")
    found = [one for one in known if one.settings.jurisdiction_id.casefold() == given.casefold()]
    if len(found) != 1:
        raise not_found("jurisdiction_id")
    return found[0]


def _moment(request: web.Request, name: str) -> datetime | None:
    given = request.query.get(name)
    if not given:
        return None
    at = moment(given)
    if at is None:
        raise bad_request(name, "w3_time")
    return at
