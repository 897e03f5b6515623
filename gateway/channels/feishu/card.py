"""The choices of a notice as buttons of a card, which stands below its text.

https://open.feishu.cn/document/feishu-cards/card-components/interactive-components/button, whose `value` comes back
when somebody presses it: https://open.feishu.cn/document/feishu-cards/card-callback-communication
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.channels.base import Choice

_MOST = 50
_LABEL = 100  # characters


def fits(choices: Sequence[Choice]) -> bool:
    """Whether these can be buttons."""
    return 0 < len(choices) <= _MOST and all(len(one.label) <= _LABEL for one in choices)


def card_of(choices: Sequence[Choice], under: str) -> Mapping[str, Any]:
    """The card; `under` is the message that it is to stand under, empty in a private chat."""
    place = {"under": under} if under else {}
    buttons = [
        {"tag": "button", "text": {"tag": "plain_text", "content": one.label}, "value": {"says": one.says, **place}}
        for one in choices
    ]
    return {"elements": [{"tag": "action", "actions": buttons}]}
