import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pannier.formats.environment_specs import format_spec
from pannier.formats.specs import parse_spec
from pannier.model.errors import SpecError
from pannier.model.spec import DataSource, LocalProject, Spec


def _parse(value: object, filename: str = "spec.json") -> Spec:
    return parse_spec(json.dumps(value), filename=filename)


def _problems(value: object) -> list[str]:
    with pytest.raises(SpecError) as caught:
        _parse(value)
    return list(caught.value.facts["problems"])


DIALECTS = {
    "D0": {"python": "3.7.3", "modules": ["matplotlib"]},
    "D1": {
        "name": "x",
        "prefix": "/home/user/env",
        "channels": ["conda-forge"],
        "dependencies": ["python=3.7.3=h1_0", "pip=20.0=py37_0", {"pip": ["matplotlib"]}],
    },
    "D2": {"conda": ["conda-forge::python=3.7.3", "conda-forge::pip"], "pip": ["matplotlib"]},
    "D3": {
        "conda": {"channels": ["conda-forge"], "packages": ["python=3.7.3", "pip"]},
        "pip": ["matplotlib"],
        "git": {},
        "http": {},
    },
    "D4": {
        "conda": {
            "channels": ["conda-forge"],
            "dependencies": ["python=3.7.3", "pip", {"pip": ["matplotlib"]}],
        },
    },
    "D3 and D4 mixed": {
        "conda": {"channels": ["conda-forge"], "dependencies": ["python=3.7.3", "pip"]},
        "pip": ["matplotlib"],
    },
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_says_the_same(dialect: str) -> None:
    spec = _parse(DIALECTS[dialect])
    assert spec.requirements == ("matplotlib",)
    assert spec.python == "==3.7.3"
    assert spec.matchspecs == ()
    assert spec.channels == (() if dialect == "D0" else ("conda-forge",))


def test_conda_packages_keep_their_builds_and_channels_their_order() -> None:
    spec = _parse(
        {"channels": ["z", "a"], "dependencies": ["numpy=1.20=py39_0", "b::scipy", "pandas >=1,<2"]}
    )
    assert spec.matchspecs == ("numpy=1.20=py39_0", "b::scipy", "pandas >=1,<2")
    assert spec.channels == ("z", "a", "b")


def test_an_environment_yml_is_read() -> None:
    text = "name: x\nchannels:\n  - conda-forge\ndependencies:\n  - python>=3.9\n  - pip:\n    - six==1.16\n"
    spec = parse_spec(text, filename="environment.yml")
    assert (spec.python, spec.requirements) == (">=3.9", ("six==1.16",))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("python", ""),
        ("python=3.11", "==3.11.*"),
        ("python=3", "==3.*"),
        ("python==3.11.7", "==3.11.7"),
        ("python=3.11.7", "==3.11.7"),
        ("python=3.11.7=h123_0", "==3.11.7"),
        ("python 3.11.7 h123_0", "==3.11.7"),
        ("python 3.11.*", "==3.11.*"),
        ("python=3.11.*", "==3.11.*"),
        ("python 3.11", "==3.11.*"),
        ("python>=3.9", ">=3.9"),
        ("python >= 3.9, <3.13", ">=3.9,<3.13"),
        ("python=3.9|3.10", None),
        ("python=abc", None),
    ],
)
def test_condas_pythons_become_specifiers(written: str, expected: str | None) -> None:
    if expected is None:
        assert "dependencies[0]" in _problems({"dependencies": [written]})[0]
    else:
        assert _parse({"dependencies": [written]}).python == expected


def test_local_projects_start_from_the_specs_directory() -> None:
    pip = [
        "-e ./a",
        "../b",
        "c @ file:///abs/c",
        "--editable=d[x, y]",
        "w @ file:///w-1-py3-none-any.whl",
        ".",
    ]
    spec = _parse({"dependencies": [{"pip": pip}]}, filename="sub/spec.json")
    assert spec.local_projects == (
        LocalProject(path="sub/a"),
        LocalProject(path="b"),
        LocalProject(path="/abs/c", name="c"),
        LocalProject(path="sub/d", extras=("x", "y")),
        LocalProject(path="/w-1-py3-none-any.whl", name="w"),
        LocalProject(path="sub"),
    )


def test_data_and_pins_are_taken() -> None:
    spec = _parse(
        {
            "conda": {"channels": [], "dependencies": ["numpy", "scipy=1", "python"]},
            "pinned": {"conda": {"numpy": "1.20=py39_0", "scipy": "1.1=x", "python": "3.9.1=h_0"}},
            "git": {"CODE": {"remote": "https://git.example/x", "ref": "v1"}},
            "http": {
                "DATA": {"type": "tar", "compression": "gzip", "url": "https://f.example/x", "sha256": "A"}
            },
        }
    )
    assert spec.matchspecs == ("numpy=1.20=py39_0", "scipy=1")
    assert spec.python == "==3.9.1"
    assert spec.data == (
        DataSource(variable="CODE", kind="git", url="https://git.example/x", ref="v1"),
        DataSource(variable="DATA", kind="tar", url="https://f.example/x", sha256="a", compression="gzip"),
    )
    assert parse_spec(format_spec(spec), filename="x.json").data == spec.data


def test_all_that_is_wrong_is_named_at_once_with_its_place() -> None:
    found = _problems(
        {
            "dependencies": ["python=3.9", 7, {"pip": ["ok", "not ok!", "x=1"], "conda": []}, {"pip": "six"}],
            "channels": "main",
            "variables": {},
        }
    )
    assert [line.split(": ")[0] for line in found] == [
        "variables",
        "channels",
        "dependencies[1]",
        "dependencies[2].conda",
        "dependencies[2].pip[1]",
        "dependencies[2].pip[2]",
        "dependencies[3].pip",
    ]
    assert "`==`" in found[5]


def test_unknown_keys_are_named_with_the_dialect() -> None:
    with pytest.raises(SpecError) as caught:
        _parse({"python": "3.9", "modules": [], "moduls": []})
    assert "moduls" in caught.value.facts["problems"][0]
    assert "2019" in str(caught.value.facts["read as"])


@pytest.mark.parametrize("text", ["{}", "", "[]", "null", '{"name": "x"}', '"x"'])
def test_nothing_asked_for_is_refused_instead_of_read_as_empty(text: str) -> None:
    with pytest.raises(SpecError):
        parse_spec(text, filename="spec.json" if text else "spec.yml")


@pytest.mark.parametrize(
    ("text", "filename", "place"),
    [
        ('{"dependencies": [\n  "a",,]}', "spec.json", "line 2, column 7"),
        ("a:\n  - b\n c: [", "e.yml", "line 3, column 2"),
    ],
)
def test_a_syntax_error_names_line_and_column(text: str, filename: str, place: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(text, filename=filename)
    assert caught.value.facts["at"] == place


@pytest.mark.parametrize(
    ("text", "filename"),
    [
        ('{"dependencies": [], "dependencies": ["a"]}', "spec.json"),
        ("channels: []\nchannels: [a]\n", "e.yml"),
    ],
)
def test_a_key_that_stands_twice_is_refused(text: str, filename: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(text, filename=filename)
    assert "twice" in str(caught.value.facts["reason"])


def test_a_spec_is_written_for_conda() -> None:
    spec = Spec(
        requirements=("Six==1.16", "attrs"),
        python="==3.11.*",
        local_projects=(LocalProject(path="/home/me/secret/p", name="p"), LocalProject(path="lib/q")),
    )
    text = format_spec(spec)
    assert json.loads(text) == {
        "channels": ["conda-forge"],
        "dependencies": ["python=3.11", "pip", {"pip": ["./lib/q", "attrs", "p", "Six==1.16"]}],
    }
    assert text.startswith('{\n    "channels": [\n        "conda-forge"\n    ],\n    "dependencies": [\n')
    assert text.endswith("}\n")
    assert "/home" not in text


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["six==1.16", "attrs", "numpy>=1,<2", "a[b]; python_version < '3'"]), unique=True
    ),
    st.sampled_from(["", "==3.11.*", "==3.11.7", ">=3.9", ">=3.9,<3.12"]),
    st.lists(st.sampled_from(["z", "a"]), unique=True, min_size=1),
    st.lists(st.sampled_from(["b=1", "a=1=x"]), unique=True),
)
def test_what_is_written_is_read_back(
    pip: list[str], python: str, channels: list[str], conda: list[str]
) -> None:
    spec = Spec(requirements=tuple(pip), python=python, channels=tuple(channels), matchspecs=tuple(conda))
    text = format_spec(spec)
    again = parse_spec(text, filename="spec.json")
    assert format_spec(again) == text
    assert again.python == python
    assert again.channels == spec.channels
    assert len(again.requirements) == len(pip)


KEYS = ["conda", "pip", "dependencies", "channels", "modules", "python", "git", "http", "pinned", "x"]
leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=5)


def _tables(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)


@settings(deadline=None)
@given(st.recursive(leaves, _tables, max_leaves=8))
def test_any_document_is_a_spec_or_refused(value: object) -> None:
    with suppress(SpecError):
        _parse(value)
