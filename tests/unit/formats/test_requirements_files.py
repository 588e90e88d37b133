from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pannier.formats.requirements_files import References, parse_requirements
from pannier.formats.requirements_text import decode_requirements
from pannier.formats.specs import parse_pyproject
from pannier.model.errors import SpecError
from pannier.model.spec import LocalProject, Spec


def _parse(
    text: str,
    files: dict[str, str] | None = None,
    filename: str = "dir/requirements.txt",
    environ: dict[str, str] | None = None,
    missing: tuple[str, ...] = (),
) -> Spec:
    def read(name: str) -> str:
        try:
            return (files or {})[name]
        except KeyError:
            raise FileNotFoundError(2, "No such file or directory", name) from None

    def problem_of(path: str) -> str:
        return "is not there" if path in missing else ""

    return parse_requirements(text, filename=filename, references=References(read, environ, problem_of))


def _problems(text: str, **more: Any) -> list[str]:
    with pytest.raises(SpecError) as caught:
        _parse(text, **more)
    return list(caught.value.facts["problems"])


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
    text = "six\nnot ok\n--no-deps\n-r missing.txt\n-r other.txt\nx=1\ngit+https://git.example/x\n"
    found = _problems(text, files={"other.txt": "\n\n==1\n"})
    assert [line.split(": ")[0] for line in found] == [
        "dir/requirements.txt:2",
        "dir/requirements.txt:3",
        "dir/requirements.txt:4",
        "dir/other.txt:3",
        "dir/requirements.txt:6",
        "dir/requirements.txt:7",
    ]


def test_choices_are_carried() -> None:
    text = "--pre\n--no-index\n--no-binary numpy,scipy\n--only-binary=:all:\n--trusted-host h\nsix\n"
    assert _parse(text).choices == (
        ("pre", ""),
        ("no-index", ""),
        ("no-binary", "numpy,scipy"),
        ("only-binary", ":all:"),
        ("trusted-host", "h"),
    )
    assert _problems("--no-binary\n") == ["dir/requirements.txt:1: `--no-binary` needs a value"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("./a", LocalProject(path="dir/a")),
        ("libs/a", LocalProject(path="dir/libs/a")),
        ("-e ../a ; python_version<'3'", LocalProject(path="a", marker='python_version < "3"')),
        ("file:../a", LocalProject(path="a")),
        ("file:///x/a%20b", LocalProject(path="/x/a b")),
        ("a[x] @ file:b/c", LocalProject(path="dir/b/c", name="a", extras=("x",))),
        ("a @ ../b", LocalProject(path="b", name="a")),
        ("../a-1.0-py3-none-any.whl", LocalProject(path="a-1.0-py3-none-any.whl", name="a")),
        ("a-1.0.tar.gz[x]", LocalProject(path="dir/a-1.0.tar.gz", name="a", extras=("x",))),
        ("w/functools32-3.2.3-2.zip", LocalProject(path="dir/w/functools32-3.2.3-2.zip", name="functools32")),
        ("${PLACE}/a", LocalProject(path="/srv/a")),
    ],
)
def test_paths_are_projects_of_this_machine(line: str, expected: LocalProject) -> None:
    assert _parse(f"{line}\n", environ={"PLACE": "/srv"}).local_projects == (expected,)


def test_a_url_of_a_distribution_needs_no_name() -> None:
    text = (
        "https://f.example/a_b-1.0-py3-none-any.whl\n"
        "https://f.example/?x=1#egg=thing ; sys_platform=='linux'\n"
    )
    assert _parse(text).requirements == (
        "a_b @ https://f.example/a_b-1.0-py3-none-any.whl",
        'thing @ https://f.example/?x=1#egg=thing ; sys_platform == "linux"',
    )


def test_variables_are_looked_up_and_stay_in_urls() -> None:
    text = "--extra-index-url https://${USER}:${KEY}@i.example/s\nx @ https://${KEY}@f.example/x-1.tar.gz\n"
    environ = {"USER": "ann", "KEY": "secret"}
    spec = _parse(text, environ=environ)
    assert "secret" not in repr(spec)
    assert spec.indexes == (("extra-index-url", "https://${USER}:${KEY}@i.example/s"),)
    problems = _problems(text, environ={"USER": "ann", "KEY": ""})
    assert [line.split(" ", 1)[0] for line in problems] == [
        "dir/requirements.txt:1:",
        "dir/requirements.txt:2:",
    ]
    assert all("`KEY` is not set" in line for line in problems)


def test_what_cannot_be_taken_is_told_line_by_line() -> None:
    text = (
        "./gone\n-c limits.txt\n-r https://i.example/r.txt\n-e git+https://git.example/x#egg=x\n"
        "six --global-option=x\nhttps://f.example/x\n./a ; python<3\n./a-1.whl\n"
    )
    problems = _problems(text, files={"limits.txt": "six<2\n./a\n"}, missing=("dir/gone",))
    assert [line.split(": ")[0] for line in problems] == [
        "dir/requirements.txt:1",
        "dir/limits.txt:2",
        *(f"dir/requirements.txt:{number}" for number in (3, 4, 5, 6, 7, 8)),
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"six\r\nidna\r\n", ("six", "idna")),
        ("\ufeffsix # \u00e9".encode(), ("six",)),
        ("six # \u00e9\nidna".encode("utf-16"), ("six", "idna")),
        (b"\xfe\xff" + "six".encode("utf-16-be"), ("six",)),
        (b"\xff\xfe\0\0" + "six".encode("utf-32-le"), ("six",)),
        (b"# -*- coding: latin-1 -*-\nsix # \xe9", ("six",)),
    ],
)
def test_encodings_are_known_as_pip_knows_them(content: bytes, expected: tuple[str, ...]) -> None:
    assert _parse(decode_requirements(content)).requirements == expected


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"six\n# \xe9", "line 2 is not UTF-8 text"),
        (b"# coding: klingon\nsix", "`klingon` is not known"),
        (b"\xff\xfes", "is not UTF-16-LE text"),
    ],
)
def test_what_is_no_text_is_told(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        decode_requirements(content)


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
