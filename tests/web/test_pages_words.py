"""The words of the pages, and the colours they are written in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from gateway.web.auth import ROLES
from gateway.web.pages.language import LOCALES, read_words
from ticket_core.model import GRADES, KINDS, STAGES, NoticeState, Outcome
from ticket_core.profile import load_profile, profile_names

ROOT = Path(__file__).parents[2]
TEXTS = {locale: read_words(locale) for locale in LOCALES}
#: Sections whose keys are values of the domain, looked up by name.
NAMED = {
    "stage",
    "plain",
    "kind",
    "grade",
    "reason",
    "score",
    "statement",
    "outcome",
    "state",
    "medium",
    "role",
    "actor",
}
NAMED |= {
    "column",
    "event",
    "field",
    "unit",
    "relation",
    "language",
    "repeat",
    "channel",
    "sent",
    "problem",
    "thanks",
} | {"why"}
#: Sections that our scripts are given, and where these stand.
SCRIPTED = {
    "chat_live": tuple((ROOT / "gateway/web/static").glob("chat*.js")),
    "chat_widget": (ROOT / "templates/pages/chat/widget.js.j2",),
}
NAMED |= SCRIPTED.keys()
#: Keys that are put together from a part that varies.
BUILT = re.compile(
    r"console\.(tickets|call|deadlines|triage|journal|notices|imports|replies|people)|"
    r"list\.(mine|group|transit|overdue|all)|import\.(running|finished|broken|stopped|problems)"
)
BUILT_TICKET = re.compile(r"ticket\.(met|cancelled|overdue|running|origin_source|origin_extension)")


#: What is sent, what a conversation answers included.
WRITTEN = tuple(path.name for path in (ROOT / "templates/notices/zh-CN").iterdir() if path.name[0] != "_")


def section(name: str) -> set[str]:
    return {key.partition(".")[2] for key in TEXTS["zh-CN"] if key.startswith(f"{name}.")}


def test_both_languages_have_the_same_words_with_the_same_places() -> None:
    chinese, english = TEXTS["zh-CN"], TEXTS["en"]
    assert chinese.keys() == english.keys()
    for key, text in chinese.items():
        assert set(re.findall(r"\{(\w+)\}", text)) == set(re.findall(r"\{(\w+)\}", english[key])), key
        assert text.strip() and english[key].strip(), key


def test_every_word_is_used_and_every_word_used_is_there() -> None:
    files = [*(ROOT / "templates" / "pages").rglob("*.j2"), *(ROOT / "gateway" / "web" / "pages").rglob("*.py")]
    source = "\n".join(file.read_text() for file in files)
    used = set(re.findall(r"""["']([a-z]+\.[a-z_]+)["']""", source))
    known = set(TEXTS["zh-CN"])
    unused = {key for key in known - used if key.partition(".")[0] not in NAMED}
    assert {key for key in unused if not BUILT.fullmatch(key) and not BUILT_TICKET.fullmatch(key)} == set()
    called = set(re.findall(r"""\b(?:t|words|reader\.words)\(\s*["']([a-z]+\.[a-z_]+)["']""", source))
    assert {key for key in called - known if not key.endswith("_")} == set()


@pytest.mark.parametrize("name", SCRIPTED)
def test_every_word_of_a_script_is_used_and_every_word_used_is_there(name: str) -> None:
    source = "\n".join(file.read_text() for file in SCRIPTED[name])
    used = set(re.findall(r"""\bwords\.([a-z_]+)|\bsay\("([a-z_]+)\"""", source))
    used_names = {one or other for one, other in used} | set(re.findall(r"\bby: \"([a-z]+)\"", source))
    assert section(name) - {"us"} == used_names - {"us"}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("kind", KINDS),
        ("grade", GRADES),
        ("stage", STAGES),
        ("plain", STAGES),
        ("outcome", get_args(Outcome)),
        ("state", get_args(NoticeState)),
        ("score", ("1", "2", "3", "4", "5")),
        ("sent", ("source_step", *WRITTEN)),
    ],
)
def test_every_value_of_the_domain_has_a_word(name: str, values: tuple[str, ...]) -> None:
    assert section(name) == set(values)


def test_every_role_and_every_field_of_an_action_has_a_word() -> None:
    assert section("role") >= set(ROLES)
    for profile in map(load_profile, profile_names()):
        for action in profile.actions:
            assert section("field") >= {*action.requires, *action.accepts}, action.name


def test_chinese_sentences_have_chinese_punctuation() -> None:
    mixed = re.compile(r"[\u4e00-\u9fff][,;:?!(]")
    assert [key for key, text in TEXTS["zh-CN"].items() if mixed.search(text)] == []


# --- Colours -----------------------------------------------------------------------------------------------------

STYLE = (ROOT / "gateway/web/static/style.css").read_text()
COLOURS = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", STYLE))
ON_GROUNDS = [
    (text, ground) for text in ("text", "muted", "accent", "accent-deep", "bad") for ground in ("paper", "ground")
]
ON_PALE = [(tone, f"{tone}-pale") for tone in ("bad", "warn", "good", "accent")]


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *ON_GROUNDS,
        *ON_PALE,
        ("paper", "accent"),
        ("paper", "accent-deep"),
        ("text", "accent-pale"),
        ("muted", "accent-pale"),
    ],
)
def test_text_can_be_read_by_weak_eyes(text: str, ground: str) -> None:
    assert contrast(COLOURS[text], COLOURS[ground]) >= 4.5


def test_the_edge_of_a_field_can_be_seen() -> None:
    assert contrast(COLOURS["edge"], COLOURS["paper"]) >= 3


def test_colours_stand_in_one_place() -> None:
    rules = STYLE[STYLE.index("}") :]
    assert set(re.findall(r"#[0-9a-f]{3,8}\b", rules)) <= {"#fff"}
    assert set(re.findall(r"var\(--([a-z-]+)\)", STYLE)) <= {*COLOURS, "space", "round"}


def test_the_button_on_other_sites_has_the_same_colours() -> None:
    (widget,) = SCRIPTED["chat_widget"]
    assert set(re.findall(r"#[0-9a-f]{3,8}\b", widget.read_text())) <= {*COLOURS.values(), "#fff"}
    chat = (ROOT / "gateway/web/static/chat.css").read_text()
    assert set(re.findall(r"#[0-9a-f]{3,8}\b", chat)) <= {"#fff"}
    assert set(re.findall(r"var\(--([a-z-]+)\)", chat)) <= {*COLOURS, "space", "round"}
