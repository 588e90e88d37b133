"""What uses say of versions, whichever process found them."""

from pannier.imports.scanning.uses import Use
from pannier.imports.scanning.version_rules import version_rules
from pannier.imports.version_needs import VersionNeeds
from pannier.model.analysis import Location


def test_a_use_that_another_process_found_has_its_bound():
    version_rules.cache_clear()
    assert not version_rules().bounds
    needs = VersionNeeds()
    needs.add(Use("numpy.int", "numpy.int", 3, 1), Location("a.py", 3))
    (bound,) = needs.of_project("numpy")
    assert bound.specifier == "<1.24"
