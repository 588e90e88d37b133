"""Projects of every habit, in real repositories, to be released."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

HATCH = {
    "pyproject.toml": """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "particle"
dynamic = ["version"]
readme = "README.md"
requires-python = ">=3.9"
[tool.hatch.version]
path = "src/particle/__init__.py"
""",
    "src/particle/__init__.py": '__version__ = "1.2.0"\n',
    "tests/test_particle.py": "",
}
SETUP = {
    "setup.py": """\
from setuptools import setup

setup(name='particle', version='1.2.0', py_modules=['particle'], description='A particle',
      long_description=open('README.md').read(), long_description_content_type='text/markdown')
""",
    "particle.py": "__version__ = '1.2.0'\n",
    "MANIFEST.in": "include README.md\n",
}
FLIT = {
    "pyproject.toml": """\
[build-system]
requires = ["flit_core>=3.2,<4"]
build-backend = "flit_core.buildapi"
[project]
name = "particle"
dynamic = ["version", "description"]
readme = "README.md"
requires-python = ">=3.8"
""",
    "particle.py": '"""A particle."""\n__version__ = "1.2.0"\n',
}
POETRY = {
    "pyproject.toml": """\
[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
[tool.poetry]
name = "particle"
version = "1.2.0"
description = "A particle"
authors = ["Ann <ann@example.org>"]
readme = "README.md"
packages = [{include = "particle"}]
[tool.poetry.dependencies]
python = "^3.9"
""",
    "particle/__init__.py": "",
}
COMPUTED = {
    "setup.py": "from setuptools import setup\nexec(open('about.py').read())\n"
    "setup(name='particle', version=VERSION, py_modules=['particle'], long_description='A particle',\n"
    "      long_description_content_type='text/plain')\n",
    "about.py": "VERSION = '.'.join(['1', '2', '0'])\n",
    "particle.py": "",
    "MANIFEST.in": "include about.py\n",
}
KEEP = "# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-11-20\n\n### Added\n\n- A thing\n"
PLAIN = "1.2.0 (2026-11-20)\n\n* A thing\n\n1.1.0\n\n* Another\n"


# git knows who commits, and nothing else of this machine's configuration.
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
}


@dataclass(frozen=True)
class Work:
    """A project in a repository with a remote."""

    directory: Path

    def git(self, *arguments: str) -> str:
        """Run git, and give what it prints."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.directory, capture_output=True, text=True, env={**os.environ, **GIT}
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, files: dict[str, str], *, commit: bool = True) -> None:
        """Write files, commit them, and push."""
        for name, text in files.items():
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        if commit:
            self.git("add", "--all")
            self.git("commit", "--quiet", "--message", "Change")
            self.git("push", "--quiet")

    def clone(self, directory: Path) -> "Work":
        """The same again, elsewhere."""
        subprocess.run(
            ["git", "clone", "--quiet", str(self.directory.parent / "origin.git"), str(directory)],
            check=True,
            env={**os.environ, **GIT},
        )
        return Work(directory)


def make_work(place: Path, files: dict[str, str], changelog: dict[str, str] | None = None) -> Work:
    """Put a project under version control, with a remote that has everything."""
    work = Work(place / "particle")
    work.directory.mkdir(parents=True)
    work.git("init", "--quiet", "--initial-branch=main")
    work.git("init", "--quiet", "--bare", "--initial-branch=main", str(place / "origin.git"))
    work.git("remote", "add", "origin", str(place / "origin.git"))
    work.git("commit", "--quiet", "--allow-empty", "--message", "Begin")
    work.git("push", "--quiet", "--set-upstream", "origin", "main")
    work.write(
        {"README.md": "# Particle\n\nIt is small.\n", **files, **(changelog or {"CHANGELOG.md": KEEP})}
    )
    return work
