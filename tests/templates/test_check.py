"""The check finds, before any notice is owed, what would hold it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateway.errors import RenderError
from gateway.render import Problem, Renderer, check, sample_view
from tests.templates.conftest import TEMPLATES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped templates to spoil."""
    return Path(shutil.copytree(TEMPLATES, tmp_path / "templates"))


def problems(folder: Path) -> list[Problem]:
    return check(Renderer(folder))


CHECKED = "notices/zh-CN/answer"


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        (f"{CHECKED}/text.txt.j2", "{{ ticket.nothing }}", "ticket has no nothing"),
        (
            f"{CHECKED}/text.txt.j2",
            "{% if not ticket.number %}{{ due.nothing }}{% endif %}a",
            "line 1: due has no nothing",
        ),
        (f"{CHECKED}/text.txt.j2", "{{ event.nothing }}", "has no attribute 'nothing'"),
        (f"{CHECKED}/text.txt.j2", "{{ nothing }}", "'nothing' is undefined"),
        (f"{CHECKED}/text.txt.j2", "{{ ticket.number", "line 1"),
        (f"{CHECKED}/text.txt.j2", "  \n", "came out empty"),
        (f"{CHECKED}/short.txt.j2", "【我们】{{ ticket.number }}", "only the signature may have"),
        (f"{CHECKED}/short.txt.j2", "长" * 135, "3 SMS segments"),
        (f"{CHECKED}/html.html.j2", '{% extends "_parts/gone.html.j2" %}', "_parts/gone.html.j2 does not exist"),
        (f"{CHECKED}/shrot.txt.j2", "x", "is no file of a notice"),
        ("notices/zh-CN/stray.txt", "x", "is no file of a notice"),
        ("notices/Chinese/answer/text.txt.j2", "x", "is no locale"),
        ("notices/stray.txt", "x", "outside of every locale"),
        ("samples/gossip.toml", "", "sample of no notice"),
        ("samples/answer.toml", "[all.ticket]\nnothing = 1", "ticket has no nothing"),
        ("samples/answer.toml", "[all", "answer.toml"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(folder: Path, file: str, content: str, reason: str) -> None:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, "utf-8")
    found = problems(folder)
    assert any(file.startswith(problem.file) and reason in problem.reason for problem in found), found


@pytest.mark.parametrize("file", ["subject.txt.j2", "text.txt.j2"])
def test_a_notice_without_its_subject_or_text_is_a_problem(folder: Path, file: str) -> None:
    (folder / CHECKED / file).unlink()
    assert Problem(file=f"{CHECKED}/{file}", reason="is missing") in problems(folder)


def test_a_notice_without_its_short_form_may_fall_back_but_not_to_a_long_text(folder: Path) -> None:
    (folder / CHECKED / "short.txt.j2").unlink()
    assert [problem.file for problem in problems(folder)] == [f"{CHECKED}/short.txt.j2"]
    (folder / CHECKED / "text.txt.j2").write_text("{{ ticket.number }}", "utf-8")
    assert problems(folder) == []


def test_a_notice_that_one_locale_lacks_is_a_problem(folder: Path) -> None:
    shutil.rmtree(folder / "notices/en/answer")
    assert problems(folder) == [Problem(file="notices/en/answer/text.txt.j2", reason="is missing")]


def test_an_organisation_of_one_language_needs_only_that_one(folder: Path) -> None:
    shutil.rmtree(folder / "notices/en")
    assert problems(folder) == []


def test_a_notice_without_a_sample_is_a_problem(folder: Path) -> None:
    (folder / "samples/answer.toml").unlink()
    assert {problem.file for problem in problems(folder)} == {"samples/answer.toml"}
    with pytest.raises(RenderError, match="answer/sample"):
        sample_view(folder / "samples", "answer", "zh-CN")


def test_a_folder_without_notices_is_a_problem(tmp_path: Path) -> None:
    assert problems(tmp_path) == [Problem(file="notices", reason="holds no notices")]
