#!/bin/sh
# The main job on a bundled example: analyze, lock, pack, and run where there is nothing.
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH
# Nothing is left in the home directory, and the second demonstration downloads nothing.
PANNIER_CACHE_DIR=$PWD/build/demo-cache
export PATH PANNIER_CACHE_DIR
rm -rf demo
mkdir -p demo/far-side

step() {
    printf '\n$ %s\n' "$*"
    "$@"
}

step pannier analyze examples/weather.py
step pannier lock examples/weather.py -o demo/pylock.toml
step pannier pack examples/weather.py --lock demo/pylock.toml -o demo/weather.tar.gz
step pannier inspect demo/weather.tar.gz

# The far side: an empty directory, an empty environment, no network where that can be had, and only the system's tools.
mv demo/weather.tar.gz demo/far-side/
cp .venv/bin/python_package_run demo/far-side/
cd demo/far-side
alone=
for way in "unshare --net" "unshare --net --map-root-user"; do
    if [ -z "$alone" ] && $way true 2>/dev/null; then alone=$way; fi
done

printf '\nOn the far side, in %s, with an empty environment%s:\n' "$PWD" "${alone:+ and no network}"
set -- sh python_package_run weather.tar.gz weather --city Oslo
printf '\n$ %s\n' "$*"
# shellcheck disable=SC2086  # a list of words
env -i PATH=/usr/bin:/bin HOME="$PWD" $alone "$@"

printf '\nThe picture is in %s\n' "$PWD/oslo.png"
