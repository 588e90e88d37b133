from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pannier.formats.specs import parse_pyproject, parse_requirements
from pannier.model.errors import SpecError
from pannier.model.spec import LocalProject, Spec


def _parse(text: str, files: dict[str, str] | None = None, filename: str = "dir/requirements.txt") -> Spec:
    def read(name: str) -> str:
        try:
            return (files or {})[name]
        except KeyError:
            raise FileNotFoundError(2, "No such file or directory", name) from None

    return parse_requirements(text, filename=filename, read=read)


def test_comments_markers_and_continued_lines_are_read_as_pip_reads_them() -> None:
    text = "# all\nsix==1.16  # why\n\nnumpy \\\n  >=1, \\\n  <2 ; python_version<'3.9'\nx @ https://f.example/x#f\n"
    assert _parse(text).requirements == (
        "six==1.16",
        "numpy >=1, <2 ; python_version<'3.9'",
        "x @ https://f.example/x#f",
    )


def test_included_files_start_from_the_file_that_includes_them() -> None:
    files = {
        "sub/b.txt": "attrs\n-r c.txt\n-c ../limits.txt\n-e ./p[x]\n",
        "sub/c.txt": "-r b.txt\nidna\n",
        "limits.txt": "idna<3\n",
    }
    spec = _parse("six\n--requirement=sub/b.txt\n", files)
    assert spec.requirements == ("six", "attrs", "idna")
    assert spec.constraints == ("idna<3",)
    assert spec.local_projects == (LocalProject(path="dir/sub/p", extras=("x",)),)


def test_hashes_are_kept_by_project() -> None:
    spec = _parse(f"Six==1.16 \\\n  --hash=sha256:{'a' * 64} \\\n  --hash=sha256:{'b' * 64}\n")
    assert spec.requirements == ("Six==1.16",)
    assert spec.hashes == (("six", ("a" * 64, "b" * 64)),)


def test_index_options_are_carried_and_harmless_ones_passed_over() -> None:
    text = "--prefer-binary\n-i https://i.example/s\n--extra-index-url=https://e.example/s\n-f wheels\nsix\n"
    assert _parse(text).indexes == (
        ("index-url", "https://i.example/s"),
        ("extra-index-url", "https://e.example/s"),
        ("find-links", "dir/wheels"),
    )


def test_all_bad_lines_are_told_with_file_and_line() -> None:
    text = "six\nnot ok\n--pre\n-r missing.txt\n-r other.txt\nx=1\ngit+https://git.example/x\n"
    with pytest.raises(SpecError) as caught:
        _parse(text, {"other.txt": "\n\n==1\n"})
    found = list(caught.value.facts["problems"])
    assert [line.split(": ")[0] for line in found] == [
        "dir/requirements.txt:2",
        "dir/requirements.txt:3",
        "dir/requirements.txt:4",
        "dir/other.txt:3",
        "dir/requirements.txt:6",
        "dir/requirements.txt:7",
    ]


@settings(deadline=None)
@given(st.text(alphabet="ab=-#\\ \n\"'[]@/.:,;re", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(SpecError):
        _parse(text)


def test_a_project_file_gives_its_requirements_and_python() -> None:
    text = (
        '[project]\nname = "x"\nrequires-python = ">=3.9"\ndependencies = ["six"]\n'
        '[project.optional-dependencies]\ndev = ["pytest"]\n'
    )
    spec = parse_pyproject(text, filename="pyproject.toml")
    assert (spec.requirements, spec.python) == (("six",), ">=3.9")
    assert parse_pyproject(text, filename="pyproject.toml", extras=("dev",)).requirements == ("six", "pytest")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "project: the table is missing"),
        ('[project]\nname="x"\ndynamic=["dependencies"]', "project.dynamic"),
        ('[project]\nname="x"\ndependencies=["six", 1, "!"]', "project.dependencies[1]"),
        ('[project]\nname="x"\nrequires-python="new"', "project.requires-python"),
    ],
)
def test_what_a_project_file_lacks_is_told(text: str, problem: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_pyproject(text, filename="pyproject.toml")
    assert any(line.startswith(problem) for line in caught.value.facts["problems"])


def test_a_project_file_that_is_no_toml_is_refused() -> None:
    with pytest.raises(SpecError):
        parse_pyproject("= 1", filename="pyproject.toml")
