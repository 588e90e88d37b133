import pytest

from pannier.imports.projects.unimported import why_unimported


@pytest.mark.parametrize("name", ["types-PyYAML", "pandas_stubs", "pytest.cov", "Black", "PsycoPG2"])
def test_names_are_compared_as_indexes_do(name):
    assert why_unimported(name)


@pytest.mark.parametrize("name", ["types-", "numpy", "requests", "pytestx", ""])
def test_nothing_speaks_for_what_is_imported(name):
    assert not why_unimported(name)
