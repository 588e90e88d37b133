import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pannier.formats.site_files import ENVIRONMENT_KEYS, SITE_KEYS, parse_site
from pannier.model.errors import SpecError
from pannier.model.site import Site, SiteEnvironment, SiteInterpreter
from pannier.model.target import Platform

WHOLE = """
[site]
name = "lab"
prefix = "/opt/lab/envs"
bin = "/usr/local/bin"
platform = "linux-x86_64-glibc2.17"

[environment.lab-python27]
python = "2.7"
requirements = ["requirements-py27.txt"]
constraints = ["limits.txt"]
smoke = ["import matplotlib", "import yaml"]
aliases = ["lab-python2"]
interpreter = "/opt/python2.7/bin/python2.7"

[environment.lab-python36]
python = "3.6.15"
requirements = ["requirements-py36.txt", "more.txt"]
platform = "linux-aarch64-musl1.2"
interpreter = "bundled"
"""
LEAST = '[site]\nprefix = "/opt/x"\nbin = "/usr/bin"\n[environment.a]\npython = "3.9"\nrequirements = ["r"]\n'


def problems_of(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        parse_site(text, filename="site.toml")
    assert caught.value.code == "site-invalid"
    return [re.sub(r"^site\.toml:\d+: ", "", problem) for problem in caught.value.facts["problems"]]


def test_every_problem_names_its_line_and_the_key_that_was_meant() -> None:
    text = """# ours
[site]
prefx = "/opt/lab"
bin = 3

[environment.old]
python = "3.6"
requirements = [
  "a.txt",
  "",
  7,
]
[environment."two words"]
"""
    with pytest.raises(SpecError) as caught:
        parse_site(text, filename="site.toml")
    problems = list(caught.value.facts["problems"])
    assert "site.toml:3: site.prefx: unknown key; did you mean `prefix`?" in problems
    assert "site.toml:2: site.prefix: is missing; an absolute directory on the server" in problems
    assert any(one.startswith("site.toml:4: site.bin: must be text") for one in problems)
    assert any(
        one.startswith("site.toml:8: environment.old.requirements[2]: must be text") for one in problems
    )
    assert any(one.startswith("site.toml:13: environment.two words: a name is") for one in problems)
    with pytest.raises(SpecError) as caught:
        parse_site("[site]\nprefix = /opt\n", filename="site.toml")
    assert next(iter(caught.value.facts["problems"])).startswith("site.toml:2: it is not TOML: ")


def test_a_site_is_read_whole() -> None:
    old, new = parse_site(WHOLE, filename="site.toml").environments
    assert old == SiteEnvironment(
        name="lab-python27",
        python="2.7",
        requirements=("requirements-py27.txt",),
        constraints=("limits.txt",),
        smoke=("import matplotlib", "import yaml"),
        aliases=("lab-python2",),
        platform=Platform("linux", "x86_64", "glibc", "2.17"),
        interpreter=SiteInterpreter(kind="path", path="/opt/python2.7/bin/python2.7"),
    )
    assert new.platform == Platform("linux", "aarch64", "musl", "1.2")
    assert new.interpreter == SiteInterpreter(kind="bundled")
    assert new.lock_name == "pylock.lab-python36.toml"


def test_what_is_left_out_has_a_default() -> None:
    site = parse_site(LEAST, filename="site.toml", default_name="here")
    environment = SiteEnvironment(name="a", python="3.9", requirements=("r",))
    assert site == Site(name="here", prefix="/opt/x", bin="/usr/bin", environments=(environment,))


def test_all_problems_are_told_at_once() -> None:
    text = """
    colour = "red"
    [site]
    prefix = "opt/lab"
    [environment.Lab]
    python = 3.6
    requirements = []
    aliases = ["a/b"]
    smoke = ["import a\\nimport b"]
    [environment.two]
    python = "3.99"
    requirements = ["a.txt", "a.txt"]
    aliases = ["Lab"]
    platform = "amiga"
    interpreter = "bin/python"
    shell = "zsh"
    """
    found = "\n".join(problems_of(text))
    for part in (
        "colour: unknown key",
        "site.prefix: must be an absolute path",
        "site.bin: is missing",
        "environment.Lab: a name is of lower-case",
        "environment.Lab.python: must be text",
        "put it in quotes",
        "environment.Lab.requirements: is missing",
        "`a/b` cannot be the name of a command",
        "environment.Lab.smoke[0]: must be one line",
        "environment.two.python: `3.99` is not a Python version",
        "environment.two.requirements: names a file twice",
        "environment.two: `Lab` is a name of `environment.Lab` already",
        "environment.two.platform: `amiga`",
        "environment.two.interpreter: must be",
        "environment.two.shell: unknown key",
    ):
        assert part in found
    assert len(found.splitlines()) == 14


@pytest.mark.parametrize("path", ["/", "/opt/../etc", "//", "", "relative", "/a\\tb"])
def test_a_prefix_is_an_absolute_path_below_the_root(path: str) -> None:
    text = LEAST.replace("/opt/x", path)
    assert [problem for problem in problems_of(text) if problem.startswith("site.prefix")]


def test_a_directory_is_written_in_one_way() -> None:
    assert parse_site(LEAST.replace("/opt/x", "//opt/x/"), filename="").prefix == "/opt/x"


def test_a_site_without_environments_is_refused() -> None:
    assert problems_of('[site]\nprefix = "/o"\nbin = "/b"')[0].startswith("environment: there is none")


def test_what_is_no_toml_is_refused() -> None:
    assert problems_of("[site")[0].startswith("it is not TOML")


KEYS = (
    "site",
    "environment",
    "python",
    "prefix",
    "bin",
    "smoke",
    "aliases",
    "interpreter",
    "a",
    "requirements",
)
PLAIN = ("1", "2.5", "true", '"3.9"', '"/a"', '"x"', "[]", '["r.txt"]', "1979-05-27")
VALUES = st.recursive(
    st.sampled_from(PLAIN),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4).map(
            lambda table: "{" + ", ".join(f"{key} = {value}" for key, value in table.items()) + "}"
        )
    ),
    max_leaves=12,
)


def read_or_refuse(text: str) -> Site | SpecError:
    try:
        return parse_site(text, filename="site.toml")
    except SpecError as error:
        return error


@given(VALUES, st.sampled_from(["site", "environment", "environment.a", "environment.a.python"]))
def test_any_document_is_a_site_or_one_error(value: str, key: str) -> None:
    answer = read_or_refuse(f"{key} = {value}")
    assert answer.environments if isinstance(answer, Site) else answer.facts["problems"]


@given(st.text(max_size=40))
def test_any_text_is_a_site_or_one_error(text: str) -> None:
    answer = read_or_refuse(text)
    assert isinstance(answer, SpecError)
    assert answer.code == "site-invalid"


@given(
    name=st.text(string.ascii_lowercase + string.digits + "-_", min_size=1, max_size=9).filter(
        lambda name: name[0].isalnum()
    ),
    python=st.sampled_from(["2.7", "3.6", "3.14", "3.11.7"]),
    files=st.lists(st.text(string.ascii_letters + "./", min_size=1, max_size=8), min_size=1, unique=True),
)
def test_what_is_written_is_read_back(name: str, python: str, files: list[str]) -> None:
    quoted = ", ".join(f'"{file}"' for file in files)
    site = '[site]\nprefix = "/o"\nbin = "/b"\n'
    text = f'{site}[environment.{name}]\npython = "{python}"\nrequirements = [{quoted}]'
    (environment,) = parse_site(text, filename="site.toml").environments
    assert environment == SiteEnvironment(name=name, python=python, requirements=tuple(files))


def test_the_reference_names_every_key_and_its_example_is_a_site() -> None:
    text = (Path(__file__).parents[3] / "docs" / "reference" / "site-file.md").read_text("utf-8")
    rows = set(re.findall(r"^\| `([a-z]+)` \|", text, re.MULTILINE))
    assert rows == {*SITE_KEYS, *ENVIRONMENT_KEYS}
    (example,) = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(parse_site(example, filename="site.toml").environments) == 2


def test_a_python_that_cannot_be_copied_is_not_bundled() -> None:
    text = '[site]\nprefix = "/a"\nbin = "/b"\n[environment.old]\npython = "{}"\nrequirements = ["r"]\n'
    bundled = text + 'interpreter = "bundled"\n'
    assert parse_site(bundled.format("3.6"), filename="site.toml").environments[0].python == "3.6"
    for python in ("2.7", "2.7.18", "3.5"):
        with pytest.raises(SpecError) as caught:
            parse_site(bundled.format(python), filename="site.toml")
        assert "before 3.6 cannot be bundled" in str(caught.value.facts)
        parse_site(text.format(python), filename="site.toml")
