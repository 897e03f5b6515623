"""Signing in to the console and out of it."""

from __future__ import annotations

from aiohttp import web

from gateway.web.auth import SIGN_IN, TooManyTries, check_form, check_origin, require
from gateway.web.callers import address_of, throttle
from gateway.web.pages.forms import EMPTY, Problems, own_path, read_form
from gateway.web.pages.show import see, show, words_of

HOME = "/console/"


async def form(request: web.Request) -> web.Response:
    """``GET /console/sign-in``."""
    throttle(request, "request")
    target = own_path(request.query.get("next", ""), HOME)
    return await show(request, "console/sign_in", given=EMPTY, problems=Problems(), next=target)


async def sign_in(request: web.Request) -> web.Response:
    """``POST /console/sign-in``: on to where one wanted to go."""
    throttle(request, "sign_in")
    check_origin(request)
    sent = await read_form(request)
    words = words_of(request)
    desk = request.app[SIGN_IN]
    target = own_path(sent["next"], HOME)
    try:
        account = await desk.verify_password(sent["name"], sent["password"], address_of(request))
    except TooManyTries as error:
        problems = Problems(name=words("signin.wait", seconds=error.seconds))
        again = await show(request, "console/sign_in", status=429, given=sent, problems=problems, next=target)
        again.headers["Retry-After"] = str(error.seconds)
        return again
    if account is None:
        problems = Problems(name=words("signin.wrong"))
        return await show(request, "console/sign_in", status=403, given=sent, problems=problems, next=target)
    answer = see(target)
    desk.set_cookie(answer, await desk.open_session(account))
    return answer


async def sign_out(request: web.Request) -> web.Response:
    """``POST /console/sign-out``."""
    await require(request)
    check_form(request, (await read_form(request))["csrf"])
    desk = request.app[SIGN_IN]
    await desk.close_session(request.cookies.get(desk.cookie, ""))
    answer = see("/console/sign-in")
    desk.drop_cookie(answer)
    return answer
