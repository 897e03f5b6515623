"""A city's endpoint for tests: what can be reported in it."""

from __future__ import annotations

from typing import Any

KEY = "synthetic-key-of-an-app"
SERVICES: list[dict[str, Any]] = [
    {
        "code": "001",
        "name": "Sinkhole",
        "description": "The street gives way.",
        "group": "street",
        "keywords": "hole, street",
        "kind": "repair",
        "attributes": [
            {"code": "WHISPAWN", "description": "Which lane?", "datatype": "string"},
            {
                "code": "WHISDORN",
                "description": "How large?",
                "datatype": "singlevaluelist",
                "values": {"COISL001": "As a car", "COISL002": "As a wheel"},
            },
        ],
    },
    {
        "code": "lamp",
        "name": "路灯不亮",
        "kind": "complaint",
        "category": ["市政", "路灯"],
        "attributes": [
            {"code": "pole", "description": "灯杆编号", "required": True},
            {
                "code": "fault",
                "description": "现象",
                "datatype": "multivaluelist",
                "values": {"dark": "不亮", "bent": "歪斜", "flicker": "闪烁"},
            },
            {"code": "seen", "description": "发现时间", "datatype": "datetime", "fills": "occurred_at"},
            {"code": "count", "description": "几盏", "datatype": "number"},
        ],
    },
    {"code": "corruption", "name": "廉政举报", "kind": "report", "confidential": True, "type": "batch"},
    {"code": "idea", "name": "建议", "kind": "suggestion", "type": "blackbox"},
]
