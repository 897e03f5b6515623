"""The OpenAPI document describes the routes that are served, all of them, and the server keeps to it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from jsonschema_rs import meta

from gateway.web.api import API_VERSION, ROUTES
from gateway.web.openapi import openapi
from tests.web.api_house import House, open_house

NOT_JSON_API = {"/channels/{name}", "/openapi.json", "/docs", "/healthz", "/readyz", "/metrics"}
CONTRACT = {
    ("POST", "/api/v1/complaints"),
    ("GET", "/api/v1/complaints/{number}"),
    ("POST", "/api/v1/complaints/{number}/supplements"),
    ("POST", "/api/v1/complaints/{number}/urges"),
    ("POST", "/api/v1/complaints/{number}/ratings"),
    ("POST", "/api/v1/complaints/{number}/withdrawal"),
    ("POST", "/api/v1/calls"),
    ("GET", "/api/v1/lookup"),
    ("GET", "/api/v1/tickets"),
    ("GET", "/api/v1/tickets/{number}"),
    ("GET", "/api/v1/tickets/{number}/events"),
    ("POST", "/api/v1/tickets/{number}/actions/{action}"),
    ("GET", "/api/v1/inbound"),
    ("GET", "/api/v1/notices"),
    ("POST", "/api/v1/imports/{source}"),
    ("GET", "/api/v1/imports"),
    ("GET", "/api/v1/imports/{source}"),
    ("GET", "/api/v1/imports/{source}/report.csv"),
    ("GET", "/api/v1/imports/{source}/report.xlsx"),
}
ADDED = {("GET", "/api/v1/exports/replies")}
ADDED |= {("POST", f"/api/v1/exports/replies/{{source}}{one}") for one in ("", "/again")}
ADDED |= {("GET", f"/api/v1/exports/{one}") for one in ("replies/{id}/file", "tickets.csv", "tickets.xlsx")}
ADDED |= {("POST", "/api/v1/inbound/{id}/replay")}
ADDED |= {("POST", "/chat/{name}/sessions"), ("GET", "/chat/{name}/lines")}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(f"sqlite:///{tmp_path / 'gateway.sqlite3'}") as opened:
        yield opened


async def test_the_document_has_the_routes_that_are_served_and_the_contract_asks_for(house: House) -> None:
    document = await (await house.client.get("/openapi.json")).json()
    described = {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}
    served = {
        (route.method, route.resource.canonical)
        for route in house.client.app.router.routes()
        if route.resource is not None
        and route.method != "HEAD"
        and route.resource.canonical not in NOT_JSON_API
        and not route.resource.canonical.startswith("/open311/")  # a standard of its own
    }
    assert described == served == CONTRACT | ADDED


async def test_every_reference_leads_somewhere_and_every_schema_is_one(house: House) -> None:
    document = await (await house.client.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert references == set(schemas)
    for schema in schemas.values():
        meta.validate(schema)


async def test_the_page_shows_every_route_and_every_kind_of_problem_without_foreign_code(house: House) -> None:
    response = await house.client.get("/docs")
    page = await response.text()
    assert response.content_type == "text/html" and "<script" not in page and "//" not in page.replace("/openapi", "")
    for _, path in CONTRACT | ADDED:
        assert path in page
    schemas = (await (await house.client.get("/openapi.json")).json())["components"]["schemas"]
    for name, schema in schemas.items():
        assert f'<section id="{name}">' in page
        assert all(f"<li><code>{field}</code>" in page for field in schema.get("properties", {}))
    problem = await (await house.client.get("/api/v1/nothing")).json()
    assert f'id="{problem["type"].partition("#")[2]}"' in page


def test_operations_have_names_of_their_own() -> None:
    document = openapi(ROUTES, version=API_VERSION)
    names = [one["operationId"] for operations in document["paths"].values() for one in operations.values()]
    assert len(names) == len(set(names))


# What a person may say is more than a schema can: a file's content, a phone that names nobody.
LEFT_OUT = "positive_data_acceptance,ignored_auth,use_after_free,ensure_resource_availability"


@pytest.mark.slow
async def test_whatever_a_machine_makes_up_from_the_document_is_answered_as_it_says(
    house: House, tmp_path: Path
) -> None:
    """Schemathesis: no 5xx, statuses, types and bodies as described, wrong input refused."""
    opened = await house.complain(complainant={"phone": "13800001234"})
    config = tmp_path / "schemathesis.toml"
    config.write_text(f'[parameters]\n"path.number" = "{opened["number"]}"\n"path.action" = ["comment", "urge"]\n')
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
        *("run", str(house.client.make_url("/openapi.json")), "--phases", "fuzzing", "--max-examples", "4"),
        *("--header", f"Authorization: Bearer {house.tokens['wang']}", "--header", f"X-Complaint-Key: {opened['key']}"),
        *("--seed", "1", "--max-failures", "5", "--exclude-checks", LEFT_OUT),
    ]
    run = await asyncio.create_subprocess_exec(
        *command,
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "NO_COLOR": "1"},
    )
    out, _ = await asyncio.wait_for(run.communicate(), 90)
    assert run.returncode == 0, out.decode()[-6000:]


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/healthz", "/metrics", "/api/v1/tickets", "/nowhere"])
async def test_every_answer_is_guarded_and_names_no_version(house: House, path: str) -> None:
    answer = await house.get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Server"] == "complaint-gateway"
