"""The kit itself: each fault that authors make is found by the rule that forbids it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.channels.base import Channel, Transport
from gateway.testing.captured import Captured, read_folder
from tests.channels.toy import broken
from tests.channels.toy.push import Push
from tests.channels.toy.test_push import TestPush as Rules

MESSAGE = next(one for one in read_folder(Rules.fixtures) if one.name == "message")
SAYS = "test_an_input_says_what_was_written_down"
PURE = "test_reading_needs_no_clock_no_network_and_no_time_zone"
SAME_ID = "test_a_second_delivery_has_the_same_id"
FIVE = "test_delivered_five_times_at_once_it_has_one_effect"
HOSTILE = "test_whatever_a_payload_becomes_it_ends_in_the_journal"
FORGED = "test_a_forged_input_is_refused_and_not_kept"
CHANGED = "test_what_was_changed_on_the_way_is_refused_or_says_the_same"
TRUE = "test_what_is_said_of_its_signature_is_true"
TYPED = "test_whatever_type_a_body_is_said_to_be_it_ends_in_the_journal"
SHUFFLED = "test_delivered_in_any_order_and_again_every_input_has_one_effect"
LARGE = "test_what_is_too_large_is_stopped_at_the_door"
MISTAKES = "test_the_operator_is_told_all_mistakes_at_once"
SECRETS = "test_its_secrets_are_named_and_not_shown"

FAULTS: list[tuple[type[Push], str, dict[str, Any]]] = [
    (broken.ReadsTheClock, PURE, {}),
    (broken.LocalTime, PURE, {}),
    (broken.AsksTheNetwork, PURE, {}),
    (broken.NaiveTime, SAYS, {}),
    (broken.KindForName, SAYS, {}),
    (broken.IdOfTheHour, SAME_ID, {}),
    (broken.NoId, SAME_ID, {}),
    (broken.NoId, FIVE, {}),
    (broken.Silent, HOSTILE, {}),
    (broken.OpenDoor, FORGED, {"forgery": "nothing signed"}),
    (broken.OpenDoor, FORGED, {"forgery": "another secret"}),
    (broken.OpenDoor, FORGED, {"forgery": "another body"}),
    (broken.TrustsTheTime, FORGED, {"forgery": "too old"}),
    (broken.ComparesText, FORGED, {"forgery": "bad values"}),
    (broken.SignsHalf, CHANGED, {}),
    (broken.AnswersAnybody, FORGED, {"forgery": "nothing signed"}),
    (broken.FailsOnCheck, FORGED, {"forgery": "nothing signed"}),
    (broken.TrustsTheCharset, TYPED, {}),
    (broken.Loose, MISTAKES, {}),
    (broken.Loose, SECRETS, {}),
]


def broken_rules(adapter: type[Push]) -> Rules:
    """The rules of push, asked of another adapter."""

    class Broken(Rules):
        @property
        def adapter(self) -> type[Channel] | type[Transport]:
            return adapter

    return Broken()


@pytest.mark.parametrize(("adapter", "rule", "arguments"), FAULTS)
def test_a_fault_is_found(
    adapter: type[Push],
    rule: str,
    arguments: dict[str, Any],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.registry.load_kind", lambda kind: adapter)
    known: dict[str, Any] = {"captured": MESSAGE, "tmp_path": tmp_path, "capfd": capfd}
    check = getattr(broken_rules(adapter), rule)
    wanted = {
        name: value for name, value in known.items() if name in check.__code__.co_varnames[: check.__code__.co_argcount]
    }
    with pytest.raises((AssertionError, TypeError, pytest.fail.Exception)):
        check(**wanted, **arguments)


@pytest.mark.parametrize(
    ("rule", "claim"),
    [(TRUE, {"covers": "sender"}), (TRUE, {"fresh_for": None}), (SHUFFLED, {"own_ids": False})],
)
def test_nobody_leaves_a_rule_out_by_saying_what_is_not_so(rule: str, claim: dict[str, Any], tmp_path: Path) -> None:
    claiming = type("Claiming", (Rules,), claim)()
    check = getattr(claiming, rule)
    with pytest.raises(AssertionError, match=next(iter(claim))):
        check(tmp_path) if "tmp_path" in check.__code__.co_varnames else check()


@pytest.mark.parametrize("rule", [SAYS, PURE, SAME_ID, FIVE, HOSTILE])
def test_a_payload_nobody_wrote_an_expectation_for_proves_nothing(rule: str, tmp_path: Path) -> None:
    bare = Captured(name="bare", body=MESSAGE.body, media_type=MESSAGE.media_type, headers={}, says=None)
    check = getattr(Rules(), rule)
    with pytest.raises(pytest.fail.Exception):
        check(bare, tmp_path) if "tmp_path" in check.__code__.co_varnames else check(bare)


def test_a_class_without_fixtures_fails(tmp_path: Path) -> None:
    class Empty(Rules):
        fixtures = tmp_path

    with pytest.raises(AssertionError, match="no captured payload"):
        Empty().test_its_folder_holds_captured_payloads_that_open_a_ticket()


def test_a_renamed_payload_takes_no_test_away_in_silence(tmp_path: Path) -> None:
    (tmp_path / "old.expected.json").write_text("[]")
    (tmp_path / "new.json").write_bytes(MESSAGE.body)
    (tmp_path / "new.expected.json").write_text('[{"outcome": "opened"}]')

    class Renamed(Rules):
        fixtures = tmp_path

    with pytest.raises(AssertionError, match=r"old\.expected\.json"):
        Renamed().test_its_folder_holds_captured_payloads_that_open_a_ticket()
