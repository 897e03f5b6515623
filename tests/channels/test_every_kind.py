"""No kind is without its proof: each way in and each way out stands in the kit, and takes recorded inputs in."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.app import assemble, opened
from gateway.channels.base import Channel, Transport
from gateway.cli.inputs import _media_type, _read
from gateway.cli.work import COMMANDS
from gateway.config import Database, Settings
from gateway.registry import load_kind
from gateway.testing.captured import MEDIA_TYPES, Captured, read_folder
from tests.channels.proven import OWN_PROOF, channel_rules, transport_rules
from tests.docs.tables import own_kinds

WAYS_IN = [kind for kind in own_kinds() if issubclass(load_kind(kind), Channel)]
WAYS_OUT = [kind for kind in own_kinds() if issubclass(load_kind(kind), Transport)]


@pytest.mark.parametrize("kind", WAYS_IN)
def test_a_way_in_stands_in_the_kit(kind: str) -> None:
    assert channel_rules().get(kind), f"{kind} takes inputs in, and no ChannelConformance proves it"


@pytest.mark.parametrize("kind", WAYS_OUT)
def test_a_way_out_stands_in_the_kit(kind: str) -> None:
    elsewhere = kind in OWN_PROOF and OWN_PROOF[kind].is_file()
    assert elsewhere or transport_rules().get(kind), f"{kind} sends, and no TransportConformance proves it"


@pytest.mark.parametrize("kind", WAYS_IN)
def test_recorded_inputs_come_in_by_command(kind: str, tmp_path: Path) -> None:
    """`gateway ingest` with each captured payload, plain and as the platform sealed it."""
    ran = 0
    for number, rules in enumerate(channel_rules()[kind]):
        channels = {"recorded": {"kind": kind, **rules.settings}}
        asyncio.run(_ingested(rules, channels, tmp_path / str(number)))
        ran += len(read_folder(rules.fixtures))
    assert ran, f"{kind} brings no recorded inputs"


async def _ingested(rules: type[Any], channels: dict[str, dict[str, Any]], folder: Path) -> None:
    url = f"sqlite:///{folder}.sqlite3"
    settings = Settings(secret="a synthetic secret of a test gateway", database=Database(url=url), channels=channels)
    async with opened(assemble(settings)) as parts:
        for file, captured in _files(rules):
            body = _read(str(file))
            arguments = {
                "channel": "recorded",
                "file": str(file),
                "media_type": _media_type(str(file), body),
                "body": base64.b64encode(body).decode(),
            }
            made = await COMMANDS["ingest"](parts, arguments)
            assert isinstance(made, list)
            messages = [one for one in captured.says or () if one["outcome"] != "receipt"]
            told = [one for one in made if isinstance(one, dict)]
            assert [one["external_id"] for one in told if one["outcome"] != "receipt"] == [
                one.get("external_id") for one in messages
            ]
            assert all(one["file"] == str(file) and one["channel"] == "recorded" for one in told)
            assert "triage" not in {one["outcome"] for one in told} - {one["outcome"] for one in messages}, (
                captured.name
            )


def _files(rules: type[Any]) -> Iterator[tuple[Path, Captured]]:
    endings = {media_type: ending for ending, media_type in MEDIA_TYPES.items()}
    for captured in read_folder(rules.fixtures):
        yield rules.fixtures / f"{captured.name}{endings[captured.media_type]}", captured
