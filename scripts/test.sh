#!/bin/sh
# Everything that CI runs, or one part of it:  test.sh [quick | lint | types | unit | end-to-end | docs]
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH
export PATH
part=${1:-all}

say() { printf '\n== %s\n' "$*"; }

# runs_programs DIRECTORY: whether what is written there may be executed; containers often forbid it in memory.
runs_programs() {
    printf '#!/bin/sh\n' >"$1/probe" && chmod 755 "$1/probe" && "$1/probe" 2>/dev/null
}

# Tests write some hundred thousand small files and keep none of them. Memory takes them many times faster than a
# disk; where there is not enough of it, and where TMPDIR says another place, they go there.
temporary=/dev/shm/pannier-tests-$(id -u)
enough_kib=8000000
if [ -z "${TMPDIR:-}" ] && [ "$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)" -gt $enough_kib ] 2>/dev/null &&
    [ "$(df -Pk /dev/shm | awk 'NR == 2 { print $4 }')" -gt $enough_kib ] 2>/dev/null &&
    mkdir -p -m 755 "$temporary" 2>/dev/null && [ -O "$temporary" ] && runs_programs "$temporary"; then
    TMPDIR=$temporary
    export TMPDIR
fi

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

# What tests share is made once, for those of a group run in one process; the largest groups are begun first.
run_together() {
    pytest -q -n 2 --dist loadgroup "$@"
}

end_to_end() {
    install_wheel
    say "end-to-end tests"
    run_together tests/end_to_end
}

docs() {
    install_wheel
    say "documentation: the generated reference, and every example run"
    python scripts/generate_reference.py --check
    run_together tests/docs
}

end_to_end_and_docs() {
    install_wheel
    say "documentation: the generated reference"
    python scripts/generate_reference.py --check
    say "end-to-end tests, and every example of the documentation"
    run_together tests/end_to_end tests/docs
}

case $part in
    lint) lint ;;
    types) types ;;
    unit) unit ;;
    end-to-end) end_to_end ;;
    docs) docs ;;
    quick) lint; types; unit ;;
    all) lint; types; unit; end_to_end_and_docs; say "all green" ;;
    *) echo "usage: test.sh [quick | lint | types | unit | end-to-end | docs]" >&2; exit 2 ;;
esac
