"""What channels and transports prove alike: how they are registered, configured, and how they keep secrets."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, ClassVar

import pytest

from gateway.channels.base import Channel, Transport
from gateway.errors import ConfigError
from gateway.registry import build, kinds, load_kind

_COMMON = frozenset({"kind", "profile"})
_LAZY = """
import sys
from gateway.registry import kinds, load_kind
assert {kind!r} in kinds()
assert {module!r} not in sys.modules, "imported although nobody configured it"
load_kind({kind!r})
assert {module!r} in sys.modules
"""


class AdapterConformance:
    """`kind` is the adapter's entry point, `settings` a complete working table, `secrets` the names of its secrets.

    A secret inside a table is written with a dot: ``door.token``.
    """

    section: ClassVar[str]
    kind: ClassVar[str]
    settings: ClassVar[Mapping[str, Any]] = {}
    secrets: ClassVar[Sequence[str]] = ()

    @property
    def adapter(self) -> type[Channel] | type[Transport]:
        """The class behind the kind."""
        return load_kind(self.kind)

    def build(self, name: str, **settings: Any) -> Channel | Transport:
        """A configured instance; `settings` stand over those of the class."""
        table = {"kind": self.kind, **self.settings, **settings}
        made = build(self.section, {name: table}, common=_COMMON)[name]
        assert isinstance(made, Channel | Transport)
        return made

    def test_it_is_registered_and_imported_only_when_it_is_configured(self) -> None:
        """A gateway that does not use it neither loads it nor needs its libraries."""
        assert self.kind in kinds()
        code = _LAZY.format(kind=self.kind, module=self.adapter.__module__)
        where = {**os.environ, "PYTHONPATH": os.pathsep.join(one for one in sys.path if one)}
        ran = subprocess.run([sys.executable, "-c", code], env=where, capture_output=True, text=True, check=False)  # noqa: S603  our own code
        assert ran.returncode == 0, ran.stderr

    def test_it_is_complete(self) -> None:
        """Nothing that an adapter must write is left out."""
        assert not inspect.isabstract(self.adapter)

    def test_the_operator_is_told_all_mistakes_at_once(self) -> None:
        """A misspelt key and a wrong value in every setting: each in the listing, none with its value."""
        own = fields(self.adapter.Settings)
        nonsense = _Nonsense()
        wrong = {one.name: nonsense for one in own if one.type not in ("Any", "object")}
        problems = self._problems({**wrong, "mispelt_key": 1})
        for name in [*wrong, "mispelt_key"]:
            assert any(line.startswith(f"{self.section}.operator.{name}") for line in problems), f"{name} is not named"
        assert not any(repr(nonsense) in line for line in problems), "a value is shown; it may be a secret"

    def test_a_setting_that_is_missing_is_named(self) -> None:
        """What has no default must be there."""
        needed = [one.name for one in fields(self.adapter.Settings) if _required(one)]
        problems = self._problems({}) if needed else []
        for name in needed:
            assert any(line.startswith(f"{self.section}.operator.{name}") for line in problems), f"{name} is not named"

    def test_its_secrets_are_named_and_not_shown(self, capfd: pytest.CaptureFixture[str]) -> None:
        """Neither repr nor str nor a log line at the start shows one."""
        assert not _unnamed_secrets(self.settings, self.secrets), "name them in `secrets`"
        made = self.build("quiet")
        shown = f"{made!r} {made} {made.settings!r} {made.settings}" + "".join(capfd.readouterr())
        for name in self.secrets:
            assert secret_of(self.settings, name) not in shown, f"{name} is shown; write field(repr=False)"

    def _problems(self, table: Mapping[str, Any]) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            build(self.section, {"operator": {"kind": self.kind, **table}}, common=_COMMON)
        return caught.value.problems


def secret_of(settings: Mapping[str, Any], name: str) -> str:
    """The value of a secret by its dotted name."""
    value: Any = settings
    for part in name.split("."):
        value = value[part]
    return str(value)


def with_other_secrets(settings: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
    """The settings, once for each secret, with another value of it."""
    return [_replaced(settings, name.split("."), "another-" + secret_of(settings, name)) for name in names]


def _replaced(settings: Mapping[str, Any], path: Sequence[str], value: str) -> dict[str, Any]:
    inside = value if len(path) == 1 else _replaced(settings[path[0]], path[1:], value)
    return {**settings, path[0]: inside}


_SECRET_WORDS = ("secret", "password", "token", "api_key", "aes_key")


def _unnamed_secrets(settings: Mapping[str, Any], named: Sequence[str], prefix: str = "") -> list[str]:
    found: list[str] = []
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            found += _unnamed_secrets(value, named, f"{name}.")
        elif isinstance(value, str) and key.endswith(_SECRET_WORDS) and name not in named:
            found.append(name)
    return found


def _required(field: Any) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


class _Nonsense:
    """A value of no type that a setting could have."""

    def __repr__(self) -> str:
        return "nonsense-that-may-be-a-secret"
