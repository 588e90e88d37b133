"""What is left out of an excerpt changes nothing of what is found."""

import ast
import sysconfig
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pannier.imports.scanning.conditions import Surroundings
from pannier.imports.scanning.excerpt import excerpt
from pannier.imports.scanning.file_scan import ScanOptions, scan_file, scan_reading
from pannier.imports.scanning.plain_imports import plain_imports
from pannier.imports.scanning.scan import scan_tree
from pannier.imports.scanning.tells import find_tells
from pannier.imports.text.lexical import Code
from pannier.imports.text.source import Reading, SourceText
from pannier.imports.text.usual import is_usual

_THOROUGH = ScanOptions((3, 11), "linux")
_QUICK = _THOROUGH._replace(is_thorough=False)


def _scan(text, tree):
    return scan_tree(tree, text, Surroundings((3, 11)))


def _assert_same(text):
    """Whatever an excerpt gives, the whole text gives."""
    code = Code(text)
    telling = find_tells(code).places
    part = excerpt(code, telling) if telling is not None and is_usual(code) else None
    if part is None:
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = _scan(text, ast.parse(text))
        assert _scan(text, ast.parse(part)) == whole
    if not telling:
        assert plain_imports(code) in (None, whole.sites)
    return True


_noise = st.sampled_from(
    [
        "'''a docstring\nimport numpy\n'''",
        '"""another: import yaml"""',
        "x = 'import numpy'",
        "x = [1,\n  (2, 3), {4: '#'},\n]",
        "y = f(a, \\\n  b)",
        "# import scipy",
        "if x: pass",
        "HAS_X = sys.version_info >= (3, 8)",
        "OLD = not HAS_X",
        "OLD = g()",
        "def f(a='import', b=')'): return a",
        "@decorate(import_=1)\ndef f():\n    return {\n  1: 2}",
        "class A(B):\n    x = 1\n\n    def f(self):\n        '''import this'''\n        return self",
        "x: int = 3",
        "s = r'\\'; t = '\\''",
        "for i in a:\n    print(i)\nelse:\n    pass",
        "lambda: (yield)",
        "",
    ]
)
_imports = st.sampled_from(
    [
        "import numpy",
        "from yaml import (a,\n  b)",
        "import os; import six",
        "x = 1; import cv2",
        "from . import q",
    ]
)
_heads = st.sampled_from(
    [
        "def f():",
        "async def g(x=1):",
        "@d\n@e(1)\ndef h(a,\n      b):",
        "class C:",
        "if HAS_X:",
        "if OLD:",
        "if TYPE_CHECKING:",
        "with suppress(ImportError):",
        "for x in y:",
        "while x:",
    ]
)


def _indented(text):
    return "\n".join(f"    {line}" if line else line for line in text.split("\n"))


def _blocks(inner):
    body = st.lists(inner, min_size=1, max_size=4).map("\n".join)
    bodies = body.map(lambda text: text if text.strip() and not text.strip().startswith("#") else "pass")
    filled = bodies.map(lambda text: _indented(text + "\npass"))
    return st.one_of(
        st.tuples(_heads, filled).map("\n".join),
        st.tuples(filled, filled).map(lambda two: f"if x:\n{two[0]}\nelif OLD:\n{two[1]}\nelse:\n{two[0]}"),
        st.tuples(filled, filled).map(lambda two: f"try:\n{two[0]}\nexcept ImportError:\n{two[1]}"),
        st.tuples(filled, filled).map(lambda two: f"try:\n{two[0]}\nexcept Exception:\n{two[1]}"),
    )


def _parses(text):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError:
        return False
    return True


_texts = (
    st.lists(st.recursive(st.one_of(_noise, _imports), _blocks, max_leaves=10), max_size=6)
    .map("\n".join)
    .filter(_parses)
)


@settings(deadline=None)
@given(_texts)
def test_an_excerpt_holds_all_imports_of_a_program_where_and_as_they_are(text):
    _assert_same(text)


@settings(deadline=None)
@given(st.text(alphabet="import fromdf(){}[]\"'#\\\n\t :;,.=x1@", max_size=300))
def test_an_excerpt_of_any_text_is_none_or_as_good_as_the_text(text):
    if _parses(text):
        _assert_same(text)
    else:
        code = Code(text)
        assert is_usual(code) in {True, False}
        excerpt(code)


def test_an_excerpt_of_real_modules_is_nearly_always_possible_and_the_same():
    directory = Path(sysconfig.get_path("stdlib"))
    paths = [*directory.glob("[a-p]*.py"), *directory.glob("*/__init__.py"), *directory.glob("asyncio/*.py")]
    same = [_assert_same(path.read_text("utf-8")) for path in paths]
    assert len(same) > 100
    assert sum(same) / len(same) > 0.7


@pytest.mark.parametrize(
    "text",
    [
        'print "Python 2"',
        "def f():\n    print 'Python 2'",
        "def f():\n    raise ValueError, 'Python 2'",
        "def f():\n    try:\n        pass\n    except ValueError, error:\n        pass",
        "import os\nos.chmod('x', 0755)",
        "x = 10L",
        "x = `y`",
        "if x <> y:\n    pass",
        "def f():\n    x = (1",
        "def f():\n    x = '''open",
        "<<<<<<< HEAD\nimport numpy\n=======",
        "{% if x %}\nimport numpy\n{% endif %}",
        "%matplotlib inline",
        "x = “quoted”",
        "match x:\n    case 1:\n        pass",
        "type X = int",
        "def f[T](x): pass",
        "try:\n    pass\nexcept* ValueError:\n    pass",
        "if x:\n\tpass\nif y:\n    pass",
    ],
)
def test_what_is_unusual_is_parsed_in_full(text):
    code = Code(text + "\n")
    assert not is_usual(code) or excerpt(code) is None


def test_functions_that_cannot_import_are_left_out():
    text = "import a\n" + "".join(f"def f{n}(x):\n    return x + {n}\n" for n in range(9)) + "import b\n"
    assert excerpt(Code(text)).split() == ["import", "a", "import", "b"]


@pytest.mark.parametrize("options", [_QUICK, _THOROUGH])
def test_a_python_2_file_is_recognized_either_way(options):
    filler = "def unused():\n    return 1\n" * 30
    text = f"import numpy\n{filler}def f():\n    print 'x'\n    import yaml\n"
    found = scan_reading(Reading(SourceText("x.py", text)), options)
    assert [site.module for site in found.scan.sites] == ["numpy", "yaml"]
    assert found.python2_line == 63


def test_an_error_in_a_line_that_cannot_import_is_found_in_a_file_that_was_named(tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text("import numpy\n" + "def f():\n    return 1\n" * 30 + "def g():\n    x = = 1\n")
    assert [problem.code for problem in scan_file(str(path), _THOROUGH).problems] == ["source-syntax"]
    assert scan_file(str(path), _QUICK).scan == scan_file(str(path), _THOROUGH).scan
