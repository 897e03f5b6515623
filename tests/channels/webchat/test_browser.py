"""The chat in a real browser: guided to its number, resumed, answered live, rated; on other sites; by keyboard."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import Frame, Page, expect

from gateway.app import Parts
from tests.channels.webchat.at_hand import PNG
from tests.channels.webchat.browsing import press, quiet_page, say, us, words
from tests.channels.webchat.live import do, gateway, journal, notices, the_ticket, until
from tests.cli.terminal import free_port
from tests.servers.browser import browser_page

pytestmark = pytest.mark.slow


async def test_a_whole_conversation_from_the_first_button_to_the_rating(tmp_path: Path, chromium_address: str) -> None:
    photo = tmp_path / "断线.png"
    photo.write_bytes(PNG)
    async with gateway(tmp_path) as parts, quiet_page(chromium_address) as page:
        await page.goto(f"{parts.settings.http.public_url}/chat")
        await expect(page.get_by_text("个人信息处理告知")).to_be_visible()
        await expect(page.get_by_text("目的与依据")).to_be_visible()
        await press(page, "我要投诉")
        await press(page, "报修")
        await us(page, "请说明发生了什么").wait_for()
        await say(page, "路灯坏了三天,没有人来")
        await us(page, "请留下手机号码").wait_for()
        await say(page, "13800001234")
        await us(page, "请现在发送").wait_for()
        await page.set_input_files("#file", photo)
        await expect(page.locator(".line.you img")).to_have_attribute("alt", "文件 断线.png（1 KB）")
        await us(page, "已收到").wait_for()
        await press(page, "完成")
        await us(page, "确认提交吗").wait_for()
        await press(page, "提交")
        await us(page, "受理编号").wait_for()
        ticket = await the_ticket(parts)
        assert (ticket.stage, ticket.kind, ticket.text) == ("received", "repair", "路灯坏了三天,没有人来")
        said = await page.locator(".line[data-id] .text").all_inner_texts()

        await page.reload()
        await us(page, "受理编号").wait_for()
        assert await page.locator(".line[data-id] .text").all_inner_texts() == said
        async with page.expect_download() as saved:
            await page.get_by_role("button", name="保存 断线.png").click()
        assert (await (await saved.value).path()).read_bytes() == PNG

        second = await page.context.new_page()
        await second.goto(f"{parts.settings.http.public_url}/chat")
        await us(second, "受理编号").wait_for()
        await say(second, "补充:在人民路")
        await page.locator(".line.you", has_text="补充:在人民路").wait_for()
        await second.close()

        await do(parts, ticket, "answer", text="路灯已修好")
        await us(page, "路灯已修好").wait_for()
        assert "王坐席" not in await page.locator("#log").inner_text()
        await press(page, "满意")
        await us(page, "谢谢您的评价").wait_for()
        assert (await the_ticket(parts)).rating == 5

        async def all_delivered() -> bool:
            return {one.state for one in await notices(parts, medium="chat")} == {"delivered"}

        assert await until(all_delivered)


async def test_a_killed_server_loses_nothing_and_nothing_is_sent_twice(tmp_path: Path, chromium_address: str) -> None:
    port = free_port()
    async with contextlib.AsyncExitStack() as life, quiet_page(chromium_address) as page:
        parts = await life.enter_async_context(gateway(tmp_path, port=port))
        await page.goto(f"{parts.settings.http.public_url}/chat")
        await press(page, "我要投诉")
        await us(page, "哪一类事项").wait_for()
        await life.aclose()
        await say(page, "路灯坏了三天")
        await expect(page.locator("#state")).to_contain_text("秒后重试")
        await words(page).fill("这一句还没写完")
        async with gateway(tmp_path, port=port) as again:
            await us(page, "请留下手机号码").wait_for(timeout=30_000)
            await expect(page.locator("#state")).to_be_empty(timeout=30_000)
            assert await words(page).input_value() == "这一句还没写完"
            await page.reload()
            await us(page, "请留下手机号码").wait_for()
            assert await words(page).input_value() == "这一句还没写完"
            assert [line.outcome for line in await journal(again) if line.outcome != "receipt"] == [
                "automatic",
                "opened",
            ]


async def test_what_is_written_offline_is_sent_once_after_a_reload(tmp_path: Path, chromium_address: str) -> None:
    async with gateway(tmp_path) as parts, quiet_page(chromium_address) as page:
        await page.goto(f"{parts.settings.http.public_url}/chat")
        await page.context.set_offline(True)
        await say(page, "路灯坏了三天")
        await expect(page.locator("#state")).to_contain_text("网络已断开")
        await expect(page.locator(".line.you .when")).to_have_text("发送中")
        await page.context.set_offline(False)
        await us(page, "受理编号").wait_for()
        await page.reload()
        await us(page, "受理编号").wait_for()
        await expect(page.locator(".line.you")).to_have_count(1)
        assert [line.outcome for line in await journal(parts)] == ["opened", "receipt"]


async def test_what_is_refused_is_said_beside_it_and_what_is_left_is_forgotten(
    tmp_path: Path, chromium_address: str
) -> None:
    program, large = tmp_path / "setup.exe", tmp_path / "large.png"
    program.write_bytes(b"MZ" + bytes(100))
    large.write_bytes(PNG + bytes(4096))
    async with gateway(tmp_path, largest_file=2048) as parts, quiet_page(chromium_address, locale="en") as page:
        await page.goto(f"{parts.settings.http.public_url}/chat")
        await page.set_input_files("#file", program)
        await expect(page.locator(".line.you.refused .when")).to_contain_text("files of this type are not accepted")
        await page.set_input_files("#file", large)
        await expect(page.locator("#state")).to_contain_text("is larger than")
        await say(page, "The street lamp is broken")
        await us(page, "261").first.wait_for()
        await page.get_by_text("End the chat and clear it from this device").click()
        await press(page, "Clear it now")
        await expect(page.locator(".line.you")).to_have_count(0)
        assert await page.evaluate("Object.keys(localStorage).length") == 0
        await page.reload()
        await expect(page.get_by_role("button", name="I want to complain")).to_be_visible()
        await expect(page.locator("[data-id]")).to_have_count(0)


@contextlib.asynccontextmanager
async def other_site(parts: Parts, port: int, language: str = "zh-CN") -> AsyncIterator[str]:
    """A site with a strict policy of its own that shows the chat by one script tag."""
    home = parts.settings.http.public_url
    policy = f"default-src 'none'; script-src {home}; frame-src {home}"
    text = (
        f'<!doctype html><html lang="{language}"><head><title>Shop</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
        f'<body><h1>Shop</h1><a href="#more">more</a><script src="{home}/chat/widget.js" async></script></body></html>'
    )

    async def shop(_request: web.Request) -> web.Response:
        return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": policy})

    app = web.Application()
    app.router.add_get("/", shop)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "localhost", port).start()
    try:
        yield f"http://localhost:{port}/"
    finally:
        await runner.cleanup()


async def test_a_panel_on_another_site_is_used_by_keyboard_alone(tmp_path: Path, chromium_address: str) -> None:
    port = free_port()
    async with (
        gateway(tmp_path, origins=[f"http://localhost:{port}"]) as parts,
        other_site(parts, port) as site,
        quiet_page(chromium_address) as page,
    ):
        await page.goto(site)
        button = page.get_by_role("button", name="在线投诉")
        await button.wait_for()
        for _ in range(2):  # the site's own link, then ours
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        panel = page.frame_locator("#complaint-chat iframe")
        await expect(words(panel)).to_be_focused()
        await page.keyboard.type("路灯坏了三天")
        await page.keyboard.press("Enter")
        await us(panel, "受理编号").wait_for()
        await expect(words(panel)).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_be_hidden()
        assert await page.evaluate("document.activeElement.shadowRoot.activeElement.textContent") == "在线投诉"
        await do(parts, await the_ticket(parts), "answer", text="路灯已修好")
        assert [one.state for one in await notices(parts, notice="answer")] in (["queued"], ["sending"], ["accepted"])

        await page.reload()  # closed, it tells that there is something new
        await page.get_by_role("button", name="在线投诉，1 条新消息").wait_for()
        assert [one.state for one in await notices(parts, notice="answer")] == ["accepted"]
        await button.click()
        await us(panel, "路灯已修好").wait_for()
        await expect(words(panel)).to_be_focused()
        for name in ("不满意", "满意"):  # backwards from the words: the quick replies
            await page.keyboard.press("Shift+Tab")
            await expect(panel.get_by_role("button", name=name, exact=True)).to_be_focused()
        await page.keyboard.press("Enter")
        await us(panel, "谢谢您的评价").wait_for()
        await expect(words(panel)).to_be_focused()
        assert (await the_ticket(parts)).rating == 5
        await page.set_viewport_size({"width": 360, "height": 640})
        box = await page.get_by_role("dialog").bounding_box()
        assert box == {"x": 0, "y": 0, "width": 360, "height": 640}
        frame = page.frames[-1]
        assert await frame.evaluate("document.documentElement.scrollWidth") == 360
        assert await _wrong_for_readers(frame) == []


#: What a screen reader needs and has not got.
_NEEDED = """() => {
  const found = [];
  const log = document.querySelector("[role=log]");
  if (log?.getAttribute("aria-live") !== "polite" || !log.ariaLabel || log.tabIndex !== 0) found.push("log");
  if (!document.querySelector("[role=status]")) found.push("status");
  for (const one of document.querySelectorAll("input:not([type=hidden]), textarea"))
    if (!one.labels?.length) found.push("no label: " + one.id);
  for (const one of document.querySelectorAll("a, button"))
    if (!one.textContent.trim() && !one.ariaLabel) found.push("no name: " + one.outerHTML);
  for (const one of document.querySelectorAll("img")) if (!one.alt) found.push("no alt");
  const ids = [...document.querySelectorAll("[id]")].map(one => one.id);
  found.push(...ids.filter((id, place) => ids.indexOf(id) !== place).map(id => "id twice: " + id));
  for (const one of document.querySelectorAll("[aria-describedby]"))
    for (const id of one.getAttribute("aria-describedby").split(" "))
      if (!document.getElementById(id)) found.push("describes nothing: " + id);
  if (document.querySelectorAll("h1").length !== 1) found.push("not one h1");
  if (document.querySelectorAll("main").length !== 1) found.push("not one main");
  if (!document.documentElement.lang) found.push("no lang");
  for (const one of document.querySelectorAll("button, a.button, label.button")) {
    const { width, height } = one.getBoundingClientRect();
    if (width && !one.matches(".as-link") && (width < 24 || height < 24)) found.push("small: " + one.textContent);
  }
  return found;
}"""


async def _wrong_for_readers(page: Page | Frame) -> list[str]:
    found = await page.evaluate(_NEEDED)
    assert isinstance(found, list)
    return found


_SPOKEN = {
    "zh-CN": ("会话记录", "您想说的话", "可以这样回答", "客服"),
    "en": ("Conversation", "Your message", "You can answer", "Service desk"),
}


async def test_the_page_can_be_used_with_a_screen_reader_and_at_200_percent(
    tmp_path: Path, chromium_address: str
) -> None:
    async with gateway(tmp_path) as parts:
        for locale, (log, textbox, choices, desk) in _SPOKEN.items():
            async with quiet_page(chromium_address, locale=locale) as page:
                await page.goto(f"{parts.settings.http.public_url}/chat")
                assert await page.evaluate("document.documentElement.lang") == locale
                for width, height in ((480, 820), (360, 640)):
                    await page.set_viewport_size({"width": width, "height": height})
                    below = await page.locator("#send").evaluate("one => one.getBoundingClientRect().bottom")
                    assert below <= height
                await say(page, "路灯坏了三天")
                await us(page, "261").first.wait_for()
                tree = await page.locator("#chat").aria_snapshot()
                for line in (f'- log "{log}"', f'- textbox "{textbox}"', f'- group "{choices}"', "- status", desk):
                    assert line in tree, tree
                assert await _wrong_for_readers(page) == []
                for width, height in ((640, 360), (360, 740)):  # 1280 by 720 at 200 %, and a telephone
                    await page.set_viewport_size({"width": width, "height": height})
                    assert await page.evaluate("document.documentElement.scrollWidth") == width


async def test_who_has_no_scripts_or_stands_on_another_site_sees_no_chat(tmp_path: Path, chromium_address: str) -> None:
    port = free_port()
    async with gateway(tmp_path, origins=["https://www.example.com"]) as parts:
        async with quiet_page(chromium_address, javascript=False) as page:
            await page.goto(f"{parts.settings.http.public_url}/chat")
            await expect(words(page)).to_be_hidden()
            await page.get_by_role("link", name="填写投诉表单").click()
            await expect(page.get_by_label("事情经过")).to_be_visible()
        async with other_site(parts, port) as site, browser_page(chromium_address) as page:
            refused: list[str] = []
            page.on("console", lambda line: refused.append(line.text))
            await page.goto(site)
            await page.get_by_role("button", name="在线投诉").click()

            async def said_no() -> bool:
                return any("frame-ancestors" in line for line in refused)

            assert await until(said_no)
            await expect(words(page.frame_locator("#complaint-chat iframe"))).to_have_count(0)
