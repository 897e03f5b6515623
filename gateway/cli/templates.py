"""`gateway preview`: what a notice looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.failures import none_of
from gateway.cli.shape import AsJson, ConfigFile, print_document, settings_of
from gateway.cli.words import say

if TYPE_CHECKING:
    from ticket_core.model import JSON


def preview(
    notice: Annotated[str, typer.Argument(metavar="NOTICE", help=say("通知名", "Name of the notice"))],
    locale: Annotated[str, typer.Option("--locale", metavar="L", help=say("语言：zh-CN, en", "zh-CN, en"))] = "zh-CN",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """A notice in every form with its sample data: subject, text, short (with its SMS count), html."""
    from gateway.render import Renderer, sample_view
    from gateway.segments import segments, signed

    renderer = Renderer(settings_of(config).templates_folder)
    known = renderer.notices()
    if notice not in known:
        raise none_of("通知", "notice", notice, known)
    if locale not in renderer.locales():
        raise none_of("语言", "locale", locale, renderer.locales())
    view = sample_view(renderer.folder / "samples", notice, locale)
    rendered = renderer.render(notice, locale=locale, view=view)
    short = signed(rendered.short or "", view.organisation.signature)
    cost = segments(rendered.short or "", signature=view.organisation.signature)
    if as_json:
        document: dict[str, JSON] = {
            "notice": notice,
            "locale": rendered.locale,
            "template_version": rendered.template_version,
            **{str(form): text for form, text in rendered.forms.items()},
            "segments": cost.count,
            "units": cost.units,
        }
        print_document(document)
        return
    count = say(f"{cost.count} 条短信，{cost.units} 字", f"{cost.count} SMS, {cost.units} characters")
    shown = {**rendered.forms, "short": short}
    for form, text in shown.items():
        print(f"── {form}{f' ({count})' if form == 'short' else ''}")
        print(f"{text.rstrip()}\n")
