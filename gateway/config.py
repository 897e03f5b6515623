"""The operator's file: what is configured, from TOML and the environment, checked whole.

Every setting can come from the environment instead: ``GATEWAY_`` and its path, with ``__`` between levels, such as
``GATEWAY_HTTP__PORT``. The environment wins over the file; lists and tables are JSON there.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from gateway.errors import ConfigError
from gateway.shipped import shipped_templates
from ticket_core.directory import Person

_DEMO = Path(__file__).parent.parent / "examples" / "demo.toml"
_OWN_FILE = Path("gateway.toml")
_PREFIX = "GATEWAY_"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Database(_Section):
    """Where everything is kept: ``sqlite:///PATH`` or ``postgresql+psycopg://USER@HOST/NAME``."""

    url: str = "sqlite:///data/gateway.sqlite3"


class Http(_Section):
    """Where the web pages and interfaces are served; `public_url` is how people outside reach them."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    public_url: str = ""
    body_limit: Annotated[int, Field(ge=1024)] = 32 << 20
    requests_per_minute: Annotated[int, Field(ge=0)] = 600
    intakes_per_minute: Annotated[int, Field(ge=0)] = 60
    trusted_proxies: tuple[str, ...] = ()
    unlimited: frozenset[str] = frozenset({"127.0.0.1", "::1"})
    watchers: frozenset[str] = frozenset({"127.0.0.1", "::1"})

    @property
    def base_url(self) -> str:
        """The address in links, without a slash at its end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


class Organisation(_Section):
    """Who answers: the name in notices, the hotline people may call, the signature of SMS."""

    name: str = "投诉受理中心"
    hotline: str = ""
    signature: str = "投诉受理"


class Dispatch(_Section):
    """How notices are sent: tries, pauses and caps (contract, sections 7 and 8).

    Where it is not `enabled` this process sends nothing: notices wait for another one on the same database.
    """

    enabled: bool = True
    retry: tuple[timedelta, ...] = (
        timedelta(seconds=20),
        timedelta(minutes=1),
        timedelta(minutes=3),
        timedelta(minutes=5),
    )
    horizon: timedelta = timedelta(hours=24)
    lease: timedelta = timedelta(minutes=2)
    batch: Annotated[int, Field(ge=1, le=1000)] = 100
    per_address_per_hour: Annotated[int, Field(ge=1)] = 30
    per_person_per_hour: Annotated[int, Field(ge=1)] = 600
    per_ticket_per_day: Annotated[int, Field(ge=1)] = 60


class Paper(_Section):
    """Documents as PDF: `font` is a TrueType font with Chinese characters; left out: one of the system's."""

    font: Path | None = None


class Alarms(_Section):
    """Those who run the house are told of a part that has been unwell for `after`: roles admin, else supervisor."""

    enabled: bool = True
    after: timedelta = timedelta(minutes=2)


class _Environment(EnvSettingsSource):
    """Leaves what an adapter alone can read as it is: a password of digits is a text and no number of JSON."""

    def decode_complex_value(self, field_name: str, field: FieldInfo | None, value: Any) -> Any:
        """The JSON of a setting of ours, and tables of those of adapters."""
        if field is None and not str(value).lstrip().startswith("{"):
            raise ValueError("not a table")
        return super().decode_complex_value(field_name, field, value)  # type: ignore[arg-type]  # it takes None, too


class Settings(BaseSettings):
    """All settings. `channels` and `transports` are tables by name; each has a `kind`, the rest is its adapter's."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )
    profile: str = "generic"
    profiles_folder: Path | None = None
    sources_folder: Path | None = None
    calendar_folder: Path | None = None
    templates_folder: Path = Field(default_factory=shipped_templates)
    secret: str = ""
    secret_file: Path = Path("data/secret")
    area_code: str = ""
    demo: bool = False  # the first start makes accounts for whoever only wants to look
    database: Database = Database()
    http: Http = Http()
    organisation: Organisation = Organisation()
    dispatch: Dispatch = Dispatch()
    alarms: Alarms = Alarms()
    documents: Paper = Paper()
    channels: dict[str, dict[str, Any]] = Field(default_factory=dict)
    transports: dict[str, dict[str, Any]] = Field(default_factory=dict)
    people: tuple[Person, ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment stands before the file, which comes in as the initial values."""
        return _Environment(settings_cls), init_settings

    def signing_secret(self) -> bytes:
        """The installation's secret: from the setting, else from its file, made at the first start (mode 600)."""
        if self.secret:
            return self.secret.encode()
        path = self.secret_file
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError), _private(path) as fresh:
            fresh.write(secrets.token_hex(32).encode())
        return path.read_bytes().strip()


@contextlib.contextmanager
def _private(path: Path) -> Iterator[Any]:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file


def default_file() -> Path:
    """The file used when none is named: ``gateway.toml`` here, else the demo of the checkout."""
    return _DEMO if _DEMO.is_file() and not _OWN_FILE.is_file() else _OWN_FILE


def load_settings(path: Path | None = None) -> Settings:
    """Read and check the configuration.

    Raises:
        ConfigError: with every problem as ``file: key: reason``; no value is repeated, it may be a secret.
    """
    file = path or default_file()
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([f"{file}: {error.strerror}"]) from error
    except ValueError as error:
        raise ConfigError([f"{file}: {error}"]) from error
    try:
        return Settings(**table)
    except SettingsError as error:  # it says of which section, and its cause has the value
        value = getattr(error.__cause__, "doc", None)
        name = next((name for name, given in os.environ.items() if _is_ours(name) and given == value), "GATEWAY_…")
        raise ConfigError([f'{name}: must be JSON, such as ["a", "b"]']) from error
    except ValidationError as error:
        raise ConfigError(
            [
                f"{_place(item['loc'], file)}: {item['msg']}"
                for item in error.errors(include_input=False, include_url=False)
            ]
        ) from error


def _is_ours(name: str) -> bool:
    return name.upper().startswith(_PREFIX)


def _place(path: tuple[int | str, ...], file: Path) -> str:
    """Where a value stands: the variable of the environment that gave it, else file and key."""
    parts = [str(part) for part in path]
    variable = f"{_PREFIX}{'__'.join(parts)}".upper()
    given = next((name for name in os.environ if name.upper() == variable), None)
    return given or f"{file.name}: {'.'.join(parts)}"
