"""The pages in a real browser: citizens on a phone, agents at their keyboard, nobody's scripts but ours."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.channels.transfer.test_sheets import row, table
from tests.servers.browser import browser_page, screenshot
from tests.web.site import PASSWORD, Gateway, gateway

pytestmark = pytest.mark.slow


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway(tmp_path) as running:
        yield running


@contextlib.asynccontextmanager
async def quiet_page(address: str, *, javascript: bool = True) -> AsyncIterator[Page]:
    """A page that must not complain: no script errors, nothing that the content policy refused."""
    complaints: list[str] = []
    async with browser_page(address, javascript=javascript) as page:
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
    # That a form was wrong (422) is an answer, and the browser says so.
    assert not [line for line in complaints if "422" not in line]


async def sign_in(page: Page, site: Gateway, name: str) -> None:
    await page.goto(site.url("/console/"))
    await page.fill("#name", name)
    await page.fill("#password", PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console/")


async def test_a_citizen_complains_follows_and_urges(site: Gateway, chromium_address: str) -> None:
    async with quiet_page(chromium_address) as page:
        await page.goto(site.url("/"))
        await page.get_by_label("事情经过").fill("家里宽带断了三天,没有人上门")
        await page.get_by_label("联系电话").fill("13800001234")
        await page.get_by_role("button", name="提交").dblclick()
        await page.wait_for_url("**/track/**")
        assert "您的投诉已受理" in await page.inner_text("[role=status]")
        await page.get_by_text("催单", exact=True).click()
        await page.get_by_role("button", name="催一催").click()
        await page.wait_for_url("**&thanks=urge")
        assert "收到催单" in await page.inner_text(".lines")
        number = re.sub(r"\D", "", await page.inner_text(".facts .number >> nth=0"))
        assert (await site.ticket(number)).urges == 1


async def test_the_same_works_without_scripts(site: Gateway, chromium_address: str) -> None:
    async with quiet_page(chromium_address, javascript=False) as page:
        await page.goto(site.url("/"))
        await page.get_by_label("事情经过").fill("家里宽带断了三天")
        await page.get_by_role("button", name="提交").click()
        await page.wait_for_url("**/track/**")
        await page.get_by_text("撤诉", exact=True).click()
        await page.get_by_role("button", name="确认撤诉").click()
        assert "已撤诉" in await page.inner_text(".promise")


async def test_what_is_wrong_is_focused_and_leads_to_its_field(site: Gateway, chromium_address: str) -> None:
    async with quiet_page(chromium_address, javascript=True) as page:
        await page.goto(site.url("/"))
        await page.evaluate("document.querySelector('form.card').noValidate = true")
        await page.get_by_role("button", name="提交").click()
        await page.wait_for_selector("#problems:focus")
        await page.get_by_role("link", name="事情经过").click()
        assert await page.evaluate("document.activeElement.id") == "text"


async def test_the_look_up_warns_of_a_repeat_while_the_agent_types(site: Gateway, chromium_address: str) -> None:
    async with quiet_page(chromium_address) as page:
        await sign_in(page, site, "wang")
        for text in ("宽带断了三天没人处理", "宽带断了三天还是没人处理"):
            await page.keyboard.press("n")
            await page.wait_for_url("**/calls/new")
            await page.locator("#caller").press_sequentially("13800001234")
            if text.startswith("宽带断了三天还是"):
                await page.wait_for_selector("[data-repeat-warning]")
                assert "4 小时内已有投诉" in await page.inner_text("#found")
            else:
                await page.get_by_text("没有此号码的工单").wait_for()
            await page.fill("#text", text)
            await page.get_by_role("button", name="提交").click()
            await page.wait_for_url("**/tickets/**")
        assert "重复投诉依据" in await page.inner_text("main")
        assert "申告" in await page.inner_text("main")


async def test_a_ticket_is_worked_to_its_closing_with_the_keyboard_alone(site: Gateway, chromium_address: str) -> None:
    async with quiet_page(chromium_address) as page:
        await sign_in(page, site, "wang")
        await page.keyboard.press("n")
        await page.wait_for_url("**/calls/new")
        await page.focus("#text")
        await page.keyboard.type("光猫红灯一直闪")
        await page.keyboard.press("Control+Enter")
        await page.wait_for_url("**/tickets/**")
        number = page.url.split("/")[-1][:15]
        await page.keyboard.press("g")
        await page.keyboard.press("t")
        await page.wait_for_url("**/console/")
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/tickets/{number}")
        for action, typed in (("accept", "已接单"), ("answer", "光缆已修复"), ("close", "用户满意")):
            names = await page.eval_on_selector_all("details.act", "all => all.map(one => one.id)")
            await page.keyboard.press(str(names.index(f"do-{action}") + 1))
            await page.keyboard.type(typed)
            await page.keyboard.press("Control+Enter")
            await page.wait_for_url(f"**/tickets/{number}?done={action}")
        assert (await site.ticket(number)).stage == "closed"


async def test_the_search_key_and_typing_do_not_get_in_each_others_way(site: Gateway, chromium_address: str) -> None:
    async with quiet_page(chromium_address) as page:
        await sign_in(page, site, "wang")
        await page.keyboard.press("/")
        await page.keyboard.type("n/j1")
        assert await page.input_value("#search") == "n/j1"
        assert page.url.endswith("/console/")


async def test_a_file_of_cases_is_brought_without_scripts_and_read_on_a_phone(
    site: Gateway, chromium_address: str, tmp_path: Path
) -> None:
    """The form by keyboard, the page that follows the import by itself, its filter; on 360 pixels, too."""
    rows = [row(number) for number in range(1, 25)]
    rows[3:5] = [row(4, 受理时间="昨天"), row(5, 工单编号="2.0E+13")]
    file = tmp_path / "诉求件.csv"
    file.write_bytes(table(*rows, ("合计", *[""] * 6), encoding="gb18030"))
    async with quiet_page(chromium_address, javascript=False) as page:
        await sign_in(page, site, "wang")
        await page.get_by_role("link", name="导入").click()
        await page.get_by_label("来源").select_option("12345")
        await page.get_by_label("文件").set_input_files(file)
        await page.get_by_role("button", name="开始导入").press("Enter")
        await page.wait_for_url("**/console/imports/*")
        await page.get_by_text("已完成").wait_for()
        await screenshot(page, tmp_path / "import.png")
        await page.get_by_role("link", name="需查看 3").click()
        assert await page.locator("tbody tr").count() == 3
        assert "末尾数字已丢失" in await page.inner_text("main")
        await page.set_viewport_size({"width": 360, "height": 740})
        await screenshot(page, tmp_path / "import-phone.png")
        for path in (page.url, site.url("/console/imports")):
            await page.goto(path)
            assert await page.evaluate("document.documentElement.scrollWidth") == 360, path
        await screenshot(page, tmp_path / "imports-phone.png")
        await page.set_viewport_size({"width": 1200, "height": 800})
        await page.set_extra_http_headers({"Accept-Language": "en"})
        await page.goto(site.url("/console/imports"))
        await screenshot(page, tmp_path / "imports.png")


@pytest.mark.parametrize("path", ["/", "/track", "/console/sign-in"])
async def test_a_phone_of_360_pixels_needs_no_scrolling_sideways(
    site: Gateway, chromium_address: str, path: str
) -> None:
    async with quiet_page(chromium_address) as page:
        await page.set_viewport_size({"width": 360, "height": 740})
        await page.goto(site.url(path))
        assert await page.evaluate("document.documentElement.scrollWidth") == 360


async def test_the_consoles_pages_fit_a_phone_too(site: Gateway, chromium_address: str) -> None:
    async with quiet_page(chromium_address) as page:
        await page.set_viewport_size({"width": 360, "height": 740})
        await sign_in(page, site, "sun")
        await page.goto(site.url("/console/calls/new"))
        await page.fill("#text", "https://example.com/" + "x" * 300)
        await page.fill("#caller", "13800001234")
        await page.get_by_role("button", name="提交").click()
        await page.wait_for_url("**/tickets/**")
        for path in (
            "",
            "/console/?view=all",
            "/console/inbound",
            "/console/inbound/1",
            "/console/notices",
            "/console/deadlines",
        ):
            if path:
                await page.goto(site.url(path))
            assert await page.evaluate("document.documentElement.scrollWidth") == 360, path


PAGES = ("/", "/track", "/console/sign-in", "/console/", "/console/calls/new", "/console/deadlines", "/console/inbound")
PAGES += ("/console/imports",)


async def test_every_page_can_be_used_with_a_screen_reader(site: Gateway, chromium_address: str) -> None:
    """Fields have names, headings have an order, ids are single, the language is said, there is one main part."""
    async with quiet_page(chromium_address) as page:
        await sign_in(page, site, "wang")
        await page.goto(site.url("/console/calls/new"))
        await page.fill("#text", "断网")
        await page.get_by_role("button", name="提交").click()
        await page.wait_for_url("**/tickets/**")
        ticket = page.url.removeprefix(site.url("/").rstrip("/"))
        for path in (*PAGES, ticket):
            await page.goto(site.url(path))
            wrong = await page.evaluate(
                """() => {
                  const found = [];
                  for (const one of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
                    if (!one.labels?.length) found.push("no label: " + one.id);
                  let last = 0;
                  for (const one of document.querySelectorAll("h1, h2, h3, h4")) {
                    const level = Number(one.tagName[1]);
                    if (level > last + 1) found.push("heading skips: " + one.textContent);
                    last = level;
                  }
                  const ids = [...document.querySelectorAll("[id]")].map(one => one.id);
                  found.push(...ids.filter((id, place) => ids.indexOf(id) !== place).map(id => "id twice: " + id));
                  if (document.querySelectorAll("h1").length !== 1) found.push("not one h1");
                  if (document.querySelectorAll("main").length !== 1) found.push("not one main");
                  if (!document.documentElement.lang) found.push("no lang");
                  for (const one of document.querySelectorAll("a, button"))
                    if (!one.textContent.trim() && !one.ariaLabel) found.push("no name: " + one.outerHTML);
                  for (const one of document.querySelectorAll("[aria-describedby]"))
                    for (const id of one.getAttribute("aria-describedby").split(" ").filter(Boolean))
                      if (!document.getElementById(id)) found.push("describes nothing: " + id);
                  return found;
                }"""
            )
            assert not wrong, path
            await page.keyboard.press("Tab")
            assert await page.evaluate("document.activeElement.className") == "skip", path
