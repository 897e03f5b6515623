"""The browser of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Error, Page

from tests.servers.browser import browser_page, screenshot

FORM = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>投诉</title>
<body style="margin:0;font-size:40px"><p id="greeting">我要投诉</p>
<form method="post"><input name="text"><button>提交</button></form>
<script>document.getElementById("greeting").dataset.scripted = "yes"</script>"""


@pytest.fixture
async def site(aiohttp_server: object) -> str:
    async def form(request: web.Request) -> web.Response:
        return web.Response(text=FORM, content_type="text/html")

    async def lodge(request: web.Request) -> web.Response:
        fields = await request.post()
        return web.Response(text="已受理:" + str(fields["text"]), content_type="text/plain")

    application = web.Application()
    application.add_routes([web.get("/", form), web.post("/", lodge)])
    server: TestServer = await aiohttp_server(application)  # type: ignore[operator]
    return str(server.make_url("/"))


async def test_a_page_in_chinese_is_shown_in_chinese_letters(page: Page, site: str, tmp_path: Path) -> None:
    await page.goto(site)
    assert await page.inner_text("#greeting") == "我要投诉"
    shown = await screenshot(page, tmp_path / "form.png")
    await page.evaluate("document.getElementById('greeting').textContent = '\\uE000\\uE001\\uE002\\uE003'")
    boxes = await screenshot(page, tmp_path / "boxes.png")
    assert shown != boxes, "Chinese letters are drawn as the empty boxes of a missing font"


async def test_a_form_is_filled_in_and_sent(page: Page, site: str) -> None:
    await page.goto(site)
    await page.fill("input[name=text]", "宽带断网三天")
    await page.click("button")
    assert await page.inner_text("body") == "已受理:宽带断网三天"


async def test_two_tests_do_not_share_cookies(chromium_address: str, site: str) -> None:
    async with browser_page(chromium_address) as first:
        await first.goto(site)
        await first.evaluate("document.cookie = 'session=one'")
    async with browser_page(chromium_address) as second:
        await second.goto(site)
        assert await second.evaluate("document.cookie") == ""


async def test_a_page_can_be_read_without_javascript(chromium_address: str, site: str) -> None:
    async with browser_page(chromium_address, javascript=False) as page:
        await page.goto(site)
        assert await page.get_attribute("#greeting", "data-scripted") is None
        assert await page.inner_text("#greeting") == "我要投诉"


async def test_a_request_that_leaves_this_machine_fails_the_test(chromium_address: str) -> None:
    with pytest.raises(AssertionError, match=r"example\.com"):
        async with browser_page(chromium_address) as page:
            with pytest.raises(Error):
                await page.goto("http://example.com/")
