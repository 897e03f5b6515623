"""The rules of the house that a machine can check: who imports whom, sizes, names, where errors are swallowed."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("gateway", "ticket_core")


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One source file and what it says."""

    name: str
    path: str
    text: str
    is_package: bool = False

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)


def modules(*folders: str) -> Iterator[Module]:
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*.py")):
            path = file.relative_to(ROOT)
            parts = path.with_suffix("").parts
            package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if package else parts)
            yield Module(name=name, path=path.as_posix(), text=file.read_text(), is_package=package)


def within(name: str, prefixes: Iterable[str]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def none_of(violations: Iterable[str]) -> None:
    found = list(violations)
    assert not found, "\n  " + "\n  ".join(found)


# --- Who may import whom -----------------------------------------------------------------------------------------

# Pure, with no import but the standard library: anybody at the edge may use them.
EDGE_VALUES = {f"gateway.{name}" for name in ("message", "errors", "files", "segments", "mask", "places", "shipped")}

# For the longest prefix that fits a module: which of OUR modules it may import, and which libraries ("*": any).
MAY_IMPORT: dict[str, tuple[set[str], set[str]]] = {
    "ticket_core": ({"ticket_core"}, {"pydantic", "chinese_calendar"}),
    "ticket_core.store": ({"ticket_core"}, {"sqlalchemy", "tenacity", "alembic", "psycopg", "orjson"}),
    "gateway.message": ({"gateway.errors"}, set()),
    "gateway.errors": (set(), set()),
    "gateway.files": (set(), set()),
    "gateway.segments": (set(), set()),
    "gateway.mask": (set(), set()),
    "gateway.places": (set(), set()),
    "gateway.shipped": (set(), set()),
    "gateway.channels": (
        {*EDGE_VALUES, "gateway.channels", "gateway.normalize.mail", "gateway.normalize.moment"},
        {"*"},
    ),
    # A forwarding body's rules tell how to read its cases; they know no ticket either.
    "gateway.channels.transfer": (
        {*EDGE_VALUES, "gateway.channels", "gateway.normalize.source", "ticket_core.source", "ticket_core.errors"},
        {"*"},
    ),
    "gateway.normalize": (
        {
            *EDGE_VALUES,
            "gateway.normalize",
            *(f"ticket_core.{m}" for m in ("model", "profile", "source", "number", "errors")),
        },
        {"*"},
    ),
    # The mail channel's parse needs it, so it knows no ticket.
    "gateway.normalize.mail": ({*EDGE_VALUES, "gateway.normalize.mail"}, {"*"}),
    "gateway.render": ({*EDGE_VALUES, "gateway.render", "ticket_core"}, {"*"}),
    "gateway.dispatch": (
        {
            *EDGE_VALUES,
            *("gateway.render", "gateway.dispatch", "gateway.channels.base", "ticket_core"),
            *(f"gateway.{m}" for m in ("compose", "config", "keys", "lane", "loops", "recorder")),
        },
        {"*"},
    ),
    "gateway.web": (
        {*EDGE_VALUES, "gateway.sheets", "gateway.render", "gateway.web", "gateway.channels.base", "ticket_core"},
        {"*"},
    ),
    "gateway": ({"gateway", "ticket_core"}, {"*"}),
}

# What even an allowed package keeps to itself: (importer, not of these).
NEVER: list[tuple[str, set[str]]] = [
    *(
        (f"ticket_core.{m}", {"ticket_core.store", "ticket_core.service"})
        for m in ("decide", "model", "profile", "calendar")
    ),
    ("ticket_core.errors", {"ticket_core.store", "ticket_core.service"}),
    ("ticket_core.store", {"ticket_core.service"}),
]
MAY_IMPORT_APP = {"gateway.app", "gateway.cli"}


def imports(module: Module) -> Iterator[str]:
    """Every module named in an import, wherever it stands; `from a import b` names a.b."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            here = module.name.split(".") if module.is_package else module.name.split(".")[:-1]
            base = here[: len(here) + 1 - node.level] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{start}.{alias.name}" for alias in node.names)


def forbidden_imports(module: Module) -> Iterator[str]:
    rule = max((prefix for prefix in MAY_IMPORT if within(module.name, [prefix])), key=len)
    ours, libraries = MAY_IMPORT[rule]
    for name in imports(module):
        top = name.split(".")[0]
        if top in OURS:
            allowed = within(name, ours)
        else:
            allowed = top in sys.stdlib_module_names or "*" in libraries or top in libraries
        denied = any(within(module.name, [who]) and within(name, what) for who, what in NEVER)
        foreign_channel = concrete_channel(name) and not within(module.name, [concrete_channel(name), "gateway.app"])
        app = within(name, ["gateway.app"]) and not within(module.name, MAY_IMPORT_APP)
        if not allowed or denied or foreign_channel or app:
            yield f"{module.path} imports {name}"


#: What adapters are made of; whatever else lies in gateway.channels is one.
SHARED = ("base", "api", "paths", "pace", "said", "talking", "elements", "forms")


def concrete_channel(name: str) -> str:
    """Return the adapter that `name` lies in, as a module name, or "" when it lies in none."""
    parts = name.split(".")
    adapter = parts[:2] == ["gateway", "channels"] and len(parts) > 2 and parts[2] not in SHARED
    return ".".join(parts[:3]) if adapter else ""


def test_modules_import_only_what_the_design_allows() -> None:
    none_of(found for module in modules(*OURS) for found in forbidden_imports(module))


@pytest.mark.parametrize(
    ("importer", "line"),
    [
        ("gateway.channels.sms", "from ticket_core.service import intake"),
        ("gateway.channels.sms", "from gateway.channels.telegram import Telegram"),
        ("gateway.channels.sms", "from ..channels import telegram"),
        ("gateway.web.console", "import gateway.channels.sms"),
        ("gateway.web.console", "import gateway.app"),
        ("gateway.render.check", "def f():\n    import gateway.web"),
        ("gateway.message", "import aiohttp"),
        ("gateway.loops", "from gateway.channels.sms import Sms"),
        ("ticket_core.model", "import sqlalchemy"),
        ("ticket_core.decide.span", "from ticket_core import store"),
        ("ticket_core.service", "import gateway.errors"),
    ],
)
def test_a_forbidden_import_is_found(importer: str, line: str) -> None:
    assert list(forbidden_imports(Module(name=importer, path=importer, text=line)))


# --- Size and names ----------------------------------------------------------------------------------------------

LINES_AT_MOST = 400
FORBIDDEN_WORDS = {"manager", "helper", "util", "handler", "processor", "data", "info", "misc"}
ALLOWED_NAMES = {
    *("handle_data", "handle_DATA", "data_received"),  # html.parser, aiosmtpd and asyncio call them so
    "handlers",  # 经办人, the people who work on a ticket
}


def words(name: str) -> set[str]:
    found = {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}
    return found | {word.removesuffix("s") for word in found}


def forbidden_names(module: Module) -> Iterator[str]:
    if words(module.name.rsplit(".", 1)[-1]) & FORBIDDEN_WORDS:
        yield module.path
    if module.name.startswith("tests"):
        return  # there a function's name is a sentence
    for node in ast.walk(module.tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                if name not in ALLOWED_NAMES and words(name) & FORBIDDEN_WORDS:
                    yield f"{module.path}:{node.lineno} {name}"


def test_a_file_is_split_before_it_is_long() -> None:
    lengths = ((module.path, module.text.count("\n")) for module in modules(*OURS, "tests"))
    none_of(f"{path} has {lines} lines" for path, lines in lengths if lines > LINES_AT_MOST)


def test_names_say_what_a_thing_is() -> None:
    none_of(found for module in modules(*OURS, "tests") for found in forbidden_names(module))


@pytest.mark.parametrize("name", ["ticket_utils", "TicketManager", "get_info", "HTTPHandler", "misc", "helpers"])
def test_an_empty_word_in_a_name_is_found(name: str) -> None:
    assert list(forbidden_names(Module(name="gateway.x", path="x", text=f"class {name}: pass")))
    assert list(forbidden_names(Module(name=f"gateway.{name}", path="x", text="")))


def test_a_meaningful_name_passes() -> None:
    assert not list(forbidden_names(Module(name="gateway.database", path="x", text="def inform_handling(): ...")))


def one_sentence(docstring: str | None) -> bool:
    return bool(docstring) and re.fullmatch(r"(?:[^.]|\.(?!\s))+\.", str(docstring).split("\n\n")[0]) is not None


def test_every_package_is_explained_in_one_sentence() -> None:
    packages = [module for module in modules(*OURS, "tests") if module.is_package]
    none_of(m.path for m in packages if not one_sentence(ast.get_docstring(m.tree)))
    folders = {Path(m.path).parent for m in modules(*OURS)} - {Path("ticket_core/store/migrations/versions")}
    none_of(str(folder) for folder in sorted(folders) if not (ROOT / folder / "__init__.py").exists())


@pytest.mark.parametrize("docstring", [None, "", "No full stop", "Two things. In one folder."])
def test_an_unexplained_package_is_found(docstring: str | None) -> None:
    assert not one_sentence(docstring)


# --- Errors, sending, time ---------------------------------------------------------------------------------------

# Where every error may be caught and not raised again, and why.
BROAD_EXCEPT = {
    "gateway/fetcher.py": "a fault in an adapter is one file's trouble: it is tried again, others are fetched",
    "gateway/channels/base.py": "around parse: what cannot be read becomes a triage ticket",
    "gateway/channels/transfer/channel.py": "a bug of ours in one row: it becomes a triage ticket, others go on",
    "gateway/reception.py": "a bug of ours on the way of an input: it becomes a triage ticket",
    "gateway/loops.py": "a channel's loop goes on: log, back off, health",
    "gateway/dispatch.py": "a fault in composing or in an adapter is one notice's: it is tried again, others go out",
    "ticket_core/store/store.py": "the error of one script goes to its caller, the others of its batch are served",
}
BROAD = {"Exception", "BaseException"}


def swallowing(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        match node:
            case ast.ExceptHandler(type=caught, body=[*_, last]) if not isinstance(last, ast.Raise):
                names = {"Exception"} if caught is None else {n.id for n in ast.walk(caught) if isinstance(n, ast.Name)}
            case ast.Call(func=ast.Attribute(attr="suppress") | ast.Name(id="suppress"), args=arguments):
                names = {n.id for n in arguments if isinstance(n, ast.Name)}
            case _:
                continue
        if names & BROAD:
            yield f"{module.path}:{node.lineno} swallows every error"


def test_errors_are_swallowed_only_where_the_house_says_so() -> None:
    places = [module for module in modules(*OURS) if module.path not in BROAD_EXCEPT]
    none_of(found for module in places for found in swallowing(module))


@pytest.mark.parametrize(
    "text",
    [
        "try: f()\nexcept Exception: log()",
        "try: f()\nexcept: pass",
        "try: f()\nexcept (ValueError, BaseException) as e: print(e)",
        "with contextlib.suppress(Exception): f()",
    ],
)
def test_a_swallowed_error_is_found(text: str) -> None:
    assert list(swallowing(Module(name="gateway.x", path="x", text=text)))


def test_an_error_that_is_raised_again_passes() -> None:
    text = "try: f()\nexcept Exception as e:\n    undo()\n    raise"
    assert not list(swallowing(Module(name="gateway.x", path="x", text=text)))


MAY_SEND = ("gateway.dispatch", "gateway.testing")


def sending(module: Module) -> Iterator[str]:
    """Calls of `send`; an adapter may call its client library's, but neither its own nor another transport's."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "send":
            receiver = ast.unparse(node.func.value)
            if not within(module.name, ["gateway.channels"]) or receiver == "self" or "transport" in receiver:
                yield f"{module.path}:{node.lineno} {receiver}.send(...)"


def test_notices_are_sent_by_dispatch_alone() -> None:
    places = [module for module in modules(*OURS) if not within(module.name, MAY_SEND)]
    none_of(found for module in places for found in sending(module))


@pytest.mark.parametrize(("who", "text"), [("gateway.web.api", "t.send(m)"), ("gateway.channels.sms", "self.send(m)")])
def test_a_notice_sent_from_elsewhere_is_found(who: str, text: str) -> None:
    assert list(sending(Module(name=who, path="x", text=text)))


CLOCKS_AND_DICE = re.compile(
    r"\b(?:date(?:time)?\.(?:now|today|utcnow)|time\.(?:time|monotonic)|uuid\.uuid\d|secrets\.\w+|random\.\w+)$"
)


def reading_the_clock(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and CLOCKS_AND_DICE.search(called := ast.unparse(node.func)):
            yield f"{module.path}:{node.lineno} {called}"


def test_decisions_get_time_and_ids_as_arguments() -> None:
    pure = [module for module in modules("ticket_core") if not within(module.name, ["ticket_core.store"])]
    none_of(found for module in pure for found in reading_the_clock(module))


@pytest.mark.parametrize("text", ["datetime.now(UTC)", "time.time()", "dt.date.today()", "secrets.token_urlsafe()"])
def test_a_decision_that_reads_the_clock_is_found(text: str) -> None:
    assert list(reading_the_clock(Module(name="ticket_core.decide.x", path="x", text=text)))


# --- What is committed -------------------------------------------------------------------------------------------

# Written in pieces, so that this file passes its own check.
REGISTRY = "|".join(("pypi[.]org", "files[.]pythonhosted", "registry[.]npmjs", r"mirrors?\.[\w.-]+/pypi"))
TRACES = re.compile(
    rf"(?:{REGISTRY})|--(?:extra-)?index-ur[l]|--find-link[s]|(?<![\w.])/(?:work/(?:main|shared)|root|home/\w+)/"
)
LOCKS_WITH_ADDRESSES = {"uv.lock", "pylock.toml"}


def own_registries() -> set[str]:
    """The registry hosts that this machine's environment names, if it names any."""
    values = (
        value
        for name, value in os.environ.items()
        if re.fullmatch(r"(PIP|UV|NPM_CONFIG)_.*(INDEX|LINKS|REGISTRY).*", name.upper())
    )
    hosts = (urlsplit(word).hostname for value in values for word in value.split())
    return {host for host in hosts if host and host not in {"localhost", "127.0.0.1"}}


def traces(text: str) -> list[str]:
    return [found.group() for found in TRACES.finditer(text)] + [host for host in own_registries() if host in text]


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_registry_and_no_path_of_a_machine_is_committed() -> None:
    texts = ((file, file.read_bytes()) for file in tracked_files())
    none_of(f"{file.relative_to(ROOT)} {hit}" for file, raw in texts for hit in traces(raw.decode("utf-8", "replace")))
    assert {file.name for file in tracked_files()}.isdisjoint(LOCKS_WITH_ADDRESSES)


@pytest.mark.parametrize(
    "text", ["https://pypi" + ".org/simple", "see /" + "root/x", "cd /" + "home/li/x", "--index" + "-url x"]
)
def test_a_trace_of_a_machine_is_found(text: str) -> None:
    assert traces(text)
