"""What callers of the JSON API are told when something is wrong, in Chinese and English."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

Locale = Literal["zh-CN", "en"]

#: Problem → title, in each language; the anchors of the page ``/docs``.
TITLES: Mapping[str, Mapping[Locale, str]] = {
    "bad-json": {"zh-CN": "请求体不是有效的 JSON", "en": "The body is not valid JSON"},
    "bad-request": {"zh-CN": "请求无法识别", "en": "The request cannot be understood"},
    "invalid": {"zh-CN": "部分内容不符合要求", "en": "Some fields are not as they must be"},
    "unauthenticated": {"zh-CN": "请先登录或提供令牌", "en": "Sign in or send a token"},
    "forbidden": {"zh-CN": "无权进行此操作", "en": "You may not do this"},
    "cross-site": {"zh-CN": "请求来自其他网站,已拒绝", "en": "The request came from another site and was refused"},
    "not-found": {"zh-CN": "没有找到", "en": "Not found"},
    "no-such-ticket": {
        "zh-CN": "没有此工单,或查询码不正确",
        "en": "There is no such ticket, or the key is not right",
    },
    "method-not-allowed": {"zh-CN": "不支持此请求方法", "en": "This method is not allowed here"},
    "not-possible-now": {"zh-CN": "当前状态下不能进行此操作", "en": "This action is not possible now"},
    "no-document": {"zh-CN": "公文无法生成", "en": "The document cannot be written"},
    "nothing-to-report": {"zh-CN": "没有待反馈的步骤", "en": "No step waits to be reported"},
    "too-large": {"zh-CN": "请求体超过 {limit} 字节的上限", "en": "The body is larger than the limit of {limit} bytes"},
    "unsupported-type": {
        "zh-CN": "请求体必须是 application/json",
        "en": "The body must be application/json",
    },
    "compressed": {
        "zh-CN": "请求体不能压缩(不支持 Content-Encoding)",
        "en": "The body must not be compressed (no Content-Encoding)",
    },
    "too-slow": {"zh-CN": "请求体未能在规定时间内传完", "en": "The body did not arrive in time"},
    "key-reused": {
        "zh-CN": "此 Idempotency-Key 已用于另一内容的请求",
        "en": "This Idempotency-Key was used for a request with another body",
    },
    "too-many-requests": {
        "zh-CN": "来自同一地址的请求过多:每分钟最多 {limit} 次,请在 {seconds} 秒后重试",
        "en": "Too many requests from this address: {limit} a minute at most, try again in {seconds} seconds",
    },
    "too-many-messages": {
        "zh-CN": "消息太频繁:每分钟最多 {limit} 条,请在 {seconds} 秒后再发",
        "en": "Too many messages: {limit} a minute at most, try again in {seconds} seconds",
    },
    "too-many-windows": {
        "zh-CN": "同时打开的会话窗口过多,请在 {seconds} 秒后重试",
        "en": "Too many chat windows are open, try again in {seconds} seconds",
    },
    "session-ended": {
        "zh-CN": "会话凭证无效或已过期,请重新开始会话",
        "en": "This chat session is not valid any more; please begin a new one",
    },
    "internal": {"zh-CN": "系统内部错误,已记录", "en": "Something went wrong on our side; it is on record"},
    "refused-input": {"zh-CN": "此推送未被接受", "en": "This push was not accepted"},
    "busy": {"zh-CN": "系统繁忙,内容未被接收,请稍后重试", "en": "Too busy, nothing was taken in; try again soon"},
}

#: Kind of mistake in one field (pydantic's and ours) → what to say.
REASONS: Mapping[str, Mapping[Locale, str]] = {
    "missing": {"zh-CN": "必填", "en": "required"},
    "extra_forbidden": {"zh-CN": "未知字段", "en": "unknown field"},
    "string_type": {"zh-CN": "必须是文本", "en": "must be a text"},
    "string_too_short": {"zh-CN": "至少 {min_length} 个字符", "en": "at least {min_length} characters"},
    "string_too_long": {"zh-CN": "最多 {max_length} 个字符", "en": "at most {max_length} characters"},
    "string_pattern_mismatch": {"zh-CN": "格式不正确", "en": "not in the right form"},
    "string_unicode": {"zh-CN": "必须是有效的 Unicode 文本", "en": "must be valid Unicode"},
    "literal_error": {"zh-CN": "必须是下列之一:{expected}", "en": "must be one of {expected}"},
    "bool_type": {"zh-CN": "必须是 true 或 false", "en": "must be true or false"},
    "list_type": {"zh-CN": "必须是列表", "en": "must be a list"},
    "dict_type": {"zh-CN": "必须是对象", "en": "must be an object"},
    "int_type": {"zh-CN": "必须是整数", "en": "must be a whole number"},
    "int_parsing": {"zh-CN": "必须是整数", "en": "must be a whole number"},
    "bool_parsing": {"zh-CN": "必须是 true 或 false", "en": "must be true or false"},
    "greater_than_equal": {"zh-CN": "不能小于 {ge}", "en": "must be at least {ge}"},
    "less_than_equal": {"zh-CN": "不能大于 {le}", "en": "must be at most {le}"},
    "too_long": {"zh-CN": "最多 {max_length} 项", "en": "at most {max_length} entries"},
    "timezone_aware": {"zh-CN": "时间必须带时区,例如 +08:00", "en": "a time needs its offset, such as +08:00"},
    "datetime_parsing": {"zh-CN": "必须是 RFC 3339 时间", "en": "must be an RFC 3339 time"},
    "datetime_from_date_parsing": {"zh-CN": "必须是 RFC 3339 时间", "en": "must be an RFC 3339 time"},
    "datetime_type": {"zh-CN": "必须是 RFC 3339 时间", "en": "must be an RFC 3339 time"},
    "bad_base64": {"zh-CN": "必须是 base64", "en": "must be base64"},
    "empty_file": {"zh-CN": "文件为空", "en": "the file is empty"},
    "file_too_large": {"zh-CN": "文件超过 {limit} 字节的上限", "en": "the file is larger than {limit} bytes"},
    "too_many_files": {"zh-CN": "最多 {limit} 个附件", "en": "at most {limit} attachments"},
    "file_refused": {
        "zh-CN": "不接受此类文件;可接受:{allowed}",
        "en": "files of this type are not accepted; accepted are {allowed}",
    },
    "file_name": {"zh-CN": "文件名不正确", "en": "not a file name"},
    "unknown_priority": {"zh-CN": "流程中没有此等级", "en": "the process has no such priority"},
    "unknown_entry": {
        "zh-CN": "必须是 hotline、walk_in 或专线号码",
        "en": "must be hotline, walk_in or a special number",
    },
    "bad_cursor": {"zh-CN": "不是有效的游标", "en": "not a cursor of ours"},
    "bad_number": {"zh-CN": "不是有效的工单编号", "en": "not a ticket number"},
    "bad_phone": {"zh-CN": "不是可识别的电话号码", "en": "not a phone number"},
    "one_of_two": {"zh-CN": "请提供 phone 或 service_number", "en": "give phone or service_number"},
    "coordinates": {
        "zh-CN": "须为 WGS 84 纬度(-90 至 90)和经度(-180 至 180)",
        "en": "must be a latitude from -90 to 90 and a longitude from -180 to 180 (WGS 84)",
    },
    "no_location": {"zh-CN": "须提供其中之一", "en": "one of them is required"},
    "number": {"zh-CN": "必须是数字", "en": "must be a number"},
    "w3_time": {
        "zh-CN": "必须是带时区的时间,例如 2010-01-01T00:00:00Z",
        "en": "must be a time with its zone, such as 2010-01-01T00:00:00Z",
    },
    "span": {"zh-CN": "时间范围不能超过 {days} 天", "en": "may not span more than {days} days"},
    "unknown": {"zh-CN": "没有找到", "en": "was not found"},
    "not_listed": {
        "zh-CN": "此列表不公开,请提供 api_key",
        "en": "this is not public; send your api_key",
    },
    "bad_form": {
        "zh-CN": "请求体须为 UTF-8 编码的 application/x-www-form-urlencoded 表单",
        "en": "must be application/x-www-form-urlencoded in UTF-8",
    },
    "bad_key": {"zh-CN": "Idempotency-Key 须为 1 至 255 个可见字符", "en": "1 to 255 visible characters"},
}

# The core gives its reasons in English; each form in Chinese.
_CORE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(english), chinese)
    for english, chinese in (
        (r"required", "必填"),
        (r"unknown field", "此操作没有这个字段"),
        (r"must be a text", "必须是文本"),
        (r"longer than (\d+) characters", r"超过 \1 个字符"),
        (r"must be one of (.*)", r"必须是下列之一:\1"),
        (r"must be a whole number from (\d+) to (\d+)", r"必须是 \1 到 \2 的整数"),
        (r"must be a phone number or an e-mail address", "必须是可核实的电话号码或电子邮箱"),
        (r"must be a list of up to four texts", "必须是最多四项文本的列表"),
        (r"the ticket has this grade or a higher one already", "工单已是此级别或更高级别"),
        (r"the ticket does not owe this", "工单没有这一时限"),
        (r"it has been extended as far as it can be", "已延至规定的最长期限,不能再延"),
        (r"it can be extended until (.*)", r"最多延至 \1"),
        (
            r"the forwarding body's own limit is (.*); who of them agreed to more, and when",
            r"转办方要求 \1 前办结;须写明转办方何人何时同意延期",
        ),
        (r"it could be returned until (.*); a supervisor still may", r"退回期限已于 \1 届满,只有班长可以退回"),
        (r"it could be returned until (.*)", r"退回期限已于 \1 届满"),
        (r"it is past; only a deadline that has not passed can be extended", "时限已过,只能在到期前延期"),
    )
)


def locale_of(accept_language: str) -> Locale:
    """The first of our languages in an ``Accept-Language`` header, by weight; Chinese when it names none of them."""
    best: tuple[float, Locale] = (0.0, "zh-CN")
    for part in accept_language.split(",")[:20]:
        name, _, weight = part.partition(";")
        language: Locale | None = {"zh": "zh-CN", "en": "en"}.get(name.strip().lower()[:2])  # type: ignore[assignment]
        if language is None:
            continue
        q = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", weight)
        if (value := float(q[1]) if q else 1.0) > best[0]:
            best = (value, language)
    return best[1]


def reason_of(kind: str, locale: Locale, context: Mapping[str, object], fallback: str) -> str:
    """What to say about one field; `fallback` (English) for a kind of mistake that the table does not know."""
    words = REASONS.get(kind)
    if words is None:
        return fallback
    if locale != "en" and kind == "literal_error":  # the library joins the choices in English
        context = {**context, "expected": str(context["expected"]).replace(" or ", "、").replace(", ", "、")}
    return words[locale].format_map(context)


def core_reason(reason: str, locale: Locale) -> str:
    """A reason of the core in the caller's language."""
    if locale != "en":
        for english, chinese in _CORE:
            if (found := english.fullmatch(reason)) is not None:
                return found.expand(chinese)
    return reason
