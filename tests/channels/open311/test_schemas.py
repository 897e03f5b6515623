"""The schemas themselves: the standard's own examples are valid by them, and what it forbids is not."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest
from lxml import etree

HERE = Path(__file__).parent
EXAMPLES = HERE / "examples"
XSD = etree.XMLSchema(etree.parse(str(HERE / "schemas" / "georeport-v2.xsd")))
DEFS = json.loads((HERE / "schemas" / "georeport-v2.json").read_bytes())


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.xml")), ids=lambda one: one.stem)
def test_the_examples_of_the_standard_are_valid_xml(file: Path) -> None:
    assert XSD.validate(etree.fromstring(file.read_bytes())), XSD.error_log


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.json")), ids=lambda one: one.stem)
def test_the_examples_of_the_standard_are_valid_json(file: Path) -> None:
    validator = jsonschema_rs.validator_for({**DEFS, "$ref": f"#/$defs/{file.stem}"})
    assert list(validator.iter_errors(json.loads(file.read_bytes()))) == []


@pytest.mark.parametrize(
    "wrong",
    [
        "<service_requests><request><status>fixed</status></request></service_requests>",
        "<service_requests><request><requested_datetime>2010-04-14T06:37:38</requested_datetime></request></service_requests>",
        "<service_requests><request><email>li@example.com</email></request></service_requests>",
        "<services><service><service_code>1</service_code></service></services>",
        "<errors/>",
    ],
    ids=("status", "time without zone", "foreign element", "service without name", "no error"),
)
def test_what_the_standard_does_not_allow_is_not_valid(wrong: str) -> None:
    assert not XSD.validate(etree.fromstring(wrong))
