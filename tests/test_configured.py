"""What the operator's file names, made."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import Settings, load_settings
from gateway.configured import make_channels, make_transports, profile_of, read_policy
from gateway.errors import ConfigError

_SMS = {"kind": "sms", "url": "https://sms.example.com/send"}


@pytest.mark.parametrize(
    ("own", "signature"),
    [({}, "示范通信"), ({"signature": "示范热线"}, "示范热线"), ({"signature": ""}, "")],
)
def test_sms_are_signed_by_the_organisation_unless_the_transport_says_otherwise(
    own: dict[str, str], signature: str
) -> None:
    settings = Settings.model_validate({"organisation": {"signature": "示范通信"}, "transports": {"text": _SMS | own}})
    assert make_transports(settings)["sms"].settings.signature == signature


def test_a_transport_without_a_signature_gets_none() -> None:
    mail = {"kind": "smtp", "host": "smtp.example.com", "address": "out@example.com"}
    settings = Settings.model_validate({"organisation": {"signature": "示范通信"}, "transports": {"mail": mail}})
    assert not hasattr(make_transports(settings)["email"].settings, "signature")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text('[channels.mail]\nkind = "email"\naddress = "tousu@example.com"\n', encoding="utf-8")
    return path


def test_lists_and_tables_come_from_the_environment_as_json(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("HTTP__TRUSTED_PROXIES", '["10.0.0.1"]'),
        ("PEOPLE", '[{"name": "li", "roles": ["agent"]}]'),
        ("CHANNELS__MAIL__ALIASES", '["a@example.com", "b@example.com"]'),
        ("CHANNELS__MAIL__IMAP__HOST", "imap.example.com"),
        ("CHANNELS__MAIL__IMAP__USER", "tousu"),
        ("CHANNELS__MAIL__IMAP__PASSWORD", "12345678"),
        ("CHANNELS__MAIL__IMAP__PORT", "1993"),
        ("CHANNELS__MORE", '{"kind": "web"}'),
        ("CHANNELS__MAIL__IMAP__FOLDERS", '["INBOX", "Junk"]'),
    ):
        monkeypatch.setenv(f"GATEWAY_{name}", value)
    settings = load_settings(file)
    assert settings.http.trusted_proxies == ("10.0.0.1",)
    assert [one.name for one in settings.people] == ["li"]
    assert "more" in settings.channels
    mail = make_channels(settings)["mail"].settings
    assert mail.aliases == ("a@example.com", "b@example.com")
    assert mail.imap.folders == ("INBOX", "Junk")
    assert (mail.imap.password, mail.imap.port) == ("12345678", 1993), "a password of digits is no number"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("GATEWAY_HTTP__PORT", "eighty", "GATEWAY_HTTP__PORT: Input should be a valid integer"),
        ("GATEWAY_HTTP__PROT", "1", "GATEWAY_HTTP__PROT: Extra inputs"),
        ("GATEWAY_HTTP__TRUSTED_PROXIES", "10.0.0.1", "GATEWAY_HTTP__TRUSTED_PROXIES: must be JSON"),
        ("GATEWAY_PEOPLE", "li", "GATEWAY_PEOPLE: must be JSON"),
    ],
)
def test_a_wrong_variable_of_the_environment_is_told_by_its_name(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, problem: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as told:
        load_settings(file)
    assert len(told.value.problems) == 1
    assert told.value.problems[0].startswith(problem)
    assert value not in told.value.problems[0].removeprefix(problem)


_SOURCE = """
name = "ours"
label = { zh-CN = "本市热线" }
case_number = ["编号"]
fields = { text = ["内容"] }
"""


def _sources(folder: Path, *more: str) -> Path:
    folder.mkdir()
    (folder / "ours.toml").write_text("\n".join([*more, _SOURCE]), encoding="utf-8")
    return folder


def test_a_forwarded_case_follows_the_process_of_its_channel_else_of_its_source_else_the_usual_one(
    tmp_path: Path,
) -> None:
    channels = {
        "city": {"kind": "transfer", "source": "12345"},
        "own": {"kind": "transfer", "source": "12345", "profile": "generic"},
        "carrier": {"kind": "transfer", "source": "eoms"},
        "town": {"kind": "transfer", "source": "ours", "sources_folder": str(_sources(tmp_path / "sources"))},
        "mail": {"kind": "email"},
    }
    settings = Settings.model_validate({"channels": channels})
    policy = read_policy(settings)
    followed = {name: profile_of(settings, table, policy.sources) for name, table in channels.items()}
    assert followed == {
        "city": "transfer",
        "own": "generic",
        "carrier": "telecom-10086",
        "town": "generic",
        "mail": "generic",
    }
    assert set(followed.values()) == set(policy.profiles)
    assert {rule.name for rule in policy.profiles["transfer"].deadlines if "12345" in rule.when.source} >= {"answer"}


def test_a_process_that_a_source_names_and_nobody_has_is_told_with_file_and_key(tmp_path: Path) -> None:
    channels = {"town": {"kind": "transfer", "source": "ours"}}
    folder = _sources(tmp_path / "sources", 'profile = "nobodys"')
    with pytest.raises(ConfigError) as caught:
        read_policy(Settings.model_validate({"channels": channels, "sources_folder": str(folder)}))
    (problem,) = caught.value.problems
    assert problem.startswith("ours.toml: profile: ")
    assert "nobodys" in problem
