"""Errors as a person in front of a browser sees them."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import web

from gateway.web.pages.console_session import ask_again
from gateway.web.pages.show import see, show
from gateway.web.problems import Problem
from gateway.web.words import Locale

#: Status to the words under ``problem``.
_WORDS: Mapping[int, str] = {
    400: "wrong",
    403: "forbidden",
    404: "missing",
    405: "wrong",
    409: "wrong",
    413: "too_large",
    415: "wrong",
    422: "wrong",
    429: "limited",
    503: "busy",
}


async def error_page(request: web.Request, problem: Problem, _locale: Locale) -> web.StreamResponse:
    """The page of a problem; a stranger at the console is asked to sign in."""
    if problem.status == 401 and request.path.startswith("/console/"):
        if request.method == "POST":
            return await ask_again(request)
        return see(f"/console/sign-in?{urlencode({'next': request.path_qs})}")
    name = _WORDS.get(problem.status, "broken")
    console = request.path.startswith("/console/")
    page = await show(request, "problem", back="/", status=problem.status, name=name, console=console)
    page.headers.update(problem.headers)
    return page
