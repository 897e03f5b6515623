"""The kit for ways out: each fault that authors make is found by the rule that forbids it."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from aiohttp import ClientError

from gateway.channels.base import Channel, Transport
from gateway.errors import DeliveryError
from tests.channels.toy import broken_post as broken
from tests.channels.toy.post import Post
from tests.channels.toy.test_post import TestPost as Rules

ONE = "test_a_notice_is_accepted_under_our_reference"
TWO = "test_an_address_that_names_two_is_never_sent_to"
FAULT = "test_a_fault_is_told_by_its_type_and_the_next_notice_goes_out"
NOBODY = "test_nobody_at_the_other_end_is_worth_another_try"
NONE = "test_an_answer_that_is_none_ends_in_time_and_goes_nowhere_else"
PIECES = "test_an_answer_in_pieces_is_read_whole"
MANY = "test_many_at_once_all_arrive_and_no_more_than_it_said"
CLOSED = "test_close_leaves_no_connection_open"

FAULTS: list[tuple[type[Post], str, dict[str, Any]]] = [
    (broken.NeverGivesUp, FAULT, {"fault": "silent"}),
    (broken.NeverGivesUp, NONE, {"line": "drips"}),
    (broken.PatientWithEachByte, NONE, {"line": "drips"}),
    (broken.ReadsItAll, NONE, {"line": "never ends"}),
    (broken.ReadsWhatIsThere, PIECES, {}),
    (broken.GoesWhereItIsSent, NONE, {"line": "sends elsewhere"}),
    (broken.TriesAgain, FAULT, {"fault": "dropped"}),
    (broken.NeverAgain, FAULT, {"fault": "busy"}),
    (broken.NeverAgain, NOBODY, {}),
    (broken.TellsItsKey, FAULT, {"fault": "busy"}),
    (broken.ForgetsTheWait, FAULT, {"fault": "busy"}),
    (broken.NoReference, ONE, {}),
    (broken.ManyAddresses, TWO, {"address": "{0},{0}"}),
    (broken.AtOnce, MANY, {}),
    (broken.LeavesItOpen, CLOSED, {}),
    (broken.LetsErrorsThrough, NOBODY, {}),
]


@pytest.mark.parametrize(("adapter", "rule", "arguments"), FAULTS)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_a_fault_is_found(
    adapter: type[Post], rule: str, arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Rules):
        @property
        def adapter(self) -> type[Channel] | type[Transport]:
            return adapter

    monkeypatch.setattr("gateway.registry.load_kind", lambda kind: adapter)
    monkeypatch.setattr("gateway.testing.transport._PATIENCE", 1.5)
    with pytest.raises((AssertionError, TimeoutError, ClientError, DeliveryError, pytest.fail.Exception)):
        getattr(Broken(), rule)(**arguments)
    gc.collect()  # what they left open is closed here, and not in somebody else's test
