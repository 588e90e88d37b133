from pannier.formats.requirements_files import References, parse_requirements
from pannier.formats.requirements_locks import (
    format_requirements,
    is_locked_requirements,
    is_requirements_name,
)
from pannier.model.lock import Lock, LockedFile, LockedProject
from pannier.model.target import Platform, Target


def _file(name: str, digit: str) -> LockedFile:
    return LockedFile(filename=name, url=f"https://index.example/{name}", hashes={"sha256": digit * 64})


LOCK = Lock(
    projects=(
        LockedProject(
            name="backports-tiny",
            version="1.0",
            wheels=(_file("backports.tiny-1.0-py2-none-any.whl", "a"),),
            sdist=_file("backports.tiny-1.0.tar.gz", "b"),
            marker='python_version == "2.7"',
        ),
        LockedProject(name="old", version="2.0", sdist=_file("Old-2.0.zip", "c")),
    ),
    targets=(Target(python_version="2.7.18", platform=Platform.parse("linux-x86_64")),),
)


def test_every_hash_is_written_and_names_keep_their_dots() -> None:
    assert format_requirements(LOCK).splitlines() == [
        "# Locked by pannier for linux-x86_64-glibc2.28 / cpython 2.7.18",
        'backports.tiny==1.0 ; python_version == "2.7" \\',
        f"    --hash=sha256:{'a' * 64} \\",
        f"    --hash=sha256:{'b' * 64}",
        "old==2.0 \\",
        f"    --hash=sha256:{'c' * 64}",
    ]


def test_what_is_written_is_read_back() -> None:
    text = format_requirements(LOCK)
    spec = parse_requirements(text, filename="requirements.txt", references=References(lambda name: name))
    assert dict(spec.hashes) == {"backports-tiny": ("a" * 64, "b" * 64), "old": ("c" * 64,)}
    assert is_locked_requirements(text)
    assert not is_locked_requirements("numpy\n")


def test_only_requirements_names_ask_for_it() -> None:
    assert is_requirements_name("requirements.txt")
    assert is_requirements_name("requirements-old.lock.txt")
    assert not is_requirements_name("pylock.toml")
