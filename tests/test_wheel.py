"""What `pip install` brings is all that the program needs: profiles, words, pages, migrations, templates."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.servers.process import missing

ROOT = Path(__file__).parent.parent
PYTHON = (sys.executable, "-m")
UV = Path(sys.executable).parent / "uv"
NOT_CODE = {".toml", ".css", ".js", ".svg", ".mako", ".j2"}

pytestmark = pytest.mark.slow


def run(command: Sequence[str | Path], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "LC_", "PYTHON"))}
    return subprocess.run(
        [*map(str, command)], cwd=folder, env={**kept, **environment}, capture_output=True, text=True, timeout=100
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the wheel is unpacked into, made of what is in the checkout and not inside it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("gateway", "ticket_core", "templates"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    # uv makes it from a source distribution, as an installer that finds no wheel would.
    build = (
        [UV, "build", "-q", "-o", folder] if UV.exists() else [*PYTHON, "pip", "wheel", "--no-deps", "-w", folder, "."]
    )
    built = run(build, source)
    if built.returncode:
        missing(f"no wheel was built, for which setuptools must be at hand: {built.stderr[-500:]}")
    (wheel,) = folder.glob("*.whl")
    target = folder / "site"
    install = [UV, "pip", "install", "-q"] if UV.exists() else [*PYTHON, "pip", "install", "-q"]
    done = run([*install, "--no-deps", "--target", target, wheel], folder)
    assert done.returncode == 0, done.stderr
    return target


def gateway(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as the wheel brings it, far from the checkout."""
    (folder / "gateway.toml").touch()
    start = "import sys; from gateway.cli import main; import gateway; print(gateway.__file__, file=sys.stderr); main()"
    done = run([sys.executable, "-c", start, *arguments], folder, PYTHONPATH=str(installed), LC_ALL="C.UTF-8")
    assert str(installed) in done.stderr, done.stderr
    return done


def test_the_wheel_brings_everything_that_is_no_code(installed: Path) -> None:
    homes = {"gateway": "gateway", "ticket_core": "ticket_core", "templates": "gateway/templates"}
    wanted = {
        f"{home}/{path.relative_to(ROOT / name).as_posix()}"
        for name, home in homes.items()
        for path in (ROOT / name).rglob("*")
        if path.suffix in NOT_CODE or ("versions" in path.parts and path.suffix == ".py")
    }
    assert {path for path in wanted if not (installed / path).is_file()} == set()
    assert any(path.endswith(".py") for path in wanted)


def test_a_notice_is_previewed_and_profiles_are_listed_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    preview = gateway(installed, tmp_path, "preview", "acknowledgement", "--json")
    assert preview.returncode == 0, preview.stderr
    assert "261120-00000042-0" in json.loads(preview.stdout)["short"]
    profiles = gateway(installed, tmp_path, "profiles", "list")
    assert profiles.returncode == 0, profiles.stderr
    assert "telecom-10086" in profiles.stdout


def test_a_database_is_made_and_a_complaint_is_taken_in_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "complaint.json").write_text('{"text": "宽带断网三天"}', "utf-8")
    taken = gateway(installed, tmp_path, "ingest", "web", "complaint.json")
    assert taken.returncode == 0, taken.stderr
    assert json.loads(taken.stdout)["outcome"] == "opened"


def test_without_a_configuration_it_is_said_which_file_is_wanted(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    start = "from gateway.cli import main; main()"
    done = run([sys.executable, "-c", start, "check"], tmp_path / "elsewhere", PYTHONPATH=str(installed))
    assert (done.returncode, "gateway.toml" in done.stderr) == (2, True)
