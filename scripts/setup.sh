#!/bin/sh
# Set up a virtual environment in .venv:  setup.sh run | develop | test
#   run      Pannier itself
#   develop  and what linting and testing need
#   test     and the Debian packages that the end-to-end tests use, where this may install them
set -eu
cd "$(dirname "$0")/.."
mode=${1:-run}
python=${PYTHON:-python3}

say() { printf '== %s\n' "$*"; }

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "error: Pannier needs Python 3.11 or newer to be built" >&2
    echo "  found: $("$python" --version 2>&1 || echo "no $python")" >&2
    echo "hint: name another one, for example \`make PYTHON=/usr/bin/python3.12 ${mode}\`" >&2
    exit 1
fi

# A stamp keeps the second run quick: it holds the mode and the file that says what is needed.
stamp="$mode $(cksum pyproject.toml)"
if [ "$(cat .venv/stamp 2>/dev/null || true)" != "$stamp" ]; then
    say "setting up .venv with $("$python" --version)"
    if ! [ -x .venv/bin/python ]; then
        if ! "$python" -m venv .venv; then
            rm -rf .venv
            echo "hint: on Debian, \`apt-get install python3-venv\`" >&2
            exit 1
        fi
    fi
    .venv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.13,<0.14'
    if [ "$mode" = run ]; then
        .venv/bin/uv pip install --quiet --python .venv/bin/python -e .
    else
        .venv/bin/uv pip install --quiet --python .venv/bin/python -e . --group dev
    fi
fi

if [ "$mode" = test ] && command -v apt-get >/dev/null && command -v dpkg >/dev/null; then
    missing=
    # shells and tars the launcher must work with, and the real peers the tests run against
    for package in busybox-static dash bash zstd binutils git coop-computing-tools; do
        dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
    done
    if [ -n "$missing" ]; then
        if [ "$(id -u)" = 0 ]; then
            say "installing for the tests:$missing"
            export DEBIAN_FRONTEND=noninteractive
            apt-get update -qq >/dev/null
            # shellcheck disable=SC2086  # a list of words
            apt-get install -y -qq --no-install-recommends $missing >/dev/null
        else
            say "not root: the tests that need these are skipped:$missing"
        fi
    fi
fi
printf '%s\n' "$stamp" > .venv/stamp
