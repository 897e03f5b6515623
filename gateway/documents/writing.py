"""From an event of a ticket to a document: which template, what it may see, and that nothing in it stays blank.

Templates are ``documents/<locale>/<event>.docx`` and ``.pdf.j2``; those of one body lie in a folder of its name. What a
language has no template for is written in Chinese.
"""

from __future__ import annotations

import io
import re
import tomllib
from collections.abc import Mapping
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.errors import GatewayError, RenderError
from gateway.render.sample import sample_view
from gateway.render.sandbox import FAULTS, environment_of, reason_of
from gateway.render.views import NoticeView

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

FORMS: Mapping[str, str] = {"docx": ".docx", "pdf": ".pdf.j2"}
MEDIA_TYPES: Mapping[str, str] = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
}
_HOME = "zh-CN"
#: Before what somebody wrote: no mark of a letter begins there. It is never set on paper.
PLAIN = "\x1f"
#: Characters that XML has no way to write, and no paper shows.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class DocumentError(GatewayError):
    """A document cannot be written; the text says which and why, without any of its values."""


class Documents:
    """The templates below ``folder/documents``; `font` is a TrueType font with Chinese characters, for PDF."""

    def __init__(self, folder: Path, font: Path | None = None) -> None:
        self._folder = folder / "documents"
        self._font = font

    @property
    def samples(self) -> Path:
        """Where the sample values of each event lie."""
        return self._folder / "samples"

    def locales(self) -> tuple[str, ...]:
        """The languages there are templates in, Chinese first."""
        found = [path.name for path in self._folder.iterdir() if path.is_dir()] if self._folder.is_dir() else []
        return (_HOME, *sorted(set(found) - {_HOME, self.samples.name}))

    def locale_for(self, wanted: str, event: str, form: str, source: str = "") -> str:
        """The language in which a document is written for a reader of this one: the same, one near it, or Chinese."""
        language = wanted.partition("-")[0].lower()
        near = [one for one in self.locales() if one.partition("-")[0].lower() == language]
        ordered = sorted(near, key=lambda one: one != wanted)
        return next((one for one in ordered if self._template(event, form, source, one) is not None), _HOME)

    def events(self, source: str = "") -> tuple[str, ...]:
        """The events there are templates for, in any form."""
        places = [self._folder / _HOME, *([self._folder / _HOME / source] if source else [])]
        files = [path.name for place in places if place.is_dir() for path in place.iterdir() if path.is_file()]
        return tuple(sorted({name.partition(".")[0] for name in files if name.endswith(tuple(FORMS.values()))}))

    def forms(self, event: str, source: str = "") -> tuple[str, ...]:
        """The forms in which this event can be written."""
        return tuple(form for form in FORMS if self._template(event, form, source) is not None)

    def write(
        self, event: str, form: str, values: Mapping[str, Any], *, source: str = "", locale: str = _HOME
    ) -> bytes:
        """The document, by the template of this language.

        Raises:
            DocumentError: there is no template, a value is missing, or what writes this form is not installed.
        """
        template = self._template(event, form, source, locale)
        if template is None:
            raise DocumentError(f"{event}.{form}: there is no template in {self._folder / locale}")
        name = template.relative_to(self._folder).as_posix()
        try:
            if form == "docx":
                return _docx(template, values, locale)
            return self._pdf(template, values, locale)
        except ImportError as error:
            raise DocumentError(
                f"{name}: {error.name} is not installed: pip install 'complaint-gateway[documents]'"
            ) from error
        except FAULTS as error:
            raise DocumentError(f"{name}: {reason_of(error)}") from error

    def _template(self, event: str, form: str, source: str, locale: str = _HOME) -> Path | None:
        if not event.replace("_", "").isalnum() or form not in FORMS:
            return None
        name = f"{event}{FORMS[form]}"
        places = (self._folder / locale / source / name, self._folder / locale / name)
        return next((path for path in places if path.is_file()), None)

    def try_out(self, event: str, form: str, values: Mapping[str, Any], locale: str) -> None:
        """Fill a template in without setting it on paper, which takes a second.

        Raises:
            DocumentError: as `write`; what is not installed is no fault of the template.
        """
        template = self._template(event, form, "", locale)
        if template is None:
            return
        try:
            _docx(template, values, locale) if form == "docx" else _text(template, values, locale)
        except ImportError:
            return
        except FAULTS as error:
            raise DocumentError(f"{template.relative_to(self._folder).as_posix()}: {reason_of(error)}") from error

    def _pdf(self, template: Path, values: Mapping[str, Any], locale: str) -> bytes:
        from gateway.documents.paper import page_of

        text = _text(template, values, locale)
        try:
            return page_of(text, self._font)
        except LookupError as error:
            raise DocumentError(f"{template.name}: {error.args[0]}") from error


def _text(template: Path, values: Mapping[str, Any], locale: str) -> str:
    """The letter; what somebody wrote is marked line by line, so that it makes no title of its own."""
    environment = _environment({template.name: template.read_text("utf-8")}, locale)
    writable = environment.finalize
    assert writable is not None

    def marked(value: object) -> str:
        return PLAIN + f"\n{PLAIN}".join(str(writable(value)).splitlines())

    environment.printed = marked  # type: ignore[attr-defined]  # what the house's templates print by
    return environment.get_template(template.name).render(dict(values))


def _docx(template: Path, values: Mapping[str, Any], locale: str) -> bytes:
    from docxtpl import DocxTemplate

    document = DocxTemplate(template)
    environment = _environment({}, locale)
    environment.autoescape = True
    document.render(dict(values), environment, autoescape=True)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _environment(files: dict[str, str], locale: str) -> SandboxedEnvironment:
    """The sandbox of notices; what cannot be written is left out of every value."""
    environment = environment_of(locale, files)
    environment.autoescape = False
    no_blank = environment.finalize

    def writable(value: object) -> object:
        shown = no_blank(value) if no_blank is not None else value
        return _UNWRITABLE.sub("", shown) if type(shown) is str else shown

    environment.finalize = writable
    return environment


def check(documents: Documents) -> list[str]:
    """Everything wrong with the templates that have sample values, as ``file: reason``."""
    problems = []
    for locale, event in product(documents.locales(), documents.events()):
        for form in documents.forms(event):
            try:
                documents.try_out(event, form, sample_values(documents, event, locale), locale)
            except DocumentError as error:
                problems.append(f"documents/{error}")
    return problems


def sample_values(documents: Documents, event: str, locale: str = _HOME) -> dict[str, Any]:
    """The values that a template of this event is shown and checked with.

    Raises:
        DocumentError: there are none, or they do not fit.
    """
    try:
        view = sample_view(documents.samples, event, locale)
        extra = tomllib.loads((documents.samples / f"{event}.toml").read_text("utf-8"))
    except (RenderError, OSError, ValueError) as error:
        raise DocumentError(f"samples/{event}.toml: {error}") from error
    source = extra.get(locale, {}).get("source")
    return values_of(view, source=source, locale=locale, **extra.get("all", {}).get("document", {}))


def values_of(
    view: NoticeView, *, source: Mapping[str, str] | None, number: str, date: datetime, locale: str
) -> dict[str, Any]:
    """What a template sees: as a notice does, without links, and its own number and date and the body's name."""
    return {
        "ticket": view.ticket,
        "due": view.due,
        "event": {"code_label": "", **view.event},
        "organisation": view.organisation,
        "recipient": view.recipient,
        "source": source,
        "document": {"number": number, "date": date},
        "locale": locale,
    }
