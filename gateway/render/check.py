"""Finds everything wrong with a folder of templates before any notice is owed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import TemplateSyntaxError, nodes

from gateway.errors import RenderError
from gateway.render.renderer import FILES, FORMS, META, SHARED, SPOKEN, Form, Renderer
from gateway.render.sample import COMMON, sample_view
from gateway.render.views import VIEW_FIELDS, VIEWS, NoticeView
from gateway.segments import segments

MAX_SEGMENTS = 2
"""Parts an SMS may have with its sample's signature; a link makes the second one necessary."""

_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_VIEWS = {name: VIEW_FIELDS[view] for name, view in VIEWS.items()}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing to mend: the file, relative to the template folder, and what is wrong with it."""

    file: str
    reason: str


def check(renderer: Renderer) -> list[Problem]:
    """All problems of a template folder, sorted: unknown and missing files, names no view has, and whatever shows
    when every notice is rendered in every locale and form with its sample.
    """
    return sorted(
        {*_folders(renderer), *_files(renderer), *_names(renderer), *_samples(renderer), *_rendered(renderer)}
    )


def _folders(renderer: Renderer) -> Iterator[Problem]:
    root = renderer.folder / "notices"
    if not renderer.notices():
        yield Problem(file="notices", reason="holds no notices")
    for path in root.iterdir() if root.is_dir() else ():
        if not path.is_dir():
            yield Problem(file=f"notices/{path.name}", reason="stands outside of every locale")
        elif not path.name.startswith(SHARED) and not _LOCALE.fullmatch(path.name):
            yield Problem(file=f"notices/{path.name}", reason="is no locale such as zh-CN or en")


def _files(renderer: Renderer) -> Iterator[Problem]:
    known = {*FILES.values(), META}
    for locale in renderer.locales():
        for name in renderer.files(locale):
            folder, _, file = name.rpartition("/")
            if not folder.startswith(SHARED) and (file not in known or "/" in folder or not folder):
                yield Problem(file=f"notices/{locale}/{name}", reason="is no file of a notice")
        for notice in renderer.notices():
            whole = notice in renderer.notices(locale) and not notice.startswith(SPOKEN)
            needed: tuple[Form, ...] = ("subject", "text") if whole else ("text",)
            for form in needed:
                name = f"{notice}/{FILES[form]}"
                if name not in renderer.files(locale):
                    yield Problem(file=f"notices/{locale}/{name}", reason="is missing")


def _names(renderer: Renderer) -> Iterator[Problem]:
    """Names no view has, in branches too that no sample goes through."""
    for locale in renderer.locales():
        for name, source in renderer.files(locale).items():
            if not name.endswith(".j2"):
                continue
            file = f"notices/{locale}/{name}"
            try:
                tree = renderer.environment(locale).parse(source)
            except TemplateSyntaxError as error:
                yield Problem(file=file, reason=f"line {error.lineno}: {error.message}")
                continue
            for node in tree.find_all(nodes.Getattr):
                owner = node.node
                if isinstance(owner, nodes.Name) and node.attr not in _VIEWS.get(owner.name, {node.attr}):
                    yield Problem(file=file, reason=f"line {node.lineno}: {owner.name} has no {node.attr}")


def _samples(renderer: Renderer) -> Iterator[Problem]:
    folder = renderer.folder / "samples"
    for path in folder.glob("*.toml"):
        if path.name != COMMON and path.stem not in renderer.notices():
            yield Problem(file=f"samples/{path.name}", reason="is the sample of no notice")


def _rendered(renderer: Renderer) -> Iterator[Problem]:
    for locale in renderer.locales():
        for notice in renderer.notices(locale):
            try:
                view = sample_view(renderer.folder / "samples", notice, locale)
            except RenderError as error:
                yield Problem(file=f"samples/{notice}.toml", reason=error.reason)
                continue
            for form in (*FORMS, "choices") if not notice.startswith(SPOKEN) else ("text", "choices"):
                yield from _one_form(renderer, notice, locale, form, view)


def _one_form(renderer: Renderer, notice: str, locale: str, form: Form, view: NoticeView) -> Iterator[Problem]:
    file = f"notices/{locale}/{notice}/{FILES[form]}"
    try:
        rendered = renderer.render(notice, locale=locale, view=view, forms=(form,))
    except RenderError as error:
        # The form that failed may be the one this falls back to.
        yield Problem(file=f"notices/{locale}/{notice}/{FILES.get(error.form, META)}", reason=error.reason)
        return
    if form == "short" and rendered.short is not None:
        if "【" in rendered.short or "】" in rendered.short:
            yield Problem(file=file, reason="has 【】, which only the signature may have")
        count = segments(rendered.short, mainland=True, signature=view.organisation.signature).count
        if count > MAX_SEGMENTS:
            yield Problem(file=file, reason=f"takes {count} SMS segments, more than {MAX_SEGMENTS}")
