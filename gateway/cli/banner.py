"""What ``gateway serve`` says when it runs: where to complain, where to look, how to sign in; each line can be used."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.app import Parts
from gateway.cli.demo import login_file
from gateway.loops import NOT_STARTED, Health

_SUBJECT, _BODY = "宽带断网", "断了三天，没人处理。"
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  where to reach what listens everywhere


def banner(parts: Parts, base_url: str, logins: Sequence[str]) -> list[str]:
    """The lines, in Chinese and English; `logins` are those that were made at this start."""
    settings = parts.settings
    return [
        f"{settings.organisation.name}  投诉受理网关已启动 / the complaint gateway is running",
        f"  投诉     complain     {base_url}/",
        *([f"  会话     chat         {base_url}/chat"] if parts.visits.channels else []),
        *_by_mail(parts),
        f"  接口     API          {base_url}/docs",
        f"  工作台   console      {base_url}/console/",
        f"  登录     sign in      {_sign_in(parts)}",
        *(f"{'':24}{login}" for login in logins),
        f"  通知     notices      {base_url}/console/notices   {_ways_out(parts)}",
        "  停止     stop         Ctrl-C",
    ]


def _by_mail(parts: Parts) -> list[str]:
    """One line of Python and one of swaks that hand a mail to our own door, where there is one."""
    for channel in parts.channels.values():
        door = getattr(channel.settings, "door", None)
        if door is not None and door.protocol == "smtp":
            host, to = _LOOPBACK.get(door.host, door.host), channel.settings.address
            mail = f"Subject: {_SUBJECT}\\nFrom: li@example.com\\nTo: {to}\\n\\n{_BODY}"
            return [
                (
                    f"  邮件     by mail      python3 -c \"import smtplib; smtplib.SMTP('{host}', {door.port})"
                    f".sendmail('li@example.com', '{to}', '{mail}'.encode())\""
                ),
                (
                    f"           or           swaks --server {host}:{door.port} --from li@example.com --to {to} "
                    f"--h-Subject '{_SUBJECT}' --body '{_BODY}'"
                ),
            ]
    return []


def _sign_in(parts: Parts) -> str:
    if parts.settings.demo and login_file(parts.settings).is_file():
        return f"账号密码见 / accounts and passwords: {login_file(parts.settings)}"
    return "新增账号 / add an account: gateway user add NAME --role supervisor"


def _ways_out(parts: Parts) -> str:
    preview = [medium for medium, one in parts.transports.items() if one.name.startswith("preview-")]
    return f"(只预览不外发 / shown, not sent: {', '.join(preview)})" if preview else ""


def _fails(health: Health) -> bool:
    """A part that has not begun yet, on a machine with much to do, is no trouble to tell of."""
    return not health.ok and health.why != NOT_STARTED


def troubles(parts: Parts) -> Sequence[str]:
    """What does not work a moment after the start, and where a door that is not open is set."""
    lines = [f"  !!  {name}: {health.why}" for name, health in parts.health.items() if _fails(health)]
    for name, channel in parts.channels.items():
        if "door" in channel.trouble:
            port, variable = channel.settings.door.port, f"GATEWAY_CHANNELS__{name.upper()}__DOOR__PORT"
            lines.append(f"      改端口 / another port: channels.{name}.door.port = {port}, 或 / or {variable}=…")
    return lines
