"""Whether a text is such Python as can be cut up without a parser.

What looks like Python 2, like syntax that some supported Python lacks, like a template or a conflict of a
merge is not, nor is anything but ASCII outside of strings.
"""

import re

from pannier.imports.text.lexical import Code

# Anything else in code is unusual: `$`, a backtick, letters beyond ASCII.
_USUAL_CHARACTERS = (
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ \t\n-.,:;=+*/%&|^~<>@()[]{}\"'!\\"
)
_ODD_BEGINNING = re.compile(
    r"""\n[ \t]*+(?=[perm{tadc<=>])(?:print\b[ \t]*+[^ \t\n=.,:()\[\]\#]|exec[ \t]++[^ \t\n=.,:(\[]
    |raise[ \t]++[\w.]++[ \t]*+,|except(?:[ \t]++[\w.]++[ \t]*+,|[ \t]*+\*)|match\b[^\n]*:[ \t]*+\n
    |type[ \t]++\w|(?:async[ \t]++)?(?:def|class)[ \t]++\w++[ \t]*+\[|\{[{%]|<<<<<<<|=======|>>>>>>>)""",
    re.VERBOSE,
)
# Python 2 within a line: octal and long numbers, `<>`, `ur""`, `print` in a block of one line.
_ODD_WITHIN = tuple(
    re.compile(pattern)
    for pattern in (
        r"""0(?:(?<=[(=,|&]0)|(?<=[=,|&(][ ]0))[0-7]{2,}+(?![\w.'"])""",
        r"L(?<=[0-9]L)(?!\w)",
        "<>",
        r"""r"(?<=\b[uU]r")""",
        'print "',
    )
)
# These are odd but where they make `!=`, and continue a line.
_ODD_ALONE = (("!", "!="), ("\\", "\\\n"))
_PAIRS = (("(", ")"), ("[", "]"), ("{", "}"))


def is_usual(code: Code) -> bool:
    """Whether nothing of a text is unusual; an error within a line may hide all the same."""
    blanked = code.blanked
    if not code.is_whole or ("\t" in blanked and "\n\t" in blanked and "\n " in blanked):
        return False
    if not blanked.isascii() or blanked.encode().translate(None, _USUAL_CHARACTERS):
        return False
    if _ODD_BEGINNING.search(f"\n{blanked}") or any(pattern.search(blanked) for pattern in _ODD_WITHIN):
        return False
    return all(
        character not in blanked or blanked.count(character) == blanked.count(usual)
        for character, usual in _ODD_ALONE
    )


def is_balanced(code: Code) -> bool:
    """Whether a text has as many opening brackets of each kind as closing ones."""
    return all(code.blanked.count(opening) == code.blanked.count(closing) for opening, closing in _PAIRS)
