"""An interpreter's own files come out of the copy without this machine in them."""

import sys
from typing import Any

import pytest

from pannier.environment.neutral_text import Machine, build_directories, neutral_binary, neutral_file
from pannier.model.errors import InterpreterError

MACHINE = Machine(prefixes=("/home/anna/python/3.11.7",), private=("/tmp/build.1/Python", "/home/anna"))
SYSTEM = Machine(prefixes=("/usr",))


def _variables(text: str, machine: Machine = MACHINE) -> dict[str, Any]:
    data = neutral_file(
        "_sysconfigdata__linux.py", f"build_time_vars = {text}".encode(), machine, is_debian=False
    )
    namespace: dict[str, Any] = {}
    exec(data, namespace)
    assert neutral_file("_sysconfigdata__linux.py", data, machine, is_debian=False) == data
    variables: dict[str, Any] = namespace["build_time_vars"]
    return variables


def test_build_variables_follow_the_prefix() -> None:
    variables = _variables(
        "{'BINDIR': '/home/anna/python/3.11.7/bin', 'N': 3, 'prefix': '/home/anna/python/3.11.7',"
        " 'L': '-L/home/anna/python/3.11.7/lib -L/home/anna/openssl', 'other': '/home/anna/python/3.11.70/x',"
        " 'abs_builddir': '/tmp/build.1/Python'}"
    )
    assert variables["BINDIR"] == f"{sys.base_prefix}/bin"
    assert variables["prefix"] == sys.base_prefix
    assert variables["L"] == f"-L{sys.base_prefix}/lib -L/python/openssl"
    assert variables["other"] == "/python/python/3.11.70/x"
    assert variables["abs_builddir"] == "/python"
    assert variables["N"] == 3


def test_tools_of_the_system_stay_where_they_are() -> None:
    variables = _variables(
        "{'BINDIR': '/usr/bin', 'INCLUDEPY': '/usr/include/python3.11', 'INSTALL': '/usr/bin/install -c'}",
        SYSTEM,
    )
    assert variables["BINDIR"] == f"{sys.base_prefix}/bin"
    assert variables["INCLUDEPY"] == f"{sys.base_prefix}/include/python3.11"
    assert variables["INSTALL"] == "/usr/bin/install -c"


def test_the_build_directory_is_read_from_the_variables() -> None:
    data = b"build_time_vars = {'abs_builddir': '/tmp/b/Python', 'abs_srcdir': '.', 'srcdir': '/x/y'}"
    assert build_directories(data) == ("/tmp/b/Python",)


def test_the_user_site_is_switched_off_once_and_for_all() -> None:
    text = b"import sys\nENABLE_USER_SITE = None\n"
    edited = neutral_file("site.py", text, MACHINE, is_debian=False)
    assert edited == b"import sys\nENABLE_USER_SITE = False\n"
    assert neutral_file("site.py", edited, MACHINE, is_debian=False) == edited


def test_a_site_module_that_nobody_knows_is_refused() -> None:
    with pytest.raises(InterpreterError) as caught:
        neutral_file("site.py", b"pass\n", MACHINE, is_debian=False)
    assert caught.value.code == "interpreter-not-relocatable"


def test_site_is_read_from_its_file_though_it_is_frozen() -> None:
    edited = neutral_file("encodings/__init__.py", b"import codecs\n", MACHINE, is_debian=False)
    assert b"class _SiteFromFile" in edited
    assert neutral_file("encodings/__init__.py", edited, MACHINE, is_debian=False) == edited


def test_certificates_are_looked_for_where_the_target_keeps_them() -> None:
    text = b"class SSLContext:\n    def load(self):\n        self.set_default_verify_paths()\n"
    edited = neutral_file("ssl.py", text, MACHINE, is_debian=False)
    assert b"        _load_host_certificates(self)\n" in edited
    assert neutral_file("ssl.py", edited, MACHINE, is_debian=False) == edited
    assert neutral_file("ssl.py", b"pass\n", MACHINE, is_debian=False) == b"pass\n"


def test_debian_layout_gives_way_to_the_usual_one() -> None:
    site = (
        "ENABLE_USER_SITE = None\ndef getsitepackages():\n    return 'dist-packages'\n\ndef other():\n    1\n"
    )
    edited = neutral_file("site.py", site.encode(), SYSTEM, is_debian=True).decode()
    assert "dist-packages" not in edited
    assert "def other" in edited
    schemes = "def _get_preferred_schemes():\n    if 1:\n        pass\n    return 'posix_local'\n\n\nx = 1\n"
    edited = neutral_file("sysconfig.py", schemes.encode(), SYSTEM, is_debian=True).decode()
    assert "posix_local" not in edited
    assert edited.endswith("x = 1\n")


def test_other_texts_come_back_as_they_are_unless_they_name_the_prefix() -> None:
    assert neutral_file("this.py", b"x", MACHINE, is_debian=False) == b"x"
    script = b"#!/home/anna/python/3.11.7/bin/python3.11\nhere = '/home/anna/python/3.11.7/x'\n"
    assert (
        neutral_file("cgi.py", script, MACHINE, is_debian=False)
        == b"#!/usr/bin/env python3\nhere = '/python/x'\n"
    )


def test_paths_in_binaries_keep_their_length_and_their_last_part() -> None:
    data = b"\0/home/anna/python/3.11.7/lib\0other\0"
    edited = neutral_binary(data, MACHINE)
    assert len(edited) == len(data)
    assert b"anna" not in edited
    assert edited.startswith(b"\0/python")
    assert b"/3.11.7/lib\0other\0" in edited
    assert neutral_binary(b"/usr/lib", SYSTEM) == b"/usr/lib"
