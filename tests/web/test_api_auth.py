"""Who may sign in, for how long, and what another site cannot make a browser do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher

from gateway.web.auth import SIGN_IN, AccountProblem, SignIn, TooManyTries, check_form, form_token, require
from gateway.web.problems import problems
from ticket_core.store import accounts
from ticket_core.store.store import Store

FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse"


@pytest.fixture
def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(f"sqlite:///{tmp_path / 'gateway.sqlite3'}")
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
def sign_in(store: Store) -> SignIn:
    return SignIn(store, secure=False, hasher=FAST)


@pytest.fixture
async def client(sign_in: SignIn) -> AsyncIterator[TestClient]:
    async def whoami(request: web.Request) -> web.Response:
        account = await require(request, "agent")
        return web.Response(text=f"{account.name} {form_token(request)}")

    async def form(request: web.Request) -> web.Response:
        await require(request)
        check_form(request, str((await request.post()).get("csrf", "")))
        return web.Response(text="done")

    app = web.Application(middlewares=[problems])
    app[SIGN_IN] = sign_in
    app.router.add_get("/who", whoami)
    app.router.add_post("/form", form)
    async with TestClient(TestServer(app)) as opened:
        yield opened


async def test_the_right_password_opens_and_a_wrong_one_or_an_unknown_name_does_not(sign_in: SignIn) -> None:
    made = await sign_in.create_account("wang", "agent", PASSWORD, label="王芳")
    assert await sign_in.verify_password("wang", PASSWORD) == made
    assert await sign_in.verify_password("wang", "wrong horse") is None
    assert await sign_in.verify_password("nobody", PASSWORD) is None


async def test_a_name_is_given_once_and_a_short_password_is_refused(sign_in: SignIn) -> None:
    await sign_in.create_account("wang", "agent", PASSWORD)
    with pytest.raises(AccountProblem, match="already"):
        await sign_in.create_account("wang", "admin", PASSWORD)
    with pytest.raises(AccountProblem, match="8 to 200"):
        await sign_in.create_account("li", "agent", "short")
    with pytest.raises(AccountProblem, match="no role boss"):
        await sign_in.create_account("li", "boss", PASSWORD)
    assert [one.name for one in await sign_in.list_accounts()] == ["wang"]


async def test_after_ten_tries_a_minute_even_the_right_password_waits_but_another_address_does_not(
    store: Store,
) -> None:
    now = [1000.0]
    sign_in = SignIn(store, secure=False, hasher=FAST, clock=lambda: now[0])
    await sign_in.create_account("wang", "agent", PASSWORD)
    for _ in range(10):
        assert await sign_in.verify_password("wang", "wrong horse", "192.0.2.1") is None
    with pytest.raises(TooManyTries) as refused:
        await sign_in.verify_password("wang", PASSWORD, "192.0.2.1")
    assert await sign_in.verify_password("wang", PASSWORD, "192.0.2.2") is not None
    now[0] += refused.value.seconds
    assert await sign_in.verify_password("wang", PASSWORD, "192.0.2.1") is not None


async def test_a_session_is_stored_as_a_hash_and_ends_when_closed_or_when_the_password_changes(
    sign_in: SignIn, store: Store
) -> None:
    account = await sign_in.create_account("wang", "agent", PASSWORD)
    first, second = await sign_in.open_session(account), await sign_in.open_session(account)
    stored = await store.read(lambda c: c.exec_driver_sql("SELECT hash FROM access").scalars().all())
    assert len(stored) == 2 and first not in stored and second not in stored
    await sign_in.close_session(first)
    assert await sign_in.account_of_session(first) is None
    known = await sign_in.account_of_session(second)
    assert known is not None and (known.name, known.role) == ("wang", "agent")
    await sign_in.set_password("wang", "another horse")
    assert await sign_in.account_of_session(second) is None


async def test_a_session_ends_when_idle_and_when_it_is_too_old(store: Store) -> None:
    soon = SignIn(store, secure=False, hasher=FAST, idle=timedelta(0))
    old = SignIn(store, secure=False, hasher=FAST, absolute=timedelta(0))
    account = await soon.create_account("wang", "agent", PASSWORD)
    assert await soon.account_of_session(await soon.open_session(account)) is None
    assert await old.account_of_session(await old.open_session(account)) is None


async def test_who_may_not_sign_in_any_more_is_out_at_once(sign_in: SignIn, store: Store) -> None:
    account = await sign_in.create_account("wang", "agent", PASSWORD)
    session, token = await sign_in.open_session(account), await sign_in.create_token("wang", "agent")
    await store.run(lambda tx: accounts.set_active(tx, "wang", False))
    assert await sign_in.account_of_session(session) is None
    assert await sign_in.account_of_token(token) is None
    assert await sign_in.verify_password("wang", PASSWORD) is None


async def test_a_token_is_of_no_use_as_a_session_nor_the_other_way_round(sign_in: SignIn) -> None:
    account = await sign_in.create_account("wang", "agent", PASSWORD)
    session, token = await sign_in.open_session(account), await sign_in.create_token("robot", "agent")
    assert await sign_in.account_of_session(token) is None
    assert await sign_in.account_of_token(session) is None
    assert [one.name for one in await sign_in.list_tokens()] == ["robot"]


async def test_a_request_needs_a_token_or_a_session_of_the_right_role(client: TestClient, sign_in: SignIn) -> None:
    agent, handler = await sign_in.create_token("a", "agent"), await sign_in.create_token("h", "handler")
    answers = {
        name: (await client.get("/who", headers={"Authorization": value})).status
        for name, value in {
            "agent": f"Bearer {agent}",
            "handler": f"Bearer {handler}",
            "forged": f"Bearer {agent[:-1]}",
            "odd": "Bearer \udcff".encode("utf-8", "surrogateescape").decode("latin-1"),
            "basic": "Basic YTpi",
        }.items()
    }
    assert answers == {"agent": 200, "handler": 403, "forged": 401, "odd": 401, "basic": 401}
    stranger = await client.get("/who")
    assert stranger.status == 401 and "Bearer" in stranger.headers["WWW-Authenticate"]


async def test_a_form_needs_its_token_and_our_own_page(client: TestClient, sign_in: SignIn) -> None:
    account = await sign_in.create_account("wang", "agent", PASSWORD)
    cookie = {sign_in.cookie: await sign_in.open_session(account)}
    token = (await (await client.get("/who", cookies=cookie)).text()).split()[1]
    good = {"csrf": token}
    sent = [
        (good, {}, 200),
        (good, {"Origin": str(client.make_url("/"))[:-1], "Sec-Fetch-Site": "same-origin"}, 200),
        (good, {"Origin": "https://evil.example.com"}, 403),
        (good, {"Origin": "https://proxied.example.com", "Sec-Fetch-Site": "same-origin"}, 200),
        (good, {"Origin": str(client.make_url("/"))[:-1], "Sec-Fetch-Site": "cross-site"}, 403),
        (good, {"Origin": "null"}, 403),
        (good, {"Sec-Fetch-Site": "cross-site"}, 403),
        (good, {"Sec-Fetch-Site": "same-site"}, 403),
        ({"csrf": "wrong"}, {}, 403),
        ({}, {}, 403),
    ]
    for form, headers, status in sent:
        assert (await client.post("/form", data=form, headers=headers, cookies=cookie)).status == status, (
            form,
            headers,
        )


def test_the_cookie_cannot_be_read_by_scripts_nor_sent_by_other_sites(store: Store) -> None:
    for secure, name in ((True, "__Host-session"), (False, "session")):
        sign_in, response = SignIn(store, secure=secure, hasher=FAST), web.Response()
        sign_in.set_cookie(response, "secret")
        cookie = response.cookies[name]
        assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/", True, "Lax")
        assert bool(cookie["secure"]) is secure and not cookie["domain"]
