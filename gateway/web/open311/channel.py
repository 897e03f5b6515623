"""The channel of an Open311 endpoint: what a posted form says. The paths of the standard lie in `routes` beside it.

GeoReport v2, https://wiki.open311.org/GeoReport_v2; the updates are the extension of FixMyStreet,
https://github.com/mysociety/fixmystreet/wiki/Open311-FMS---Proposed-differences-to-Open311.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import orjson

from gateway import places
from gateway.channels.base import Answer, Parsed, Webhook
from gateway.errors import ConfigError, Refused
from gateway.message import Accepted, InboundMessage, Raw
from gateway.web.open311.form import Form, apart_from_key, moment, place_of, read_form
from gateway.web.open311.settings import LISTS, Attribute, Open311Settings, Service
from ticket_core.model import KINDS

_HEADER = "x-api-key"
#: Where the door of the standard puts the time within which the same form is the same report.
OCCASION = "x-occasion"
_HAN = re.compile("[\u3400-\u9fff]")
#: What a service that nobody configured asks: fields of ours, under their own names.
USUAL_QUESTIONS = tuple(
    Attribute(code=name, description=name, fills=name, datatype="datetime" if name == "occurred_at" else "string")
    for name in ("category", "respondent", "service_number", "occurred_at")
)


class Open311(Webhook):
    """One jurisdiction: its reports come by ``POST /open311/v2/requests``, its own door takes the same forms."""

    Settings: ClassVar = Open311Settings
    limit = 32 << 20  # with its files
    settings: Open311Settings

    def __init__(self, name: str, settings: Open311Settings) -> None:
        super().__init__(name, settings)
        problems = _mistakes(settings)
        if problems:
            raise ConfigError(problems)

    def verify(self, raw: Raw) -> None:
        """The sender has a key, in the header ``X-Api-Key`` or as ``api_key`` in the address."""
        given = _bytes(raw.headers.get(_HEADER) or raw.query.get("api_key", ""))
        known = [hmac.compare_digest(key.encode(), given) for key in self.settings.api_keys.values()]
        if not any(known):
            raise Refused(403, "the api_key is missing or wrong")

    def unlocked(self, raw: Raw) -> Raw:
        """The input with the key that stands in its form moved to where `verify` looks for it."""
        body, key = apart_from_key(raw.body)
        return replace(raw, body=body, headers={**raw.headers, _HEADER: key}) if key else replace(raw, body=body)

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """A report, or an update of one."""
        form = read_form(raw.body)
        if form.first("service_code"):
            return [self._report(form, self.service(form.first("service_code")), raw)]
        return [self._update(form, raw)]

    def service(self, code: str) -> Service:
        """What is reported under this code.

        Raises:
            ValueError: nothing is.
        """
        if self.settings.services:
            found = next((one for one in self.settings.services if one.code == code), None)
        else:
            found = usual_service(code, code) if code in KINDS else None
        if found is None:
            raise ValueError("no service of this code")
        return found

    def answer(self, accepted: Sequence[Accepted]) -> Answer:
        """The numbers, as the standard gives them."""
        told = [{"service_request_id": one.ticket} for one in accepted]
        return Answer(status=201, body=orjson.dumps(told), media_type="application/json")

    def _report(self, form: Form, service: Service, raw: Raw) -> InboundMessage:
        fields: dict[str, Any] = {
            "kind": service.kind,
            "place": written_place(form),
            "complainant": _who(form) | ({"confidential": True} if service.confidential else {}),
        }
        if service.category:
            fields["category"] = service.category
        if service.priority:
            fields["priority"] = service.priority
        said = [form.first("description")]
        asked = {one.code: one for one in service.attributes}
        for code, given in form.answers.items():
            question = asked.get(code)
            if question is not None and question.fills:
                fields[question.fills] = _filling(question, given)
            else:
                said.append(_line(question, code, given))
        said += form.values.get("media_url", ())
        return InboundMessage(
            channel=self.name,
            external_id=report_id(raw),
            received_at=raw.received_at,
            raw=raw,
            subject=service.name,
            text="\n".join(filter(None, said)) or service.name,
            attachments=form.files,
            fields=fields,
        )

    def _update(self, form: Form, raw: Raw) -> InboundMessage:
        """What somebody adds to a report; who he is decides whether it joins that one, whose number it quotes."""
        number = form.first("service_request_id")
        if not (number and form.first("update_id") and form.first("description")):
            raise ValueError("neither a report nor an update")
        return InboundMessage(
            channel=self.name,
            external_id=update_key(form),
            received_at=raw.received_at,
            raw=raw,
            text="\n".join((update_text(form), number)),
            attachments=form.files,
            fields={"complainant": _who(form)},
        )


def usual_service(code: str, name: str, questions: tuple[Attribute, ...] = USUAL_QUESTIONS) -> Service:
    """A kind of the process as something that can be reported."""
    return Service(code=code, name=name, kind=code, attributes=questions)  # type: ignore[arg-type]  # one of KINDS


def written_place(form: Form) -> str:
    """The place in one line for people."""
    spot = place_of(form)
    lat, long = spot or (None, None)
    given = places.Spot(address=form.first("address_string"), number=form.first("address_id"), lat=lat, long=long)
    return places.written(given)


def update_key(form: Form) -> str:
    """An update's id; its program gives it."""
    return f"update:{form.first('service_request_id')}:{form.first('update_id')}"


def update_text(form: Form) -> str:
    """What an update says: that it is no longer open for its author is said in a field of its own."""
    status = form.first("status")
    said = f"status: {status}" if status.casefold() not in ("", "open") else ""
    return "\n".join(filter(None, (form.first("description"), said, *form.values.get("media_url", ()))))


def _mistakes(settings: Open311Settings) -> list[str]:
    """What is wrong although every value by itself is right."""
    counted = Counter(one.code for one in settings.services)
    problems = [f"services.{code}: named {count} times" for code, count in counted.items() if count > 1]
    if len(set(settings.api_keys.values())) < len(settings.api_keys):
        problems.append("api_keys: two programs have the same key")
    for service in settings.services:
        codes = Counter(one.code for one in service.attributes)
        where = f"services.{service.code}.attributes"
        problems += [f"{where}.{code}: named {count} times" for code, count in codes.items() if count > 1]
        problems += [
            f"{where}.{one.code}.values: required for a {one.datatype}"
            for one in service.attributes
            if one.datatype in LISTS and not one.values
        ]
    return problems


def report_id(raw: Raw) -> str:
    """The report's id: what its program named it, else what it says and the occasion on which it was said."""
    named = raw.headers.get("idempotency-key", "")
    program = raw.headers.get(_HEADER) or raw.query.get("api_key", "")
    said = _bytes(f"{program}\0{named}") if named else _bytes(raw.headers.get(OCCASION, "")) + b"\0" + raw.body
    return "sha256:" + hashlib.sha256(said).hexdigest()


def _bytes(header: str) -> bytes:
    return header.encode("utf-8", "surrogateescape")


def _who(form: Form) -> dict[str, Any]:
    first, last = form.first("first_name"), form.first("last_name")
    chinese = _HAN.search(first) and _HAN.search(last)
    name = f"{last}{first}" if chinese else f"{first} {last}".strip()
    who = {"name": name, "phone": form.first("phone"), "email": form.first("email")}
    return {ours: value for ours, value in who.items() if value}


def _filling(question: Attribute, given: tuple[str, ...]) -> Any:
    if question.fills == "category":
        return tuple(part.strip() for part in given[0].split("/") if part.strip())[:4]
    if question.fills != "occurred_at":
        return given[0]
    at = moment(given[0])
    if at is None:
        raise ValueError("not a time")
    return at


def _line(question: Attribute | None, code: str, given: tuple[str, ...]) -> str:
    names = [question.values.get(one, one) if question else one for one in given]
    return f"{question.description if question else code}: {', '.join(names)}"
