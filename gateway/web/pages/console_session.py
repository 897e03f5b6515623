"""Signing in to the console and out of it."""

from __future__ import annotations

import orjson
from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from gateway.web.auth import SIGN_IN, TooManyTries, check_form, check_origin, form_token_of, require
from gateway.web.callers import address_of, throttle
from gateway.web.pages.forms import EMPTY, Problems, Sent, own_path, read_form
from gateway.web.pages.show import see, show, words_of
from gateway.web.problems import Problem

HOME = "/console/"
_KEPT: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])


async def form(request: web.Request) -> web.Response:
    """``GET /console/sign-in``."""
    throttle(request, "request")
    target = own_path(request.query.get("next", ""), HOME)
    return await _form(request, EMPTY, target)


async def _form(
    request: web.Request, given: Sent, target: str, *, problem: str = "", kept: str = "", status: int = 200
) -> web.Response:
    problems = Problems(name=problem) if problem else Problems()
    return await show(
        request,
        "console/sign_in",
        back="/console/sign-in",
        status=status,
        given=given,
        problems=problems,
        next=target,
        kept=kept,
    )


async def ask_again(request: web.Request) -> web.Response:
    """A form that was sent when the session was over: sign in again, and nothing of what was written is lost."""
    try:
        check_origin(request)
    except Problem:  # another site's words are not carried on
        return see("/console/sign-in")
    sent = await read_form(request)
    kept = {name: text for name, text in sent.texts.items() if name != "csrf"}
    return await _form(request, EMPTY, request.path, kept=orjson.dumps(kept).decode(), status=401)


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
        wait = words("signin.wait", seconds=error.seconds)
        again = await _form(request, sent, target, problem=wait, kept=sent["kept"], status=429)
        again.headers["Retry-After"] = str(error.seconds)
        return again
    if account is None:
        return await _form(request, sent, target, problem=words("signin.wrong"), kept=sent["kept"], status=403)
    secret = await desk.open_session(account)
    answer = await _resume(request, sent["kept"], target, secret) if sent["kept"] else see(target)
    desk.set_cookie(answer, secret)
    return answer


async def _resume(request: web.Request, kept: str, target: str, secret: str) -> web.Response:
    """What was written before, to be looked over and sent under the new session."""
    try:
        fields = _KEPT.validate_json(kept)
    except ValidationError:
        raise Problem(400, "bad-request") from None
    said = [fields[name] for name in ("text", "reason", "answer") if fields.get(name)]
    fresh = form_token_of(secret)
    return await show(
        request, "console/resume", back=HOME, action=own_path(target, HOME), fresh=fresh, fields=fields, said=said
    )


async def sign_out(request: web.Request) -> web.Response:
    """``POST /console/sign-out``."""
    await require(request)
    check_form(request, (await read_form(request))["csrf"])
    desk = request.app[SIGN_IN]
    await desk.close_session(request.cookies.get(desk.cookie, ""))
    answer = see("/console/sign-in")
    desk.drop_cookie(answer)
    return answer
