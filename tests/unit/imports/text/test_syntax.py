"""Syntax that bounds Python: each rule against the interpreters that this machine has."""

import functools
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pannier.imports.text.lexical import Code
from pannier.imports.text.syntax import find_features

# Looked for on the path, and beside the Python that runs the tests (pyenv and its like).
_VERSIONS = ((2, 7), (3, 6), (3, 7), (3, 8), (3, 9), (3, 10), (3, 11), (3, 12), (3, 13), (3, 14))
_CASES = {
    "nonlocal": "def f():\n    x = 1\n    def g():\n        nonlocal x\n",
    "async def": "async def f():\n    pass\n",
    "f-string": "x = f'{1}'\n",
    "raw f-string": 'x = fr"{1}"\n',
    "async as a name": "async = 1\n",
    "async as an argument": "f(async=True)\n",
    "async as an attribute": "x.async\n",
    "annotation of a variable": "x: int = 1\n",
    "annotation alone, in a class": "class A:\n    # of it\n    x: 'int'\n",
    "annotation of an attribute": "def f(self):\n    self.x: int = 1\n",
    "annotation after a comment": "x = (1,)  # a, b\ny: int\n",
    "= in an f-string": 'x = 1\ny = f"a {x=} b"\n',
    "= in an f-string, converted": "x = 1\ny = f'{{ {x + 1 = !r:>5}'\n",
    "assignment expression": "if (x := 1):\n    pass\n",
    "positional-only": "def f(a, /, b):\n    pass\n",
    "positional-only, over lines": "def f(\n    a,\n    /,\n):\n    pass\n",
    "positional-only in a lambda": "x = lambda a, /: a\n",
    "unpacking in return": "def f(a):\n    return *a, 1\n",
    "with in parentheses": "with (open('a') as a, open('b') as b):\n    pass\n",
    "match": "match x:\n    # comment\n    case 1:\n        pass\n",
    "except group": "try:\n    pass\nexcept* ValueError:\n    pass\n",
    "type parameter": "def f[T](x: T):\n    pass\n",
    "type parameter of a class": "class A[T]:\n    pass\n",
    "type statement": "type X = int\n",
    "generic type statement": "type X[T] = list[T]\n",
    "nested quotes": 'x = f"{y["a"]}"\n',
    "default of a type parameter": "class A[T = int]:\n    pass\n",
    "t-string": "x = t'{1}'\n",
    "except without parentheses": "try:\n    pass\nexcept ValueError, TypeError:\n    pass\n",
}
# What compiles everywhere and bounds nothing: the same characters, meant otherwise.
_NOTHING = (
    "x = 'f\"{1}\"'\n",
    "# x := 1\n",
    "x = ' := '\n",
    "match = type = 1\nmatch\ntype\n",
    "print(match, type)\n",
    "def f(a): return a / (1)\n",
    "x = {1: 'nonlocal x'}\n",
    '"""\nasync def f():\n    return *a, b\nmatch x:\n    case 1:\n"""\n',
    "d = {\n    # of it\n    a: b,\n\n    c: d\n}\n",
    "def f(a):\n    try: pass\n    finally: pass\n    if a: pass\n    else: pass\n",
    "x = y[\n    a: b\n]\n",
    "x = {'#': 1, # a\n    b: 1}\n",
    "lazy = 1\nlazy\n",
    "with (x):\n    pass\n",
    "with (x) as y:\n    pass\n",
    "x = [1, 2][0]\n",
    "def f(): return {}\nx = f ()\n",
    "elif_ = 'it''s'\n",
    "a = b'x' if x else rb'y'\n",
    "x = a[f] ['type X = 1']\n",
)


@functools.cache
def _interpreter(version):
    name = f"python{version[0]}.{version[1]}"
    beside = sorted(Path(sys.base_prefix).parent.glob(f"{version[0]}.{version[1]}.*/bin/{name}"))
    return (
        shutil.which(name)
        if shutil.which(name) and _runs(shutil.which(name), version)
        else (str(beside[-1]) if beside else None)
    )


def _runs(path, version):
    done = subprocess.run(
        [path, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True
    )
    return done.stdout.strip() == str(version)


def _accepted(version, sources):
    """Which sources an interpreter compiles."""
    program = (
        "import sys\n"
        "for text in sys.stdin.read().split(chr(0)):\n"
        "    try:\n"
        "        compile(text, 'x', 'exec'); print(1)\n"
        "    except SyntaxError:\n"
        "        print(0)\n"
    )
    done = subprocess.run(
        [_interpreter(version), "-W", "ignore", "-c", program],
        input="\0".join(sources),
        capture_output=True,
        text=True,
    )
    assert not done.stderr
    return [line == "1" for line in done.stdout.split()]


def _allowed(text, version):
    features = find_features(Code(text))
    return all(
        (feature.since is None or version >= feature.since)
        and (feature.before is None or version < feature.before)
        for feature in features
    )


@pytest.mark.parametrize("version", _VERSIONS, ids=lambda version: "{}.{}".format(*version))
def test_bounds_of_syntax_are_those_of_the_interpreter(version):
    if _interpreter(version) is None:
        pytest.skip(f"no Python {version[0]}.{version[1]} here")
    cases = dict(_CASES)
    if version == (2, 7):
        # There it is syntax too, and means something else.
        del cases["except without parentheses"]
    accepted = dict(zip(cases, _accepted(version, cases.values()), strict=True))
    assert {name: _allowed(text, version) for name, text in cases.items()} == accepted


@pytest.mark.parametrize("text", _NOTHING)
def test_what_only_looks_like_newer_syntax_bounds_nothing(text):
    assert find_features(Code(text)) == ()


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("def f(x: int | None) -> str: pass", (3, 10)),
        ("def f() -> list[int]: pass", (3, 9)),
        ("class A:\n    x: dict[str, int] = {}\n    def f(self) -> None: pass", (3, 9)),
        ("from __future__ import annotations\ndef f(x: int | None) -> list[int]: pass", None),
        ("def f() -> None:\n    x: list[int] = []\n", (3, 6)),
        ("def f(\n    x: list[int],\n) -> None:\n    pass\n", (3, 9)),
        ("#!/usr/bin/env python3\n", (3, 0)),
        ("#!/usr/bin/python\n", None),
    ],
)
def test_annotations_that_are_evaluated_bound_too(text, since):
    assert max((feature.since for feature in find_features(Code(text))), default=None) == since


def test_a_first_line_for_python_2_says_so():
    (feature,) = find_features(Code("#!/usr/bin/env python2.7\nimport os\n"))
    assert feature.before == (3, 0)


@given(st.text(alphabet="ab\"'#\\\n{}f()[]:= ", max_size=80), st.integers(0, 80))
def test_a_place_is_told_the_same_from_the_start_and_from_a_known_place(text, place):
    asked_before = Code(text)
    for earlier in range(min(place, len(text))):
        asked_before.holds(earlier)
    assert asked_before.holds(min(place, len(text))) == Code(text).holds(min(place, len(text)))


def test_places_in_strings_and_comments_are_no_code():
    text = "a = '''x\n\"\"\"y''' # z 'w\nb = \"c\\\"d\" + 'e'\n"
    code = Code(text)
    assert "".join(character for place, character in enumerate(text) if code.holds(place)) != text
    assert {character for place, character in enumerate(text) if code.holds(place)} >= {"a", "b", "+"}
    assert not any(code.holds(text.index(inside)) for inside in "xyzwcde")


@pytest.mark.parametrize("text", ["lazy import numpy\n", "x = 1\nlazy from numpy import array  # lazily\n"])
def test_lazy_imports_are_of_3_15(text):
    (feature,) = find_features(Code(text))
    assert (feature.name, feature.since) == ("`lazy` import", (3, 15))
