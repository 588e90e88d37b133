"""Specs: conda environment specs (JSON or YAML) and every older dialect of poncho's, to one value.

The dialects, by the tools that wrote them:

* D0 (2019): `{"python": "3.7.3", "modules": [...]}`
* D1 (2020), which is conda's own and the one we write: `{"name", "prefix", "channels", "dependencies"}`
* D2 (2021): `{"conda": ["channel::package", ...], "pip": [...], "git", "http"}`
* D3 (2021): `{"conda": {"channels", "packages"}, "pip": [...], "git", "http"}`
* D4 (2022): `{"conda": {"channels", "dependencies"}, "git", "http", "pinned"}`, also with a `pip` list
"""

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pannier.formats.conda_packages import CondaPackage, MatchspecError, parse_conda_package, python_specifier
from pannier.formats.project_files import parse_pyproject
from pannier.formats.requirement_lines import (
    RequirementLineError,
    normalized_project_name,
    parse_requirement_line,
)
from pannier.formats.spec_documents import load_document
from pannier.formats.spec_problems import SpecProblems
from pannier.model.spec import DataSource, LocalProject, Spec

__all__ = ["parse_pyproject", "parse_spec"]

_DATA_KEYS = ("git", "http")


def parse_spec(text: str, *, filename: str) -> Spec:
    """Read a conda environment spec or one of poncho's older dialects; the content says which.

    Args:
        text: JSON or YAML.
        filename: Where it was read from, for messages; local projects in it start from its directory.

    Raises:
        SpecError: It is neither JSON nor YAML, or something in it is unknown, of the wrong type or no
            requirement; all such places are told at once.
    """
    document = load_document(text, filename)
    reader = _Reader(SpecProblems(filename), posixpath.dirname(filename))
    reader.problems.dialect, read = _dialect(document)
    read(reader, document)
    reader.problems.raise_if_any()
    return Spec(
        requirements=tuple(dict.fromkeys(reader.requirements)),
        python=",".join(dict.fromkeys(clause for clause in reader.python if clause)),
        channels=tuple(dict.fromkeys(reader.channels)),
        matchspecs=tuple(dict.fromkeys(reader.pinned_matchspecs())),
        local_projects=tuple(dict.fromkeys(reader.local_projects)),
        data=tuple(reader.data),
        dialect=reader.problems.dialect,
    )


@dataclass
class _Reader:
    """What has been read so far of one document."""

    problems: SpecProblems
    directory: str
    requirements: list[str] = field(default_factory=list)
    python: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    packages: list[CondaPackage] = field(default_factory=list)
    pins: dict[str, str] = field(default_factory=dict)
    local_projects: list[LocalProject] = field(default_factory=list)
    data: list[DataSource] = field(default_factory=list)

    def read_channels(self, value: Any, where: str) -> None:
        """Take channels in their order, which is their priority."""
        self.channels += [text for _, text in self.problems.texts(value, where)]

    def read_pip(self, value: Any, where: str) -> None:
        """Take a pip list."""
        for place, text in self.problems.texts(value, where):
            try:
                line = parse_requirement_line(text, directory=self.directory)
            except RequirementLineError as error:
                self.problems.add(place, f"`{text}` is not a requirement: {error}")
                continue
            if line.local_project is not None:
                self.local_projects.append(line.local_project)
            elif normalized_project_name(line.requirement) != "pip":
                self.requirements.append(line.requirement)

    def read_dependencies(self, value: Any, where: str) -> None:
        """Take conda's dependencies, a pip list among them."""
        for place, item in self.problems.items(value, where):
            if isinstance(item, dict):
                self.problems.check_keys(item, ("pip",), place)
                self.read_pip(item.get("pip"), f"{place}.pip")
            elif text := self.problems.text(item, place):
                self.read_package(text, place)

    def read_package(self, text: str, place: str) -> None:
        """Take one conda package; `python` is the interpreter, and `pip` is not needed."""
        try:
            package = parse_conda_package(text)
            if package.name == "python":
                self.python.append(python_specifier(package.rest))
        except MatchspecError as error:
            self.problems.add(place, str(error))
            return
        if package.channel:
            self.channels.append(package.channel)
        if package.name not in ("python", "pip"):
            self.packages.append(package)

    def read_pins(self, value: Any) -> None:
        """Take D4's pins of conda packages, `version=build` by name."""
        table = self.problems.table(value, "pinned")
        self.problems.check_keys(table, ("conda",), "pinned")
        for name, pin in self.problems.table(table.get("conda"), "pinned.conda").items():
            where = f"pinned.conda.{name}"
            if name.lower() == "python":
                self.read_package(f"python={self.problems.text(pin, where)}", where)
            else:
                self.pins[name.lower()] = self.problems.text(pin, where)

    def read_data(self, document: dict[str, Any]) -> None:
        """Take what is to be carried beside the environment."""
        for variable, value in self.problems.table(document.get("git"), "git").items():
            where = f"git.{variable}"
            table = self.problems.table(value, where)
            self.problems.check_keys(table, ("remote", "ref"), where)
            url = self.problems.text(table.get("remote"), f"{where}.remote")
            ref = self.problems.text(table.get("ref", ""), f"{where}.ref")
            self.data.append(DataSource(variable=variable, kind="git", url=url, ref=ref))
        for variable, value in self.problems.table(document.get("http"), "http").items():
            self._read_download(variable, value)

    def _read_download(self, variable: str, value: Any) -> None:
        where = f"http.{variable}"
        table = self.problems.table(value, where)
        self.problems.check_keys(table, ("type", "compression", "url", "sha256"), where)
        kind = self.problems.text(table.get("type", "file"), f"{where}.type")
        compression = self.problems.text(table.get("compression") or "", f"{where}.compression")
        if kind not in ("file", "tar"):
            self.problems.add(f"{where}.type", f"must be `file` or `tar`, not `{kind}`")
        if compression not in ("", "gzip"):
            self.problems.add(f"{where}.compression", f"must be `gzip`, not `{compression}`")
        self.data.append(
            DataSource(
                variable=variable,
                kind="tar" if kind == "tar" else "file",
                url=self.problems.text(table.get("url"), f"{where}.url"),
                sha256=self.problems.text(table.get("sha256", ""), f"{where}.sha256").lower(),
                compression=compression,
            )
        )

    def pinned_matchspecs(self) -> list[str]:
        """Give the packages, with their pins where they have one and name no version themselves."""
        return [
            f"{package.matchspec}={self.pins[package.name]}"
            if not package.rest and package.name in self.pins
            else package.matchspec
            for package in self.packages
        ]


def _dialect(document: dict[str, Any]) -> tuple[str, Callable[[_Reader, dict[str, Any]], None]]:
    conda = document.get("conda")
    if "modules" in document:
        return "poncho spec of 2019 (python, modules)", _read_modules
    if "dependencies" in document:
        return "conda environment spec", _read_environment
    if isinstance(conda, list):
        return "poncho spec of 2021 (a conda list)", _read_conda_list
    if isinstance(conda, dict):
        kind = "conda.packages" if "packages" in conda else "conda.dependencies"
        return f"poncho spec ({kind})", _read_conda_table
    if conda is not None or any(key in document for key in ("pip", *_DATA_KEYS)):
        return "poncho spec", _read_conda_table
    return "conda environment spec", _read_environment


def _read_modules(reader: _Reader, document: dict[str, Any]) -> None:
    reader.problems.check_keys(document, ("python", "modules"))
    if version := reader.problems.text(document.get("python", ""), "python"):
        reader.read_package(f"python={version}", "python")
    reader.read_pip(document["modules"], "modules")


def _read_environment(reader: _Reader, document: dict[str, Any]) -> None:
    reader.problems.check_keys(document, ("name", "prefix", "channels", "dependencies"))
    if "dependencies" not in document:
        reader.problems.add("", "`dependencies` is missing, so nothing is asked for")
    reader.read_channels(document.get("channels"), "channels")
    reader.read_dependencies(document.get("dependencies"), "dependencies")


def _read_conda_list(reader: _Reader, document: dict[str, Any]) -> None:
    reader.problems.check_keys(document, ("conda", "pip", *_DATA_KEYS))
    reader.read_dependencies(document["conda"], "conda")
    reader.read_pip(document.get("pip"), "pip")
    reader.read_data(document)


def _read_conda_table(reader: _Reader, document: dict[str, Any]) -> None:
    reader.problems.check_keys(document, ("conda", "pip", "pinned", *_DATA_KEYS))
    conda = reader.problems.table(document.get("conda"), "conda")
    reader.problems.check_keys(conda, ("channels", "dependencies", "packages", "name", "prefix"), "conda")
    reader.read_channels(conda.get("channels"), "conda.channels")
    reader.read_dependencies(conda.get("packages"), "conda.packages")
    reader.read_dependencies(conda.get("dependencies"), "conda.dependencies")
    reader.read_pip(document.get("pip"), "pip")
    reader.read_pins(document.get("pinned"))
    reader.read_data(document)
