"""``/openapi.json`` (OpenAPI 3.1), made from the very routes and classes that serve, and a page to read it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any, Final

from pydantic import TypeAdapter

from gateway.web.routes import Route
from gateway.web.words import TITLES

REF: Final = "#/components/schemas/{model}"
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "RFC 9457. `errors` names each wrong field, `allowed` the actions that are possible instead.",
    "required": ["type", "title", "status"],
    "additionalProperties": False,
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "reason"],
                "additionalProperties": False,
                "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
        "allowed": {"type": "array", "items": {"type": "string"}},
    },
}
_WHO: Final[dict[str, list[dict[str, list[str]]]]] = {
    "anybody": [],
    "visitor": [{"chatSession": []}],
    "complainant": [{"key": []}, {"keyInQuery": []}],
    "staff": [{"token": []}, {"session": []}],
}
_SAID: Final = {
    200: "Done",
    201: "Taken in",
    400: "Not JSON, or an address or header of more than 8190 bytes",
    401: "Not signed in, or no valid session",
    403: "Not allowed",
    404: "No such ticket or chat, or the wrong key",
    408: "The body did not arrive in time",
    409: "Not possible now; `allowed` says what is",
    413: "Too large",
    415: "Not application/json",
    422: "Some fields are not as they must be",
    429: "Too many requests; see Retry-After",
    503: "Too busy; nothing was taken in; see Retry-After",
}
_IN_PATH = re.compile(r"\{(\w+)\}")
_PARAMETERS: Final = {
    "number": {"description": "工单编号", "schema": {"type": "string", "pattern": "^[0-9]{15}$"}},
    "name": {"description": "a chat channel", "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}},
    "source": {"description": "转办来源", "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}},
    "action": {"description": "an action of the profile", "schema": {"type": "string", "pattern": "^[a-z_]{1,40}$"}},
}


def openapi(routes: Sequence[Route], *, version: str) -> dict[str, Any]:
    """The document; `version` is that of the HTTP API."""
    inputs = [
        (f"{kind} {route.path}", "validation", TypeAdapter(given))
        for route in routes
        for kind, given in (("body", route.body), ("query", route.query))
        if given is not None
    ]
    outputs = [(f"gives {route.method} {route.path}", "serialization", TypeAdapter(route.gives)) for route in routes]
    schemas, shared = TypeAdapter.json_schemas([*inputs, *outputs], ref_template=REF)  # type: ignore[list-item]
    named = {key[0]: schema for key, schema in schemas.items()}
    parts = {**shared.get("$defs", {}), "Problem": _PROBLEM}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, named, parts)
    queries = {named[f"query {route.path}"].get("$ref", "").rpartition("/")[2] for route in routes if route.query}
    parts = {
        name: schema for name, schema in parts.items() if name not in queries
    }  # their fields stand with the routes
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "投诉接入网关 Complaint gateway",
            "version": version,
            "description": "Errors are application/problem+json in the language of Accept-Language (zh-CN or en).",
        },
        "paths": paths,
        "components": {
            "schemas": parts,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "session"},
                "key": {"type": "apiKey", "in": "header", "name": "X-Complaint-Key"},
                "keyInQuery": {"type": "apiKey", "in": "query", "name": "key"},
                "chatSession": {"type": "apiKey", "in": "header", "name": "X-Chat-Session"},
            },
        },
    }


def _operation(route: Route, named: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    statuses = {*route.problems, 400, 429, *((401, 403) if route.who == "staff" else ())}
    if route.body is not None or route.takes:
        statuses.add(408)
    found: dict[str, Any] = {
        "summary": route.summary,
        "operationId": _operation_id(route),
        "parameters": [*_path_parameters(route), *_query_parameters(route, named, parts), *_headers(route)],
        "security": _WHO[route.who],
        "responses": {
            str(route.status): _response(route.status, route.media_type, named[f"gives {route.method} {route.path}"]),
            **{
                str(status): _response(status, "application/problem+json", {"$ref": REF.format(model="Problem")})
                for status in sorted(statuses)
            },
        },
    }
    if route.body is not None:
        found["requestBody"] = {
            "required": route.body_required,
            "content": {"application/json": {"schema": named[f"body {route.path}"]}},
        }
    if route.takes:
        content = {media_type: {"schema": schema} for media_type, schema in route.takes.items()}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _response(status: int, media_type: str, schema: Any) -> dict[str, Any]:
    said: dict[str, Any] = {"description": _SAID[status], "content": {media_type: {"schema": schema}}}
    if status == 400:  # what cannot even be read as HTTP is answered by the server itself, in plain text
        said["content"]["text/plain"] = {"schema": {"type": "string"}}
    if status in (429, 503):
        said["headers"] = {"Retry-After": {"schema": {"type": "integer", "minimum": 1}}}
    return said


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, **(route.parameters.get(name) or _PARAMETERS[name])}
        for name in _IN_PATH.findall(route.path)
    ]


def _query_parameters(route: Route, named: dict[str, Any], parts: dict[str, Any]) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = named[f"query {route.path}"]
    if "$ref" in schema:
        schema = parts[schema["$ref"].rpartition("/")[2]]
    return [{"name": name, "in": "query", "schema": shape} for name, shape in schema["properties"].items()]


def _headers(route: Route) -> list[dict[str, Any]]:
    if not route.idempotent:
        return []
    shape = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x20-\\x7e]+$"}
    return [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "the caller's own id of this request: sent twice, it has one effect",
            "schema": shape,
        }
    ]


def _operation_id(route: Route) -> str:
    words = [part.strip("{}") for part in route.path.replace(".", "_").split("/")[3:]]
    return "_".join([route.method.lower(), *words])


def docs_page(document: dict[str, Any]) -> str:
    """The document as a plain page: every route, what it takes and gives, and every kind of problem."""
    rows = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            rows.append(_section(method.upper(), path, operation))
    problems = "".join(
        f'<li id="{kind}"><code>{kind}</code> {escape(words["zh-CN"])} · {escape(words["en"])}</li>'
        for kind, words in TITLES.items()
    )
    info = document["info"]
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} {escape(info['version'])}</title></head><body>"
        f"<main><h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{escape(info['description'])} "
        '<a href="/openapi.json">/openapi.json</a></p>'
        f"{''.join(rows)}<section><h2>Problems</h2><ul>{problems}</ul></section>"
        f"{''.join(_shape(name, schema) for name, schema in document['components']['schemas'].items())}"
        "</main></body></html>"
    )


def _shape(name: str, schema: dict[str, Any]) -> str:
    """What one body is made of, field by field."""
    required = schema.get("required", ())
    fields = "".join(
        f"<li><code>{escape(field)}</code>{' required 必填' if field in required else ''}: {_kind(shape)}"
        f"{escape(f' · {about}' if (about := shape.get('description')) else '')}</li>"
        for field, shape in schema.get("properties", {}).items()
    )
    said = escape(schema.get("description", ""))
    return f'<section id="{name}"><h2><code>{name}</code></h2><p>{said}</p><ul>{fields}</ul></section>'


def _kind(shape: dict[str, Any]) -> str:
    """What a value may be, in a few words."""
    if "$ref" in shape:
        return _schema_name(shape)
    if "anyOf" in shape:
        return " or ".join(_kind(one) for one in shape["anyOf"])
    if "enum" in shape:
        return escape(", ".join(map(str, shape["enum"])))
    if shape.get("type") == "array":
        return f"list of {_kind(shape.get('items', {}))}"
    return escape(str(shape.get("format") or shape.get("type") or "any"))


def _section(method: str, path: str, operation: dict[str, Any]) -> str:
    anchor = operation["operationId"]
    parameters = "".join(
        f"<li><code>{escape(one['name'])}</code> ({one['in']}) {escape(one.get('description', ''))}</li>"
        for one in operation["parameters"]
    )
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    answers = "".join(
        f"<li>{status} {escape(said['description'])} {_schema_name(_first(said['content'])['schema'])}</li>"
        for status, said in operation["responses"].items()
    )
    takes = f"<p>Body: {_schema_name(body) or _bodies(operation)}</p>" if "requestBody" in operation else ""
    who = " or ".join(name for choice in operation["security"] for name in choice) or "anybody"
    return (
        f'<section id="{anchor}"><h2><code>{method} {escape(path)}</code></h2><p>{escape(operation["summary"])}</p>'
        f"<p>By: {who}</p><ul>{parameters}</ul>{takes}<ul>{answers}</ul></section>"
    )


def _bodies(operation: dict[str, Any]) -> str:
    """The media types that a body may have, where it is no object of its own."""
    return escape(" or ".join(operation["requestBody"]["content"]))


def _schema_name(schema: dict[str, Any]) -> str:
    name = escape(str(schema.get("$ref", "")).rpartition("/")[2])
    return f'<a href="#{name}"><code>{name}</code></a>' if name else ""


def _first(content: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = next(iter(content.values()))
    return shown
