"""Who may sign in, who is told, and which programs have tokens: for administrators to read."""

from __future__ import annotations

from aiohttp import web

from gateway.web.auth import SIGN_IN, require
from gateway.web.keys import RECEPTION
from gateway.web.pages.citizen_form import profile_of
from gateway.web.pages.show import OPEN_TO, show, words_of

_HERE = "/console/people"


async def people(request: web.Request) -> web.Response:
    """``GET /console/people``."""
    await require(request, *OPEN_TO[_HERE])
    desk, profile, locale = request.app[SIGN_IN], profile_of(request.app), words_of(request).locale
    directory = [
        {
            "name": one.name,
            "label": one.label,
            "roles": one.roles,
            "groups": [profile.label_of("group", group, locale) for group in one.groups],
        }
        for one in request.app[RECEPTION].policy.directory.people
    ]
    return await show(
        request,
        "console/people",
        here=_HERE,
        accounts=await desk.list_accounts(),
        directory=directory,
        tokens=await desk.list_tokens(),
    )
