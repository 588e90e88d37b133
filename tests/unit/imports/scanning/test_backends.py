import pytest

from pannier.imports.projects.known_projects import providers
from pannier.imports.projects.standard_library import standard_modules
from pannier.imports.scanning import backends
from pannier.imports.scanning.calls import TELLING_TEXTS as CALLS_TELLING_TEXTS
from pannier.imports.scanning.idioms import TELLING_TEXTS


def test_the_telling_texts_are_those_of_the_table():
    telling = {text for section in backends.sections() for text in section.telling}
    assert not {text for text in telling if not any(known in text for known in backends.TELLING_TEXTS)}
    assert not {known for known in backends.TELLING_TEXTS if known not in telling}


def test_no_telling_text_holds_another_of_its_kind():
    for texts in (backends.TELLING_TEXTS, CALLS_TELLING_TEXTS):
        assert not [(one, other) for one in texts for other in texts if one != other and one in other]
    assert len(TELLING_TEXTS) == len(set(TELLING_TEXTS))


def test_everything_the_table_needs_is_known():
    needs = {
        name
        for section in backends.sections()
        for rule in section.rules
        for need in rule.needs
        for name in need
        if not name.startswith("@")
    }
    assert len(needs) > 80
    assert not {name for name in needs if not providers(name)[1]}
    assert not needs & standard_modules("3.11")


def test_a_line_says_place_values_and_needs():
    (section,) = backends.parse_table("? a b & c\nm.f,.g(0/x) one .two = p|q r\n")
    (rule,) = section.rules
    assert (section.telling, section.also) == (("a", "b"), ("c",))
    assert (rule.names, rule.place, rule.keywords) == (("m.f", ".g"), 0, ("x",))
    assert (rule.values, rule.needs) == (("one", ".two"), (("p", "q"), ("r",)))


@pytest.mark.parametrize(
    ("value", "text", "fits"),
    [
        ("qtagg", "QtAgg", True),
        (".xls", "a/b.XLS", True),
        (".xls", "a.xlsx", False),
        ("s3:", "s3://bucket/x", True),
        ("s3:", "s3a://bucket", False),
        ("tf*", "TFBert", True),
        ("*[pyarrow]", "string[pyarrow]", True),
        ("*", "whatever", True),
        ("lxml", "lxml-xml", False),
    ],
)
def test_a_value_is_compared_as_the_table_writes_it(value, text, fits):
    rule = backends.Rule("call", ("f",), 0, (), (value,), (("x",),), "f")
    assert backends.fits(rule, text) is fits
