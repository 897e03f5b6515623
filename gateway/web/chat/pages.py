"""The page of a chat, the panel that other sites show in a frame, and the script that puts it there."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from gateway.channels.base import Hosted
from gateway.web.callers import throttle
from gateway.web.chat.stream import hosted
from gateway.web.pages.language import LOCALES, page_locale
from gateway.web.pages.show import HEADERS, SHELF, show
from gateway.web.words import Locale

_CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
)


async def page(request: web.Request) -> web.Response:
    """``GET /chat``, ``GET /chat/{name}``."""
    throttle(request, "request")
    channel = hosted(request)
    answer = await show(request, "chat/page", here="/chat", chat=_values(request, channel, page_locale(request)))
    answer.headers["Content-Security-Policy"] = _CSP.format(ancestors="'none'")
    return answer


async def panel(request: web.Request) -> web.Response:
    """``GET /chat/panel``, ``GET /chat/{name}/panel``: for frames on our own pages and on sites of the allow-list."""
    throttle(request, "request")
    channel = hosted(request)
    asked = request.query.get("lang", "")
    locale = next((one for one in LOCALES if one == asked), None) or page_locale(request)
    answer = await show(request, "chat/panel", locale=locale, chat=_values(request, channel, locale))
    answer.headers["Content-Security-Policy"] = _CSP.format(ancestors=" ".join(("'self'", *channel.origins)))
    del answer.headers["X-Frame-Options"]  # it knows no list of sites
    return answer


async def widget(request: web.Request) -> web.Response:
    """``GET /chat/widget.js``: one script tag on any page."""
    throttle(request, "request")
    hosted(request)
    shelf = request.app[SHELF]
    words = {locale: shelf.words[locale].section("chat_widget") for locale in LOCALES}
    script = shelf.environments["en"].get_template("chat/widget.js.j2").render(words=words)
    headers = {
        "Cache-Control": "public, max-age=300",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Content-Type-Options": HEADERS["X-Content-Type-Options"],
    }
    return web.Response(text=script, content_type="text/javascript", headers=headers)


def _values(request: web.Request, channel: Hosted, locale: Locale) -> dict[str, object]:
    return {
        "base": f"/chat/{quote(channel.name, safe='')}",
        "door": f"/channels/{quote(channel.name, safe='')}",
        "largest": channel.largest_file,
        "words": request.app[SHELF].words[locale].section("chat_live"),
    }
