from pannier.formats.python_options import find_options

SOURCE = """
parser.add_argument("who", help="whom to greet")
parser.add_argument("-n", "--times", type=int, help="how "
    "often")
parser.add_argument("--loud", action="store_true")
parser.add_argument("--out", metavar="FILE", help="where to")
parser.add_argument("--hidden", help=argparse.SUPPRESS)
parser.add_argument(name)
@click.option("--count", "-c", is_flag=True, help="count them")
def main(): ...
"""


def test_options_are_read_from_the_calls_that_declare_them() -> None:
    assert find_options(SOURCE) == (
        ("who", "whom to greet"),
        ("-n, --times TIMES", "how often"),
        ("--loud", ""),
        ("--out FILE", "where to"),
        ("--count, -c", "count them"),
    )


def test_what_is_no_python_declares_nothing() -> None:
    assert find_options("def (") == ()
