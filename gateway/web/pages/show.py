"""Shows a page: template, language, and the headers that keep it to itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.render.filters import filters_of
from gateway.shipped import shipped_templates
from gateway.web.auth import DESK, ROLES, form_token, signed_in
from gateway.web.pages.assets import Assets
from gateway.web.pages.language import LOCALES, Words, page_locale
from gateway.web.words import Locale

_LANGUAGE_NAMES: Final = {"zh-CN": "中文", "en": "English"}
_CSP: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
#: Of every page. The referrer stays inside: a tracking page's address holds its key, yet a form post needs an Origin.
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
    "Vary": "Accept-Language, Cookie",
}
#: Which roles have which pages of the console.
OPEN_TO: Final[Mapping[str, tuple[str, ...]]] = {
    "/console/": ROLES,
    "/console/calls/new": ("agent", "supervisor"),
    "/console/deadlines": ROLES,
    "/console/triage": DESK,
    "/console/inbound": DESK,
    "/console/notices": DESK,
    "/console/imports": DESK,
    "/console/replies": ("agent", "supervisor"),
    "/console/people": ("admin",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the pages say about the organisation.

    `templates` holds the folder ``pages``; `profile` is the process of what comes in here (empty: the only one).
    """

    name: str = "投诉受理中心"
    hotline: str = ""
    signature: str = ""
    profile: str = ""
    templates: Path = field(default_factory=shipped_templates)
    has_chat: bool = False


class Shelf:
    """Templates and words of every language, made once."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.assets = Assets()
        self.words = {locale: Words(locale) for locale in LOCALES}
        self.environments = {locale: self._environment(locale) for locale in LOCALES}

    def _environment(self, locale: Locale) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(self.site.templates / "pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters.update(filters_of(locale))
        environment.globals.update(t=self.words[locale], asset=self.assets.url, site=self.site)
        return environment


SITE: web.AppKey[Site] = web.AppKey("site", Site)
SHELF: web.AppKey[Shelf] = web.AppKey("shelf", Shelf)


def words_of(request: web.Request) -> Words:
    """The words in the language of this request."""
    return request.app[SHELF].words[page_locale(request)]


async def show(
    request: web.Request,
    template: str,
    *,
    here: str = "",
    back: str = "",
    status: int = 200,
    locale: Locale | None = None,
    **values: object,
) -> web.Response:
    """The page of a template with `values`.

    `here` is its entry in the navigation, `back` where a switch of language leads (this page, unless told). `locale` is
    its language where the reader's own does not count.
    """
    locale = locale or page_locale(request)
    account = await signed_in(request) if template.startswith("console/") else None
    text = (
        request.app[SHELF]
        .environments[locale]
        .get_template(f"{template}.html.j2")
        .render(
            here=here,
            account=account,
            csrf=form_token(request) if account else "",
            open_to=[path for path, roles in OPEN_TO.items() if account and account.role in roles],
            back=back or request.path_qs,
            other_languages=[(code, _LANGUAGE_NAMES[code]) for code in LOCALES if code != locale],
            **values,
        )
    )
    headers = {**HEADERS, "Content-Language": locale}
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)


def see(location: str) -> web.Response:
    """Go on by GET, so that reloading repeats nothing."""
    headers = {"Location": location, "Cache-Control": "no-store", "Referrer-Policy": "same-origin"}
    return web.Response(status=303, headers=headers)


def download(content: bytes, name: str) -> web.Response:
    """Bytes as a file to save, never shown in our name."""
    headers = {
        **HEADERS,
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
    }
    return web.Response(body=content, content_type="application/octet-stream", headers=headers)
