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
    echo "  found: $({ command -v "$python" >/dev/null && "$python" --version 2>&1; } || echo "no $python")" >&2
    echo "hint: name another one, for example \`make PYTHON=python3.12 demo\`" >&2
    exit 1
fi

# A stamp keeps the second run quick: it says what is installed, of which files. What development needs holds what running needs.
installed=develop
[ "$mode" = run ] && installed=run
files=$(cat pyproject.toml src/pannier/runtime/*.sh | cksum)
stamp=$(cat .venv/stamp 2>/dev/null || true)
if ! [ -x .venv/bin/python ] || { [ "$stamp" != "$installed $files" ] && [ "$stamp" != "develop $files" ]; }; then
    say "setting up .venv with $("$python" --version)"
    if ! [ -x .venv/bin/python ]; then
        if ! "$python" -m venv .venv; then
            rm -rf .venv
            echo "hint: on Debian, \`apt-get install python3-venv\`" >&2
            exit 1
        fi
    fi
    .venv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.13,<0.14'
    # Reinstalled, since the shell scripts in .venv/bin are copies.
    set -- --quiet --python .venv/bin/python --reinstall-package pannier -e .
    [ "$installed" = run ] || set -- "$@" --group dev
    .venv/bin/uv pip install "$@"
    printf '%s\n' "$installed $files" > .venv/stamp
fi

if [ "$mode" = test ] && command -v apt-get >/dev/null && command -v dpkg >/dev/null; then
    missing=
    # shells and tools that the launcher must work with, what watches it, and the real peers the tests run against
    for package in busybox-static dash bash zstd binutils git openssh-client openssh-server strace coop-computing-tools nginx-light curl \
        rsync chromium chromium-driver lintian rpm fish; do
        dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
    done
    if [ -n "$missing" ]; then
        if [ "$(id -u)" = 0 ]; then
            say "installing for the tests:$missing"
            export DEBIAN_FRONTEND=noninteractive
            # shellcheck disable=SC2086  # a list of words
            if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >/dev/null; then
                say "could not install them: the tests that need them are skipped"
            fi
        else
            say "not root: the tests that need these are skipped:$missing"
        fi
    fi
fi
