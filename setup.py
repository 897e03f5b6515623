"""What pyproject.toml cannot say: the templates, which lie beside the packages, go into the wheel below `gateway`."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

TEMPLATES = Path(__file__).parent / "templates"


class BuildWithTemplates(build_py):
    """The ordinary step, then the templates; an editable installation reads them where they lie."""

    def run(self) -> None:
        """Build."""
        super().run()
        if not self.editable_mode:
            shutil.copytree(TEMPLATES, Path(self.build_lib) / "gateway" / "templates", dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithTemplates})
