"""Every part of the benchmark runs and says what it found; how fast it is here means nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from benchmarks.__main__ import PARTS
from benchmarks.measure import Found, Scale, Target
from benchmarks.people import body, mails, repeating

ROOT = Path(__file__).parent.parent
TINY = Scale(rounds=2, seconds=0.5, count=40, tickets=200, clients=8)


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
async def test_every_part_measures_each_of_its_variants(part: str) -> None:
    outcome = await PARTS[part](TINY)
    if outcome.skipped:
        pytest.skip("; ".join(outcome.skipped))
    variants = {one.variant for one in outcome.figures}
    assert len(variants) >= 2
    assert {len(one.rounds) for one in outcome.figures} == {2}
    assert all(value > 0 for one in outcome.figures for value in one.rounds if one.measure == "rate")


@pytest.mark.slow
def test_the_command_prints_a_table_and_one_json_object() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--only", "mail"],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    *table, last = done.stdout.splitlines()
    found = json.loads(last)
    assert table[0].split() == ["part", "variant", "measure", "median", "best"]
    assert {one["part"] for one in found["figures"]} == {"mail"}
    assert [one["met"] for one in found["targets"]] == [found["targets"][0]["value"] >= 2]
    assert "round 1" in done.stderr


def test_targets_are_judged_by_the_best_rounds() -> None:
    bare = [{"rate": 100.0, "cpu": 9.0}, {"rate": 80.0, "cpu": 10.0}]
    found = Found("part", {"bare": bare, "ours": [{"rate": 30.0, "cpu": 20.0}] * 2})
    assert found.ratio("rate", "ours", "bare") == pytest.approx(0.3)
    assert found.ratio("cpu", "ours", "bare") == pytest.approx(20 / 9)
    assert {one.variant: one.median for one in found.figures if one.measure == "rate"} == {"bare": 90.0, "ours": 30.0}


@pytest.mark.parametrize(
    ("sense", "value", "met"),
    [("at least", 1.9, False), ("at least", 2.0, True), ("at most", 2.0, True), ("at most", 2.1, False)],
)
def test_a_target_is_met_at_its_bound_and_on_its_good_side(
    sense: Literal["at least", "at most"], value: float, met: bool
) -> None:
    assert Target(part="part", says="", sense=sense, bound=2.0, value=value).met is met


def test_every_number_is_another_person_and_repeats_are_one_in_ten() -> None:
    assert len({body(person) for person in range(1000)}) == 1000
    again = repeating(body, 10)
    assert len({again(number) for number in range(1000)}) == 900


def test_no_two_mails_have_a_sender_or_an_id_in_common() -> None:
    made = list(mails(0, 60))
    for mark in (b"From:", b"Message-ID:"):
        assert len({line for mail in made for line in mail.splitlines() if line.startswith(mark)}) == 60
