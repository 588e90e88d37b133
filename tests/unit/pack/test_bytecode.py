import importlib.util
import marshal
import struct
import sys
from pathlib import Path

import pytest

from pannier.model.errors import InterpreterError
from pannier.model.interpreter import Interpreter
from pannier.model.target import Platform
from pannier.pack.bytecode import Bytecode, Compiler, Source, bytecode_name, compiler_of, prepare


def source(name: str, text: str) -> Source:
    data = text.encode()
    return Source(name, len(data), lambda: data)


# Enough bytes, and enough files, for several batches.
MANY = [
    source(f"lib/m{number}.py", f"X = {{'a', 'b', {number}}}\n" * (400 if number < 150 else 10))
    for number in range(450)
]


def test_byte_code_is_what_the_import_system_reads_whatever_the_sources_time(
    tmp_path: Path, compiler: Compiler
) -> None:
    path = prepare("0" * 64, [source("lib/a.py", "answer = 42\n")], compiler, tmp_path, 1)
    with Bytecode(path, compiler.cache_tag) as bytecode:
        data = bytecode.read("lib/a.py")
    assert data[:4] == importlib.util.MAGIC_NUMBER
    assert struct.unpack("<I", data[4:8]) == (1,)
    assert data[8:16] == importlib.util.source_hash(b"answer = 42\n")
    code = marshal.loads(data[16:])
    assert code.co_filename == "lib/a.py"
    scope: dict[str, object] = {}
    exec(code, scope)
    assert scope["answer"] == 42


def test_what_does_not_compile_is_left_out(tmp_path: Path, compiler: Compiler) -> None:
    sources = [
        source("a.py", "print 'two'\n"),
        source("b.py", "x = '\\d'\n"),
        source("c.py", "nul\0\n"),
        source("d.py", ""),
        source("e.py", "# coding: nonsense\n"),
        source("f.py", "(" * 5000),
    ]
    with Bytecode(prepare("1" * 64, sources, compiler, tmp_path, 1), compiler.cache_tag) as bytecode:
        assert [bool(bytecode.size(one.name)) for one in sources] == [False, True, False, True, False, False]
        assert bytecode.size("other.py") == 0


def test_bytes_do_not_depend_on_workers_or_order(tmp_path: Path, compiler: Compiler) -> None:
    first = prepare("2" * 64, MANY, compiler, tmp_path / "one", 1)
    second = prepare("2" * 64, MANY[::-1], compiler, tmp_path / "two", 3)
    assert first.read_bytes() == second.read_bytes()


def test_what_was_compiled_is_not_compiled_again(tmp_path: Path, compiler: Compiler) -> None:
    path = prepare("3" * 64, MANY[:2], compiler, tmp_path, 1)
    broken = Compiler("/nowhere", compiler.version, compiler.implementation, compiler.identity)
    assert prepare("3" * 64, MANY[:2], broken, tmp_path, 1) == path


def test_a_compiler_that_does_not_run_is_named_with_what_it_said(tmp_path: Path) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\ncat >/dev/null\necho no library >&2\nexit 127\n")
    fake.chmod(0o755)
    with pytest.raises(InterpreterError) as caught:
        prepare("4" * 64, MANY[:2], Compiler(str(fake), "3.11.7", "cpython", "x"), tmp_path / "kept", 1)
    assert caught.value.facts["said"] == "no library"
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(("version", "has_one"), [("3.6.15", False), ("3.7.16", True), ("3.13.0", True)])
def test_only_pythons_that_know_unchecked_byte_code_make_it(version: str, has_one: bool) -> None:
    interpreter = Interpreter(
        python_executable=sys.executable,
        version=version,
        implementation="cpython",
        platform=Platform.parse("linux-x86_64"),
        prefix=sys.prefix,
        base_prefix=sys.base_prefix,
        base_executable=sys.executable,
        stdlib="",
        site_packages=(),
    )
    assert (compiler_of(interpreter) is not None) == has_one


@pytest.mark.parametrize(
    ("name", "cached"),
    [("a.py", "__pycache__/a.cpython-311.pyc"), ("p/a.b.py", "p/__pycache__/a.b.cpython-311.pyc")],
)
def test_byte_code_lies_where_python_looks(name: str, cached: str) -> None:
    assert bytecode_name(name, "cpython-311") == cached
