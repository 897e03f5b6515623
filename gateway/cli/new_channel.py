"""`gateway new-channel`: an adapter, the folder for its captured payloads, and a test that fails."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from gateway.cli.failures import Failed, WrongUsage
from gateway.cli.shape import ConfigFile, tell
from gateway.cli.words import say

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

_ADAPTER = Template('''"""$title: what it is, with the link to the provider's documentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import ConfigDict

from gateway.channels.base import Parsed, Webhook
from gateway.errors import Refused
from gateway.message import Raw


@dataclass(frozen=True, slots=True, kw_only=True)
class ${cls}Settings:
    """``[channels.NAME]`` with ``kind = "$name"``."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    secret: str = field(repr=False)


class $cls(Webhook):
    """Pushed by the platform to ``POST /channels/NAME``."""

    Settings = ${cls}Settings

    def verify(self, raw: Raw) -> None:
        """Raise `Refused` unless the platform sent this: check its signature with `self.settings.secret`."""
        raise Refused(401, "verify is not written yet")

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """What it says. Pure: no network, no clock; whatever it raises sends the input to triage.

        Give each message the platform's own id as `external_id`, so that a second delivery has no second effect.
        """
        raise NotImplementedError("capture a payload into the fixtures folder first, then read it here")
''')

_TEST = Template('''"""The $name channel against the conformance kit."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from gateway.testing.kit import ChannelConformance


class Test$cls(ChannelConformance):
    """Every rule for channels. Still to be written: sign(), which signs an input as the platform does."""

    kind = "$name"
    settings: ClassVar = {"secret": "synthetic-secret"}
    secrets = ("secret",)
    fixtures = Path(__file__).parent / "fixtures" / "$name"
''')

_FIXTURES = Template("""# Captured payloads of the $name channel

One file per input as it came over the wire (`.json`, `.xml`, `.form`, `.eml`, `.bin`), with personal data replaced
(138000xxxxx, example.com). Beside each lie `NAME.expected.json`, what `parse` makes of it (the failing test prints a
proposal), and `NAME.headers.json` where headers matter. `gateway inbound show ID --raw > NAME.json` gives the bytes of
an input that a running gateway has taken.
""")


def new_channel(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help=say("类型名，如 wecom-bot", "Its kind, such as wecom-bot"))
    ],
    package: Annotated[
        str, typer.Option("--package", metavar="FOLDER", help=say("放适配器的包", "Package that the adapter goes into"))
    ] = "gateway.channels",
    tests: Annotated[
        Path, typer.Option("--tests", metavar="FOLDER", help=say("放测试的目录", "Folder of its test"))
    ] = Path("tests/channels"),
    config: ConfigFile = None,
) -> None:
    """Writes nothing over what is there. The test fails until verify, parse and the fixtures are written."""
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise WrongUsage(
            say(
                f"{name!r} 不是渠道名：小写字母、数字和连字符",
                f"{name!r}: lower-case letters, digits and single hyphens",
            )
        )
    module = name.replace("-", "_")
    cls = "".join(part.capitalize() for part in name.split("-"))
    words = {"name": name, "title": cls, "cls": cls, "module": f"{package}.{module}"}
    files = {
        Path(*package.split(".")) / f"{module}.py": _ADAPTER,
        tests / f"test_{module}.py": _TEST,
        tests / "fixtures" / name / "README.md": _FIXTURES,
    }
    there = [str(path) for path in files if path.exists()]
    if there:
        raise Failed(say(f"已存在：{', '.join(there)}", f"already there: {', '.join(there)}"))
    for path, template in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(template.substitute(words), encoding="utf-8")
        tell(say(f"已写入 {path}", f"wrote {path}"))
    tell(
        say(
            '把下一行加到 pyproject.toml 的 [project.entry-points."complaint_gateway.channels"] 并重新安装：',
            'Add this line to [project.entry-points."complaint_gateway.channels"] in pyproject.toml and install again:',
        )
    )
    print(f'{name} = "{package}.{module}:{cls}"')
    tell(say(f"然后：pytest {tests / f'test_{module}.py'}", f"Then: pytest {tests / f'test_{module}.py'}"))
