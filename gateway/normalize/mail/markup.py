"""HTML of strangers: as text for reading and deciding, and sanitised for showing. Bounded before any tree is built."""

from __future__ import annotations

import html
import re
from functools import cache

import nh3
from selectolax.lexbor import LexborHTMLParser

from gateway.normalize.mail.model import MailLimits, ParsedMail

# Line ends that survive the tree: a form feed is white space to HTML, so it may stand even between the rows of a table,
# and nobody writes one. An edge of a block ends a line once, however many blocks end there; a <br> ends one each time.
_EDGE, _BR = "\f", "\v"
_EDGES = (
    r"<(?=/?(?:p|div|t(?:r|able)|blockquote|h(?:r|[1-6]|eader)|[uo]l|li|d[ltd]|pre|section|a(?:rticle|ddress)|"
    r"f(?:ooter|ieldset|orm)|center|option)[\s/>])"
)
_BREAKS = (re.compile(_EDGES), re.compile(r"<(?=br[\s/>])"), re.compile(r"<(?=/t[dh][\s>])"))
_BREAKS_IN_CAPITALS = tuple(re.compile(each.pattern, re.IGNORECASE) for each in _BREAKS)  # three times slower
_CAPITALS = re.compile(r"</?[A-Z]")
_PRE = re.compile(r"<pre\b.*?</pre", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]{0,30})")
_PASTED_IMAGE = re.compile(r"data:image/[^\s\"'<>)]{200,}")
_BLANKS = re.compile(r"[ \t\r\n\xa0]+")
_LINE_END = re.compile(r"\v?\f+|\v")  # a <br> just before the edge of a block shows nothing
_MANY_BREAKS = re.compile(r"\n{3,}")
_MARKUP = re.compile(r"<(?:!--.*?--|[!?/a-zA-Z][^<>]*)>", re.DOTALL)
_SILENT = ("script", "style", "head", "title", "noscript", "template", "object", "iframe", "svg")
_SILENT_BLOCKS = tuple(
    (f"</{name}", re.compile(rf"<{name}\b[^<>]*>.*?</{name}", re.IGNORECASE | re.DOTALL))
    for name in ("script", "style", "head")
)
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)
# A tree costs about the sum of the depths of its tags: an unclosed <b> is repeated in every paragraph.
_TREE_COST = 2_000_000
_FEW_TAGS = 1_000  # cost too little to be counted, however deep they lie


def too_deep(source: str, limits: MailLimits) -> bool:
    """Whether building a tree of this markup would cost more than its size: the parsers are quadratic in the depth."""
    if source.count("<") < min(4 * limits.html_depth, _FEW_TAGS):
        return False
    open_tags: dict[str, int] = {}
    depth = cost = 0
    for closing, name in _TAG.findall(source):
        name = name.lower()
        if name in _VOID:
            continue
        if not closing:
            open_tags[name] = open_tags.get(name, 0) + 1
            depth += 1
            cost += depth
            if depth > limits.html_depth or cost > _TREE_COST:
                return True
        elif open_tags.get(name):
            open_tags[name] -= 1
            depth -= 1
    return False


def html_to_text(source: str, limits: MailLimits) -> tuple[str, str | None]:
    """The text of a page with its lines kept, and a sentence when the page was too long or too deep to be read well."""
    odd = None
    if len(source) > limits.html_chars:
        source = _PASTED_IMAGE.sub("", source)
    if len(source) > limits.html_chars:
        source = source[: limits.html_chars]
        odd = f"HTML longer than {limits.html_chars} characters was cut"
    marked = source.replace(_EDGE, " ").replace(_BR, " ").replace("\0", "")
    last_pre = marked.lower().rfind("</pre") + 5 if "</pre" in marked or "</PRE" in marked else 0
    if last_pre:
        kept = _PRE.sub(lambda block: block[0].replace("\n", _BR), marked[:last_pre])
        marked = kept + marked[last_pre:]
    edge, br, cell = _BREAKS_IN_CAPITALS if _CAPITALS.search(marked) else _BREAKS
    marked = cell.sub(" <", br.sub(f"{_BR}<", edge.sub(f"{_EDGE}<", marked)))
    if too_deep(source, limits):
        text, odd = _flat_text(marked), "HTML is nested too deeply, read without its structure"
    else:
        tree = LexborHTMLParser(marked)
        tree.strip_tags(list(_SILENT))
        text = tree.body.text() if tree.body is not None else ""
    text = _BLANKS.sub(" ", text)
    for mark in (_EDGE, _BR):
        text = text.replace(f" {mark}", mark).replace(f"{mark} ", mark)
    text = _LINE_END.sub("\n", text)
    return _MANY_BREAKS.sub("\n\n", text).strip(), odd


def _flat_text(marked: str) -> str:
    """Text of markup that is no tree, in one pass: what looks like a tag is dropped."""
    for closing, block in _SILENT_BLOCKS:
        last = marked.lower().rfind(closing) + len(closing)  # beyond the last closing tag nothing can match
        if last > len(closing):
            marked = block.sub("", marked[:last]) + marked[last:]
    end = marked.rfind("-->") + 3
    if end < 3:
        return html.unescape(_MARKUP.sub("", marked.replace("<!--", "")))
    return html.unescape(_MARKUP.sub("", marked[:end]) + _MARKUP.sub("", marked[end:].replace("<!--", "")))


@cache
def _cleaner() -> nh3.Cleaner:
    tags = set(nh3.ALLOWED_TAGS) - {"img", "map", "area"}
    attributes = {name: set(allowed) for name, allowed in nh3.ALLOWED_ATTRIBUTES.items() if name in tags}
    return nh3.Cleaner(
        tags=tags,
        attributes=attributes,
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )


def safe_html(mail: ParsedMail, limits: MailLimits | None = None) -> str | None:
    """The mail's HTML without scripts, styles, forms and images; None when it has none or is too deep to be cleaned."""
    limits = limits or MailLimits()
    source = mail.html_source
    if source is not None and len(source) > limits.html_chars:
        source = _PASTED_IMAGE.sub("", source)
    if source is None or len(source) > limits.html_chars or too_deep(source, limits):
        return None
    return _cleaner().clean(source)
