#!/bin/sh
# Everything that CI runs, or one part of it:  test.sh [quick | lint | types | unit | end-to-end | docs]
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH
export PATH
part=${1:-all}

say() { printf '\n== %s\n' "$*"; }

lint() {
    say "lint"
    ruff check .
    ruff format --check .
    lint-imports --no-logo
}

types() {
    say "types"
    mypy
}

unit() {
    say "unit and contract tests"
    pytest -q -n 2 tests/unit tests/contract
}

# What users get is the wheel: it is built, installed away from the source tree, and that is what is run.
install_wheel() {
    say "the wheel, built and installed in build/installed"
    rm -rf build/wheel build/installed
    uv build --quiet --wheel --out-dir build/wheel .
    uv venv --quiet --python .venv/bin/python build/installed
    uv pip install --quiet --python build/installed/bin/python build/wheel/*.whl
    PANNIER_BIN=$PWD/build/installed/bin
    export PANNIER_BIN
}

end_to_end() {
    install_wheel
    say "end-to-end tests"
    pytest -q -n 2 --dist loadgroup tests/end_to_end
}

docs() {
    [ -n "${PANNIER_BIN:-}" ] || install_wheel
    say "documentation: the generated reference, and every example run"
    python scripts/generate_reference.py --check
    pytest -q tests/docs
}

case $part in
    lint) lint ;;
    types) types ;;
    unit) unit ;;
    end-to-end) end_to_end ;;
    docs) docs ;;
    quick) lint; types; unit ;;
    all) lint; types; unit; end_to_end; docs; say "all green" ;;
    *) echo "usage: test.sh [quick | lint | types | unit | end-to-end | docs]" >&2; exit 2 ;;
esac
