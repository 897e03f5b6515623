"""What is said on the chat page, in a real browser: put right afterwards, and never lost where it is not taken."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Route, expect

from tests.channels.webchat.at_hand import PNG
from tests.channels.webchat.browsing import press, quiet_page, say, us, words
from tests.channels.webchat.live import gateway, journal

pytestmark = pytest.mark.slow


async def test_what_was_said_is_put_right_by_keyboard_in_every_window(tmp_path: Path, chromium_address: str) -> None:
    async with gateway(tmp_path) as parts, quiet_page(chromium_address) as page:
        await page.goto(f"{parts.settings.http.public_url}/chat")
        await say(page, "路灯坏了三天")
        await us(page, "受理编号").wait_for()
        second = await page.context.new_page()
        await second.goto(f"{parts.settings.http.public_url}/chat")
        await us(second, "受理编号").wait_for()
        await page.bring_to_front()
        await words(page).fill("这一句还没写完")
        change = page.get_by_role("button", name="修改 路灯坏了三天")
        for key, left in (("Escape", "路灯坏了三天"), ("Enter", "路灯坏了四天")):
            await change.focus()
            await page.keyboard.press("Enter")
            box = page.get_by_label("修改您说过的话")
            await expect(box).to_be_focused()
            assert await box.input_value() == "路灯坏了三天"
            await box.fill("路灯坏了四天")
            await page.keyboard.press(key)
            await expect(words(page)).to_be_focused()
            assert await words(page).input_value() == "这一句还没写完"
            await expect(page.locator(".line.you .text")).to_have_text(left)
        await expect(second.locator(".line.you .text")).to_have_text("路灯坏了四天")
        await second.reload()
        await expect(second.locator(".line.you .at")).to_contain_text("已修改")
        await expect(second.locator(".line.you")).to_have_count(1)
        said = (line.outcome for line in await journal(parts) if line.outcome != "receipt")
        assert [*said] == ["opened", "appended"]


async def test_words_stay_where_they_are_not_taken_and_only_our_own_answer_takes_them(
    tmp_path: Path, chromium_address: str
) -> None:
    async with gateway(tmp_path) as parts, quiet_page(chromium_address, locale="en") as page:
        await page.goto(f"{parts.settings.http.public_url}/chat")
        await page.context.set_offline(True)
        await expect(page.locator("#state")).to_contain_text("You are offline")
        await page.context.set_offline(False)
        await expect(page.locator("#state")).to_be_empty()

        await words(page).fill("y" * 5001)
        await press(page, "Send")
        await expect(page.locator("#state")).to_contain_text("5001 characters")
        assert len(await words(page).input_value()) == 5001
        await words(page).fill("The lamp")
        await words(page).dispatch_event("keydown", {"key": "Enter", "keyCode": 229})  # Safari, while one composes
        await words(page).evaluate(_PASTED)
        await expect(page.locator(".line.you")).to_have_count(0)

        async def sign_in_to_the_wireless_network(route: Route) -> None:
            await route.fulfill(status=200, content_type="text/html", body="<h1>Welcome to our WLAN</h1>")

        async def not_with_these_words(route: Route) -> None:
            await route.fulfill(status=403, content_type="text/html", body="<h1>Blocked by the firewall</h1>")

        await page.route("**/channels/chat", sign_in_to_the_wireless_network)
        await words(page).press("Enter")
        await expect(page.locator("#state")).to_contain_text("What you wrote is kept")
        await expect(page.locator(".line.you .at")).to_have_text("sending")
        await page.route("**/channels/chat", not_with_these_words)
        await expect(page.locator(".line.you.refused .at")).to_have_text("not sent: 403")
        assert await words(page).input_value() == "The lamp"
        await page.unroute_all()
        await words(page).press("Enter")
        await us(page, "261").first.wait_for()

        await page.get_by_role("button", name="Change The lamp").click()
        await page.evaluate("() => { session.token = 'of long ago'; }")
        await page.get_by_label("Your message, in other words").fill("The lamp at the bridge")
        await page.keyboard.press("Enter")
        await expect(page.locator(".line.you .at").last).to_contain_text("not changed: The earlier conversation")
        assert await words(page).input_value() == "The lamp at the bridge"
        await expect(page.locator(".reword")).to_have_count(0)
        assert [line.outcome for line in await journal(parts) if line.outcome != "receipt"] == ["opened"]


async def test_a_photo_that_does_not_get_through_holds_up_no_words_and_is_not_forgotten(
    tmp_path: Path, chromium_address: str
) -> None:
    photo = tmp_path / "断线.png"
    photo.write_bytes(PNG)

    async def no_photos(route: Route) -> None:
        brings_one = route.request.headers["content-type"] == "application/octet-stream"
        await (route.abort() if brings_one else route.continue_())

    async with gateway(tmp_path) as parts, quiet_page(chromium_address) as page:
        page.on("dialog", lambda asked: asked.accept())  # leave, although not all is sent
        await page.goto(f"{parts.settings.http.public_url}/chat")
        await page.route("**/channels/chat", no_photos)
        await page.set_input_files("#file", photo)
        await say(page, "路灯坏了三天")
        await us(page, "受理编号").wait_for()
        await expect(page.locator(".line.you:has(img) .at")).to_have_text("发送中")
        await page.reload()
        await us(page, "受理编号").wait_for()
        left = page.locator(".line.you.refused", has_text="断线.png")
        await expect(left.locator(".at")).to_have_text("未发送: 请重新选择文件")


#: Words from an office program: it puts a picture of them beside them.
_PASTED = """box => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", "of row 7");
  clipboardData.items.add(new File(["\x89PNG"], "image.png", { type: "image/png" }));
  box.dispatchEvent(new ClipboardEvent("paste", { clipboardData, cancelable: true }));
}"""
