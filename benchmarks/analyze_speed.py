"""Analysis of one script, process start to end, and `pannier --help`."""

from measure import compare, print_difference
from stack import ROOT, prepare


def main() -> None:
    """Print one line for each promise."""
    stack = prepare()
    bare = [stack.bin / "python", "-c", "pass"]
    script = ROOT / "examples" / "weather.py"
    for name, command, bound in (
        ("pannier analyze", [stack.bin / "pannier", "analyze", script], "60 ms or less more"),
        (
            "python_package_analyze",
            [stack.bin / "python_package_analyze", script, "-"],
            "250 ms or less in all",
        ),
        ("pannier --help", [stack.bin / "pannier", "--help"], "100 ms or less in all"),
    ):
        ours, theirs = compare(command, bare, runs=15, env=stack.environment)
        print_difference(name, ours, "bare python", theirs, bound)


if __name__ == "__main__":
    main()
