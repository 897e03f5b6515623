"""`gateway check`: everything that is wrong, at once, with file and key."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.cli.terminal import Terminal, free_port


def publish(terminal: Terminal, *years: int) -> None:
    """The days of these years are known, and the configuration says where."""
    (terminal.folder / "days").mkdir()
    for year in years:
        (terminal.folder / "days" / f"{year}.json").write_text(f'{{"year": {year}, "papers": ["a notice"]}}')
    terminal.configure(first='calendar_folder = "days"\n')


def test_a_good_configuration_is_said_to_be_good(terminal: Terminal) -> None:
    publish(terminal, *(datetime.now(UTC).year + after for after in (0, 1)))
    ran = terminal.run("check")
    assert (ran.code, ran.err) == (0, "")
    assert "SQLite 3." in ran.out


def test_all_problems_stand_in_one_listing_with_file_and_key(terminal: Terminal) -> None:
    terminal.configure(
        """
        [channels.chat]
        kind = "no-such-kind"
        [channels.second]
        kind = "email"
        adress = "other@example.com"
        [transports.out]
        kind = "smtp"
        """,
        first='calendar_folder = "no-such-folder"\n',
    )
    ran = terminal.run("check")
    assert ran.code == 2
    for key in ("calendar_folder", "channels.chat", "channels.second.adress", "transports.out.host"):
        assert f"gateway.toml: {key}" in ran.err, ran.err


def test_a_secret_is_never_repeated_in_a_problem(terminal: Terminal) -> None:
    terminal.configure('[transports.out]\nkind = "smtp"\nport = "hunter2"\npassword = ["hunter2"]\n')
    ran = terminal.run("check")
    assert ran.code == 2
    assert "hunter2" not in ran.err + ran.out


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ('[[people]]\nname = "sun"\n', "people.sun: named 2 times"),
        ('[[people]]\nname = "li"\ngroups = ["kitchen"]\n', "people.li.groups: no profile has a group kitchen"),
        ('[[people]]\nname = "li"\nroles = ["king"]\n', "people.li.roles: no role king"),
        (
            '[[people]]\nname = "li"\nemail = "Complaints@example.com"\n',
            "people.li.email: the address of channels.mail",
        ),
        (
            '[channels.two]\nkind = "email"\naddress = "complaints@example.com"\n[channels.two.door]\nport = 2626\n',
            "channels.two.address: complaints@example.com belongs to channels.mail already",
        ),
        (
            (
                '[channels.two]\nkind = "email"\naddress = "two@example.com"\n'
                '[channels.two.imap]\nhost = "imap.example.com"\nuser = "box@example.com"\npassword = "x"\n'
                '[transports.out]\nkind = "smtp"\nhost = "smtp.example.com"\naddress = "out@example.com"\n'
                'user = "box@example.com"\npassword = "x"\n'
            ),
            "transports.out.user: the mailbox that channels.two reads",
        ),
        (
            "".join(
                f'[channels.{name}]\nkind = "open311"\n[channels.{name}.api_keys]\napp = "synthetic-key-of-{name}"\n'
                for name in ("east", "west")
            ),
            "channels.west.jurisdiction_id: each of several Open311 endpoints needs one of its own",
        ),
    ],
)
def test_a_set_up_that_would_go_wrong_is_refused(terminal: Terminal, more: str, problem: str) -> None:
    terminal.configure(more)
    ran = terminal.run("check")
    assert ran.code == 2
    assert problem in ran.err


def test_an_endpoint_of_ours_and_one_of_another_city_are_told_apart(terminal: Terminal) -> None:
    terminal.configure(
        '[channels.ours]\nkind = "open311"\n[channels.ours.api_keys]\napp = "synthetic-key-of-an-app"\n'
        '[channels.east]\nkind = "open311-city"\nurl = "https://east.example.com/v2"\napi_key = "x"\naddress = "西城"\n'
    )
    assert terminal.run("check").code == 0


def test_a_group_that_nobody_handles_is_a_problem(terminal: Terminal) -> None:
    text = (terminal.folder / "gateway.toml").read_text()
    (terminal.folder / "gateway.toml").write_text(text.replace('"switching", ', ""))
    assert "nobody handles the group switching" in terminal.run("check").err


def test_a_broken_template_is_a_problem(terminal: Terminal) -> None:
    folder = terminal.folder / "templates" / "notices" / "zh-CN" / "hello"
    folder.mkdir(parents=True)
    (folder / "text.txt.j2").write_text("{{ ticket.nummer }}")
    terminal.configure(first='templates_folder = "templates"\n')
    ran = terminal.run("check")
    assert ran.code == 2
    assert "templates/notices/zh-CN/hello/text.txt.j2: line 1: ticket has no nummer" in ran.err
    assert "telecom-10086.toml: notify: there is no notice acknowledgement" in ran.err


def test_every_source_is_looked_at_also_one_that_no_channel_names(terminal: Terminal) -> None:
    folder = terminal.folder / "sources"
    folder.mkdir()
    (folder / "town.toml").write_text(
        'name = "town"\nlabel = { zh-CN = "某镇" }\ncase_number = []\n[fields]\nact = ["x"]\n'
    )
    (folder / "city.toml").write_text('name = "city"\nlabel = 1\n')
    terminal.configure('[channels.city]\nkind = "transfer"\nsource = "city"\n', first='sources_folder = "sources"\n')
    ran = terminal.run("check")
    assert ran.code == 2
    assert "town.toml: fields.text: required, and no field says it" in ran.err
    assert "town.toml: case_number: no field says it" in ran.err
    assert ran.err.count("\n  city.toml: label: ") == 1, ran.err


def test_what_travels_in_the_clear_is_warned_of_and_no_problem(terminal: Terminal) -> None:
    terminal.configure(
        '[transports.out]\nkind = "smtp"\nhost = "smtp.example.com"\naddress = "out@example.com"\nsecurity = "none"\n'
    )
    ran = terminal.run("check")
    assert ran.code == 0, ran.err
    assert "transports.out: no TLS" in ran.err


@pytest.mark.parametrize(
    ("more", "warning"),
    [
        (
            '[transports.text]\nkind = "sms"\nurl = "https://sms.example.com/send"\nsignature = ""\n',
            "gateway.toml: transports.text.signature: empty",
        ),
        (
            (
                '[transports.out]\nkind = "smtp"\nhost = "smtp.example.com"\naddress = "out@example.com"\n'
                'bounce_address = "returns@example.com"\n'
            ),
            "gateway.toml: transports.out.bounce_address: returns@example.com is not bounce@",
        ),
    ],
)
def test_what_will_not_arrive_is_warned_of_and_no_problem(terminal: Terminal, more: str, warning: str) -> None:
    terminal.configure(more)
    ran = terminal.run("check")
    assert ran.code == 0, ran.err
    assert warning in ran.err


def test_a_signed_sms_and_a_recognised_bounce_need_no_warning(terminal: Terminal) -> None:
    terminal.configure(
        '[transports.text]\nkind = "sms"\nurl = "https://sms.example.com/send"\n'
        '[transports.out]\nkind = "smtp"\nhost = "smtp.example.com"\naddress = "out@example.com"\n'
        'bounce_address = "bounce@example.com"\n',
    )
    ran = terminal.run("check")
    assert (ran.code, ran.err) == (0, "")


def test_online_says_what_cannot_be_reached_within_its_time_limit(terminal: Terminal) -> None:
    port = free_port()
    terminal.configure(
        f'[transports.out]\nkind = "smtp"\nhost = "127.0.0.1"\nport = {port}\naddress = "out@example.com"\n'
        'security = "none"\n'
    )
    assert terminal.run("check").code == 0
    ran = terminal.run("check", "--online", "--json")
    assert ran.code == 2
    [problem] = ran.json["problems"]
    assert f"transports.out: 127.0.0.1:{port}" in problem
