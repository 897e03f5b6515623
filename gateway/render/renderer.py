"""Renders one notice for one recipient in the forms a transport wants."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from jinja2 import Template, TemplateError, meta
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import escape

from gateway.errors import RenderError
from gateway.render.sandbox import FAULTS, Values, environment_of, output_of, reason_of
from gateway.render.views import NoticeView

Form: TypeAlias = Literal["subject", "text", "short", "html", "choices"]
#: What people read of a notice; where a medium has buttons, ``choices`` comes with it.
FORMS: tuple[Form, ...] = ("subject", "text", "short", "html")
_ALL: tuple[Form, ...] = (*FORMS, "choices")
FILES: Mapping[str, str] = {
    "subject": "subject.txt.j2",
    "text": "text.txt.j2",
    "short": "short.txt.j2",
    "html": "html.html.j2",
    "choices": "choices.txt.j2",
}
META = "meta.toml"
SHARED = "_"
"""Folders whose name begins so hold parts of notices, not notices."""
SPOKEN = "chat_"
"""Notices whose name begins so are replies in a conversation: they have a text, and perhaps choices."""
OF_A_PART = "part_"
"""These tell the people who run the house of a part of it, and of no ticket."""
OF_AN_IMPORT = "import_"
"""These tell somebody of a forwarding body what became of a file, and of no ticket."""
LOCALES = ("zh-CN", "en")
"""Where to look when the recipient's own locale lacks the notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsTemplate:
    """The provider's approved template for the short form: its id and its variables, in order, by name."""

    template: str
    variables: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A notice as one recipient gets it; a form that was not asked for is None."""

    subject: str | None
    text: str | None
    short: str | None
    html: str | None
    choices: str | None
    """Buttons, a line each; None also where the notice offers none."""
    locale: str
    """The locale that was used, which need not be the one asked for."""
    template_version: str
    """Hash of the contents of all files this notice is made of; 12 hex digits."""
    sms: SmsTemplate | None
    """Rendered together with `short`, where the notice has a provider template."""

    @property
    def forms(self) -> dict[Form, str]:
        """The forms that were asked for, by name."""
        return {form: value for form in _ALL if (value := getattr(self, form)) is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    locale: str
    version: str
    forms: Mapping[Form, Template]
    sms_template: str
    sms_variables: tuple[tuple[str, Template], ...]


class Renderer:
    """All templates of a folder, read once; compiled on first use and kept. Safe to share between threads.

    `folder` holds ``notices/<locale>/<notice>/…`` and ``samples/<notice>.toml``. Edited files need a new Renderer.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sources = _read_sources(folder / "notices")
        self._environments = {locale: environment_of(locale, files) for locale, files in self._sources.items()}
        self._compiled: dict[tuple[str, str], _Compiled] = {}

    def locales(self) -> tuple[str, ...]:
        """All locales that have templates, sorted."""
        return tuple(sorted(self._sources))

    def notices(self, locale: str | None = None) -> tuple[str, ...]:
        """Names of all notices, of one locale or of all, sorted."""
        locales = self._sources if locale is None else {locale}
        names = {name.partition("/")[0] for one in locales for name in self._sources.get(one, {})}
        return tuple(sorted(name for name in names if not name.startswith(SHARED)))

    def render(self, notice: str, *, locale: str, view: NoticeView, forms: Sequence[Form] = FORMS) -> Rendered:
        """Renders the asked-for forms in `locale`, else in the first of zh-CN and en that has the notice.

        Without a template of their own, `short` is the text and `html` the text, escaped, in paragraphs.
        Raises RenderError when a variable is undefined or None, a form comes out empty, or the notice does not exist.
        """
        compiled = self._compiled.get((notice, locale)) or self._compile(notice, locale)
        values: Values = {
            "locale": compiled.locale,
            "ticket": view.ticket,
            "due": view.due,
            "event": view.event,
            "link": view.link,
            "organisation": view.organisation,
            "recipient": view.recipient,
        }
        templates = compiled.forms
        done: dict[Form, str] = {}
        needs_text = any(form not in templates for form in forms if form != "choices")
        for form in _ALL:
            template = templates.get(form)
            if template is not None and (form in forms or (form == "text" and needs_text)):
                done[form] = _FINISH[form](output_of(template, values, notice, form))
        return Rendered(
            subject=done.get("subject") if "subject" in forms else None,
            text=done.get("text") if "text" in forms else None,
            short=done.get("short", done.get("text")) if "short" in forms else None,
            html=(done.get("html") or _paragraphs(done["text"])) if "html" in forms else None,
            choices=done.get("choices") if "choices" in forms else None,
            locale=compiled.locale,
            template_version=compiled.version,
            sms=_sms(compiled, values, notice) if "short" in forms and compiled.sms_template else None,
        )

    def environment(self, locale: str) -> SandboxedEnvironment:
        """The template environment of one locale; raises KeyError when there is no such locale."""
        return self._environments[locale]

    def files(self, locale: str) -> Mapping[str, str]:
        """Contents of all files of a locale by name, such as ``answer/text.txt.j2``, shared parts included."""
        return self._sources.get(locale, {})

    def _compile(self, notice: str, locale: str) -> _Compiled:
        for candidate in dict.fromkeys((*_near(locale, self._sources), *LOCALES)):
            if f"{notice}/{FILES['text']}" in self._sources.get(candidate, {}):
                break
        else:
            raise RenderError(notice, "text", "there is no such notice")
        files, environment = self._sources[candidate], self._environments[candidate]
        own = {form: name for form in _ALL if (name := f"{notice}/{FILES[form]}") in files}
        if "subject" not in own and not notice.startswith(SPOKEN):
            raise RenderError(notice, "subject", f"{candidate} has no {FILES['subject']}")
        templates: dict[Form, Template] = {}
        for form, name in own.items():
            try:
                templates[form] = environment.get_template(name)
            except TemplateError as error:
                raise RenderError(notice, form, reason_of(error)) from error
        sms_template, sms_variables = _read_meta(notice, files.get(f"{notice}/{META}", ""), environment)
        compiled = _Compiled(
            locale=candidate,
            version=_version(notice, [*own.values(), f"{notice}/{META}"], files, environment),
            forms=templates,
            sms_template=sms_template,
            sms_variables=sms_variables,
        )
        self._compiled[notice, locale] = compiled
        return compiled


def _read_sources(root: Path) -> dict[str, dict[str, str]]:
    """Every file by locale and by its name inside the locale; folders shared by all locales are in each of them."""
    shared: dict[str, str] = {}
    locales: dict[str, dict[str, str]] = {}
    for folder in sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else ():
        is_shared = folder.name.startswith(SHARED)
        files = shared if is_shared else locales.setdefault(folder.name, {})
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                files[path.relative_to(root if is_shared else folder).as_posix()] = path.read_text("utf-8")
    return {locale: {**shared, **files} for locale, files in locales.items()}


def _near(locale: str, known: Collection[str]) -> list[str]:
    """The locale itself, then those of the same language: zh-Hans finds zh-CN, en-GB finds en."""
    language = locale.partition("-")[0].lower()
    return [locale, *sorted(other for other in known if other.partition("-")[0].lower() == language)]


def _version(notice: str, names: list[str], files: Mapping[str, str], environment: SandboxedEnvironment) -> str:
    """Hash over the notice's files and, transitively, over those they extend or include."""
    seen: dict[str, str] = {}
    while names:
        name = names.pop()
        if name in seen or name not in files:
            continue
        seen[name] = files[name]
        if not name.endswith(META):
            for other in meta.find_referenced_templates(environment.parse(files[name])):
                # None: chosen while rendering, so it may be any of the parts.
                names += [other] if other else [part for part in files if part.startswith(SHARED)]
    digest = hashlib.sha256()
    for name in sorted(seen):
        digest.update(f"{name}\0{seen[name]}\0".encode())
    return digest.hexdigest()[:12]


def _read_meta(
    notice: str, source: str, environment: SandboxedEnvironment
) -> tuple[str, tuple[tuple[str, Template], ...]]:
    """Reads ``[sms] template = "…"`` and ``[sms.variables] name = "{{ … }}"``."""
    try:
        sms = tomllib.loads(source).get("sms", {})
        variables = tuple((name, environment.from_string(text)) for name, text in sms.get("variables", {}).items())
        return str(sms.get("template", "")), variables
    except FAULTS as error:
        raise RenderError(notice, "short", f"{META}: {reason_of(error)}") from error


def _sms(compiled: _Compiled, values: Values, notice: str) -> SmsTemplate:
    variables = tuple(
        (name, _one_line(output_of(template, values, notice, "short"))) for name, template in compiled.sms_variables
    )
    return SmsTemplate(template=compiled.sms_template, variables=variables)


def _one_line(text: str) -> str:
    """A subject is a header and a short form one message: a line break in either is somebody's injection."""
    return " ".join(text.split())


_FINISH: Mapping[Form, Callable[[str], str]] = {
    "subject": _one_line,
    "text": str,
    "short": _one_line,
    "html": str,
    "choices": str,
}


def _paragraphs(text: str) -> str:
    blocks = re.split(r"\n\s*\n", text)
    return "\n".join(f"<p>{escape(block.strip())}</p>".replace("\n", "<br>\n") for block in blocks)
