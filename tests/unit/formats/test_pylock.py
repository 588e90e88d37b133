from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.pylock import Pylock

from pannier.formats.pylock import format_lock, parse_lock, projects_for
from pannier.model.errors import LockError
from pannier.model.lock import BuiltWheel, Lock, LockedFile, LockedProject
from pannier.model.target import Platform, Target

DATA = Path(__file__).parents[2] / "data" / "pylock"
HEAD = 'lock-version = "1.0"\ncreated-by = "x"\n'
SHA = "a" * 64


def _target(python: str = "3.11.7", platform: str = "linux-x86_64") -> Target:
    return Target(python_version=python, platform=Platform.parse(platform))


def _file(filename: str, size: int | None = None) -> LockedFile:
    return LockedFile(
        filename=filename, url=f"https://files.example/a%20b/{filename}", hashes={"sha256": SHA}, size=size
    )


names = st.sampled_from(["a", "b2", "attrs", "typing-extensions", "x-y-z"])
versions = st.sampled_from(["1.0", "2", "1.2.3", "1.0+cpu", "2025.1rc1"])


@st.composite
def projects(draw: st.DrawFn) -> LockedProject:
    name, version = draw(names), draw(versions)
    stem = name.replace("-", "_")
    tags = draw(st.lists(st.sampled_from(["py3-none-any", "cp311-cp311-manylinux_2_17_x86_64"]), unique=True))
    sizes = st.none() | st.integers(0, 2**40)
    has_sdist = draw(st.booleans()) or not tags
    wheel = BuiltWheel(filename=f"{stem}-{version}-py3-none-any.whl", sha256=SHA, size=7, libc="2.17")
    return LockedProject(
        name=name,
        version=version,
        wheels=tuple(_file(f"{stem}-{version}-{tag}.whl", draw(sizes)) for tag in sorted(tags)),
        sdist=_file(f"{stem}-{version}.tar.gz", draw(sizes)) if has_sdist else None,
        marker=draw(st.sampled_from(["", 'python_version == "3.9"'])),
        requires_python=draw(st.sampled_from(["", ">=3.8"])),
        built=draw(st.sampled_from([None, wheel])),
    )


@st.composite
def locks(draw: st.DrawFn) -> Lock:
    found = draw(st.lists(projects(), max_size=4, unique_by=lambda project: project.name))
    platforms = st.sampled_from(["linux-x86_64-glibc2.17", "linux-aarch64-musl1.2"])
    chosen = draw(st.lists(st.tuples(st.sampled_from(["3.6.15", "3.13.1"]), platforms), unique=True))
    return Lock(
        projects=tuple(sorted(found, key=lambda project: (project.name, project.version))),
        targets=tuple(_target(*pair) for pair in chosen),
        requires_python=draw(st.sampled_from(["", ">=3.6"])),
        inputs=draw(st.sampled_from(["", SHA])),
    )


@settings(deadline=None)
@given(locks())
def test_a_lock_written_and_read_is_the_same_lock(lock: Lock) -> None:
    text = format_lock(lock)
    assert parse_lock(text, filename="pylock.toml") == lock
    assert format_lock(parse_lock(text, filename="pylock.toml")) == text


@settings(deadline=None)
@given(locks())
def test_what_is_written_is_what_the_standard_demands(lock: Lock) -> None:
    import tomllib

    Pylock.from_dict(tomllib.loads(format_lock(lock)))


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_lock_or_refused(text: str) -> None:
    with pytest.raises(LockError):
        parse_lock(text, filename="pylock.toml")


def test_the_standards_own_example_is_read() -> None:
    lock = parse_lock((DATA / "pep751.toml").read_text(), filename="pylock.toml")
    assert [(project.name, project.version) for project in lock.projects] == [
        ("attrs", "25.1.0"),
        ("cattrs", "24.1.2"),
        ("numpy", "2.2.3"),
    ]
    assert lock.projects[0].wheels[0].size == 63152
    assert lock.requires_python == "==3.12"
    assert lock.targets == ()
    assert len(lock.digest) == 64


def test_paths_are_relative_to_the_lockfile() -> None:
    package = f'[[packages]]\nname="a"\nsdist = {{path="w d/a-1.0.tar.gz", hashes={{sha256="{SHA}"}}}}\n'
    (project,) = parse_lock(HEAD + package, filename="/tmp/x y/pylock.toml").projects
    assert project.sdist is not None
    assert project.sdist.url == "file:///tmp/x%20y/w%20d/a-1.0.tar.gz"
    assert project.sdist.filename == "a-1.0.tar.gz"
    assert project.version == "1.0"


def test_an_archive_that_is_a_wheel_is_a_wheel() -> None:
    url = "https://files.example/a-1.0%2Bcpu-py3-none-any.whl"
    package = f'[[packages]]\nname="a"\narchive = {{url="{url}", hashes={{sha256="{SHA}"}}}}\n'
    (project,) = parse_lock(HEAD + package, filename="pylock.toml").projects
    assert project.wheels[0].filename == "a-1.0+cpu-py3-none-any.whl"
    assert project.version == "1.0+cpu"


def test_everything_that_cannot_be_taken_is_named_at_once() -> None:
    text = HEAD + (
        '[[packages]]\nname="a"\nvcs = {type="git", url="https://git.example/a", commit-id="1"}\n'
        '[[packages]]\nname="b"\ndirectory = {path="b"}\n'
        f'[[packages]]\nname="c"\narchive = {{url="https://f.example/c.rar", hashes={{sha256="{SHA}"}}}}\n'
        '[[packages]]\nname="d"\nsdist = {url="https://files.example/d-1.tar.gz", hashes={md5="0"}}\n'
    )
    with pytest.raises(LockError) as caught:
        parse_lock(text, filename="pylock.toml")
    assert caught.value.code == "lock-unsupported"
    assert [str(line).split("`")[1] for line in caught.value.facts["found"]] == ["a", "b", "c", "d"]
    with pytest.raises(LockError) as caught:
        parse_lock(text, filename="pylock.toml", skip_directories=True)
    assert len(caught.value.facts["found"]) == 3


@pytest.mark.parametrize(
    ("name", "sha"), [("../../a-1.tar.gz", SHA), ("a-1.tar.gz", "../" + SHA), ("a.exe", SHA)]
)
def test_names_and_digests_that_lead_out_of_the_store_are_refused(name: str, sha: str) -> None:
    head = HEAD.replace("x", "pannier")
    file = f'{{name="{name}", url="https://f.example/a-1.tar.gz", hashes={{sha256="{sha}"}}}}'
    with pytest.raises(LockError) as caught:
        parse_lock(f'{head}[[packages]]\nname="a"\nversion="1"\nsdist={file}\n', filename="pylock.toml")
    assert caught.value.code == "lock-unsupported"


@pytest.mark.parametrize(
    "table", ['name="../a.whl",sha256="%s"', 'name="a.whl",sha256="../%s"', 'name="a.whl"']
)
def test_a_built_wheel_that_leads_out_of_the_store_is_refused(table: str) -> None:
    head = HEAD.replace("x", "pannier")
    built = "{pannier={built={size=1," + table.replace("%s", SHA) + "}}}"
    with pytest.raises(LockError) as caught:
        parse_lock(f'{head}[[packages]]\nname="a"\nversion="1"\ntool={built}\n', filename="pylock.toml")
    assert caught.value.code in ("lock-unsupported", "lock-invalid")


@pytest.mark.parametrize(
    ("text", "code", "fact"),
    [
        ("a = \n", "lock-invalid", "line 1"),
        ('lock-version = "2.0"\ncreated-by = "x"\npackages = []', "lock-version-unsupported", "2.0"),
        ('lock-version = "2.0"\ncreated-by = "pannier"\npackages = []', "lock-version-unsupported", "2.0"),
        (HEAD.replace("x", "pannier") + "[[packages]]\nname = 'a'", "lock-invalid", "packages[0]"),
        (HEAD + "[[packages]]\nname = 1", "lock-invalid", "packages[0].name"),
        (
            HEAD + 'packages = []\n[[tool.pannier.targets]]\npython = "3.9.1"',
            "lock-invalid",
            "tool.pannier.targets",
        ),
    ],
)
def test_a_broken_lock_says_where_and_why(text: str, code: str, fact: str) -> None:
    with pytest.raises(LockError) as caught:
        parse_lock(text, filename="pylock.toml")
    assert caught.value.code == code
    assert fact in str(caught.value.facts)


def test_projects_are_picked_by_the_targets_markers() -> None:
    old = LockedProject(name="a", version="1", sdist=_file("a-1.tar.gz"), marker='python_version == "3.9"')
    new = LockedProject(name="a", version="2", sdist=_file("a-2.tar.gz"), marker='python_version == "3.11"')
    extra = LockedProject(name="b", version="2", sdist=_file("b-2.tar.gz"), marker='"x" in extras')
    lock = Lock(projects=(old, new, extra))
    assert projects_for(lock, _target("3.9.1")) == (old,)
    assert projects_for(lock, _target("3.11.1")) == (new,)
    assert projects_for(lock, _target("3.12.1")) == ()


def test_two_versions_for_one_target_are_refused() -> None:
    lock = Lock(
        projects=(
            LockedProject(name="a", version="1", sdist=_file("a-1.tar.gz")),
            LockedProject(name="a", version="2", sdist=_file("a-2.tar.gz")),
        )
    )
    with pytest.raises(LockError) as caught:
        projects_for(lock, _target())
    assert caught.value.facts == {"a": ["1", "2"]}
