import sys

import pytest

from pannier.imports.projects.standard_library import (
    VersionNeed,
    is_standard_somewhere,
    standard_modules,
    version_need,
)


@pytest.mark.parametrize(
    ("python_version", "there", "gone"),
    [
        ("2.7", "urllib2", "tomllib"),
        ("3.6", "distutils", "dataclasses"),
        ("3.10.4", "asyncore", "tomllib"),
        ("3.11", "tomllib", "urllib2"),
        ("3.12.1", "tomllib", "distutils"),
        ("3.13", "winreg", "cgi"),
        ("3.99", "zoneinfo", "cgi"),
        ("3.5", "asyncio", "dataclasses"),
    ],
)
def test_each_version_has_its_own_modules(python_version, there, gone):
    modules = standard_modules(python_version)
    assert there in modules
    assert gone not in modules


def test_the_list_for_this_python_needs_no_other_package():
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert sys.stdlib_module_names <= standard_modules(version)


def test_other_versions_are_known_to_have_a_module():
    assert is_standard_somewhere("urllib2")
    assert not is_standard_somewhere("numpy")


def test_modules_that_came_or_went_bound_the_version():
    assert version_need("tomllib") == VersionNeed(lower=(3, 11))
    assert version_need("importlib.metadata") == VersionNeed(lower=(3, 8))
    assert version_need("distutils.core") == VersionNeed(upper=(3, 12))
    assert version_need("os.path") == VersionNeed()
