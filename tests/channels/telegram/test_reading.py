"""What our reading makes of every kind of update, beside what python-telegram-bot makes of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from telegram import Update as TheirUpdate

from gateway.channels.telegram import Telegram, TelegramSettings
from gateway.message import Address, File, InboundMessage, Raw
from gateway.testing.captured import Captured, faults, plain, read_folder
from tests.servers.telegram import TOKEN

HERE = Path(__file__).parent
PAYLOADS = [*read_folder(HERE / "fixtures"), *read_folder(HERE / "readings")]
AT = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)


def read(body: bytes, name: str = "captured") -> InboundMessage:
    """The one message of an update."""
    (said,) = Telegram(name, TelegramSettings(token=TOKEN)).parse(Raw(channel=name, body=body, received_at=AT))
    assert isinstance(said, InboundMessage)
    assert not faults(said)
    return said


def payload(name: str) -> bytes:
    """A captured payload."""
    return next(one.body for one in PAYLOADS if one.name == name)


@pytest.mark.parametrize("captured", PAYLOADS, ids=lambda one: one.name)
def test_every_kind_of_update_says_what_was_written_down(captured: Captured) -> None:
    assert captured.says
    (expected,) = captured.says
    said = plain(read(captured.body))
    del said["outcome"]
    assert said == {key: expected[key] for key in expected if key != "outcome"}


@pytest.mark.parametrize("captured", PAYLOADS, ids=lambda one: one.name)
def test_we_read_what_the_library_reads(captured: Captured) -> None:
    theirs = TheirUpdate.de_json(json.loads(captured.body), None)
    ours = read(captured.body)
    if ours.talk is None:
        return
    assert theirs.effective_user is None or ours.talk.account == str(theirs.effective_user.id)
    if theirs.callback_query is not None:
        assert ours.text == theirs.callback_query.data
        return
    message = theirs.effective_message
    assert message is not None
    assert ours.lodged_at == (message.edit_date or message.date)
    if message.text or message.caption:
        assert ours.text == (message.text or message.caption)
    attached = message.effective_attachment
    if isinstance(attached, tuple):
        attached = max(attached, key=lambda one: one.file_size)
    if ours.attachments:
        assert [one.reference for one in ours.attachments] == [attached.file_id]


def test_of_a_photo_the_largest_is_fetched() -> None:
    assert read(payload("c_photo_of_an_album")).attachments == (
        File(name="photo-1367.jpg", media_type="image/jpeg", reference="AgACAgUAAxkBAAIBQ2-large"),
    )


def test_the_phone_of_somebody_else_is_not_the_senders() -> None:
    own, other = read(payload("i_own_contact")), read(payload("j_contact_of_another"))
    assert Address(medium="phone", value="+8613800001234") in own.sender
    assert [one.medium for one in other.sender] == ["chat"]
    assert "138 0000 5678" in other.text


def test_an_edit_revises_the_message_and_each_edit_is_one_of_its_own() -> None:
    first, edit = read(payload("a_text")), read(payload("l_edited"))
    second = read(payload("l_edited").replace(b"10011", b"10099"))
    assert edit.talk is not None
    assert second.talk is not None
    assert edit.talk.revises == second.talk.revises == first.external_id
    assert len({first.external_id, edit.external_id, second.external_id}) == 3


def test_one_person_at_two_bots_has_two_accounts() -> None:
    accounts = {read(payload("a_text"), name).sender[0].value for name in ("tousu-bot", "repair-bot")}
    assert accounts == {"tousu-bot:700000001", "repair-bot:700000001"}


def test_a_press_in_a_group_is_no_word_of_a_person_to_us() -> None:
    pressed = json.loads(payload("m_pressed"))
    pressed["callback_query"]["message"]["chat"] = {"id": -100123, "type": "supergroup", "title": "业主群"}
    assert read(json.dumps(pressed).encode()).automatic == "group_post"


def test_a_press_under_a_message_that_is_gone_counts_all_the_same() -> None:
    pressed = json.loads(payload("m_pressed"))
    message = pressed["callback_query"]["message"]
    pressed["callback_query"]["message"] = {"chat": message["chat"], "message_id": message["message_id"], "date": 0}
    assert read(json.dumps(pressed).encode()).text == "/rate 261120-00000001-7 5"


def test_what_another_bot_writes_is_no_complaint() -> None:
    written = json.loads(payload("a_text"))
    written["message"]["from"]["is_bot"] = True
    assert read(json.dumps(written).encode()).automatic == "bot"


def test_a_sign_of_life_says_nothing() -> None:
    bot = Telegram("quiet", TelegramSettings(token=TOKEN))
    assert bot.parse(Raw(channel="quiet", body=b'{"ok":true,"result":[]}', received_at=AT)) == []
