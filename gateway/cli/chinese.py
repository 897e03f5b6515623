"""What the core, the configuration and the libraries say in English, in Chinese: one pattern a sentence."""

from __future__ import annotations

import re

_SAID: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(english, re.M), chinese)
    for english, chinese in (
        # what was typed
        (r"^Try '(.+)' for help\.", r"说明见：\1"),
        (r"^Error: ", "错误："),
        (r"Missing (?:option|argument|parameter) '(.+)'\.", r"缺少 \1"),
        (r"Missing command\.", "缺少命令"),
        (r"No such option: (\S+)", r"没有选项 \1"),
        (r"\(Possible options: (.+)\)", r"（是否为 \1）"),
        (r" Did you mean (.+)\?", r"（是否为 \1）"),
        (r"No such command '(.+)'\.", r"没有命令 \1"),
        (r"Got unexpected extra arguments? \((.+)\)", r"多余的参数：\1"),
        (r"Option '(.+)' requires an argument\.", r"选项 \1 需要一个值"),
        (r"Invalid value for '(.+)': ", r"\1 的值不正确："),
        (r"Aborted!", "已中止"),
        # the file of settings
        (r"No such file or directory", "文件或目录不存在"),
        (r"Permission denied", "没有权限"),
        (r"Is a directory", "是目录，不是文件"),
        (r"Input should be a valid integer(?:, unable to parse string as an integer)?", "必须是整数"),
        (r"Input should be a valid number(?:, unable to parse string as a number)?", "必须是数字"),
        (r"Input should be a valid boolean(?:, unable to interpret input)?", "必须是 true 或 false"),
        (r"must be JSON, such as (.+)", r"必须是 JSON，例如 \1"),
        (r"Input should be a valid string", "必须是文本"),
        (r"Input should be a valid (?:list|tuple|set|frozenset)", "必须是列表"),
        (r"Input should be (?:a valid|an) (?:dictionary|object).*", "必须是表"),
        (r"Input should be a valid (?:timedelta|datetime|date).*", "不是有效的时长或时间"),
        (r"Input should be a dictionary or an instance of \w+", "必须是表"),
        (r"Input should be greater than or equal to (\S+)", r"不能小于 \1"),
        (r"Input should be less than or equal to (\S+)", r"不能大于 \1"),
        (r"Input should be greater than (\S+)", r"必须大于 \1"),
        (r"Input should be less than (\S+)", r"必须小于 \1"),
        (r"Input should be (.+)", r"必须是 \1"),
        (r"(?:Extra inputs are not permitted|Unexpected keyword argument)", "没有这一项"),
        (r"(?:Field required|Missing required keyword only argument)", "必填"),
        (r"(?<=: )required$", "必填"),
        (r"String should have at least (\d+) characters?", r"至少 \1 个字符"),
        (r"String should have at most (\d+) characters?", r"最多 \1 个字符"),
        (r"String should match pattern (.+)", r"格式应为 \1"),
        (r"Value error, ", ""),
        (r"no adapter of kind '?(.+?)'?; installed are: ", r"没有类型 \1；可用："),
        (r"a channel of this name answers by itself", "同名的渠道自己会答复"),
        (r"belongs to (\S+) already", r"已由 \1 使用"),
        (r"this mailbox is read by (\S+) already", r"此邮箱已由 \1 读取"),
        (r"named (\d+) times", r"出现 \1 次"),
        (r"no profile has a group (\S+); there are ", r"流程中没有部门 \1；可用："),
        (r"no role (\S+); there are ", r"没有角色 \1；可用："),
        (r"nobody handles the group (\S+) of the profile (\S+)", r"流程 \2 的部门 \1 没有经办人"),
        (r"nobody is a supervisor, whom the profile (\S+) wants to tell", r"流程 \1 要告知班长，但没有人是班长"),
        (r"there is no notice (\S+) in (\S+)", r"\2 中没有通知 \1"),
        (r"(\S+) reads no sheets; those that do: ", r"\1 不接收表格；可用："),
        (r"each of several Open311 endpoints needs one of its own", "有多个 Open311 端点时，每个都要有自己的辖区"),
        (r"the mailbox that (\S+) reads; mail that is sent.*", r"\1 读取的邮箱；由此发出的邮件会再次进来，请换一个"),
        (r"the address of (\S+); what is sent there.*", r"\1 的投诉邮箱；发到那里的通知会成为投诉"),
        (r"no such setting", "没有这一设置"),
        (r"no TLS", "没有加密（TLS）"),
        (r"(\S+) is not https; keys and passwords travel in the clear", r"\1 不是 https，查询码和密码将明文传输"),
        (
            r"(\S+) is open to other machines without TLS; set (\S+) to .*",
            r"\1 对其他机器开放而没有加密；请把 \2 设为 https 地址",
        ),
        (r"empty; operators in the mainland refuse SMS without 【…】", "为空；国内运营商不收没有【签名】的短信"),
        (r"empty; nothing proves that what is pushed.*", "为空；无法证明推送内容未被改动"),
        (r"(\S+) is not bounce@…;.*", r"\1 不是 bounce@…；退信将无法对应到通知"),
        (
            r"(\S+) takes what people write out of the mainland;.*",
            r"\1 会使个人信息出境，须取得单独同意并符合个人信息保护法第三十八条",
        ),
        (r"the days of (\d+) are not published here;.*", r"缺少 \1 年的放假安排，涉及该年的时限为暂定"),
        # what a command could not do
        (r"(\S+) is in use by process (\d+)", r"\1 正由进程 \2 使用"),
        (r"^no input (\d+)$", r"没有输入 \1"),
        (r"^no ticket (\d+)$", r"没有工单 \1"),
        (r"^there is an account (\S+) already$", r"账号 \1 已存在"),
        (r"^a password has (\d+) to (\d+) characters$", r"密码须为 \1 至 \2 个字符"),
        (r"^no step waits to be reported to (\S+)$", r"\1 没有待反馈的步骤"),
        (r"^somebody has reported this in the meantime$", "已由他人反馈"),
        (r"^not a span of time: (.+?); write for example (.+) or (.+)$", r"不是时长：\1；例如 \2 或 \3"),
        (r"in the running gateway; its log says more", "：运行中的网关出错，详见其日志"),
    )
)


def in_chinese(text: str) -> str:
    """The same text with every sentence that is known in Chinese; names and values stay as they are."""
    for english, chinese in _SAID:
        text = english.sub(chinese, text)
    return text
