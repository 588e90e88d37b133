#!/bin/sh
# The main job on a bundled example: analyze, lock, pack, and run where there is nothing.
set -eu
cd "$(dirname "$0")/.."
pannier=$PWD/.venv/bin/pannier
source=$PWD/examples/weather.py
rm -rf demo
mkdir demo
cd demo

step() { printf '\n$ %s\n' "$*"; }

step pannier analyze examples/weather.py
"$pannier" analyze "$source"

step pannier lock examples/weather.py -o pylock.toml
"$pannier" lock "$source" -o pylock.toml

step pannier pack examples/weather.py --lock pylock.toml -o weather.tar.gz
"$pannier" pack "$source" --lock pylock.toml -o weather.tar.gz

step pannier inspect weather.tar.gz
"$pannier" inspect weather.tar.gz

# The far side: an empty directory, an empty environment, no network where that can be had, and only the system's tools.
mkdir far-side
mv weather.tar.gz far-side/
cp ../.venv/bin/python_package_run far-side/
cd far-side
alone=
if unshare --net --map-root-user true 2>/dev/null; then alone="unshare --net --map-root-user"; fi

printf '\nOn the far side, with an empty environment%s:\n' "${alone:+ and no network}"
step ./python_package_run weather.tar.gz weather --city Oslo
# shellcheck disable=SC2086  # a list of words
env -i PATH=/usr/bin:/bin HOME="$PWD" $alone sh ./python_package_run weather.tar.gz weather --city Oslo

printf '\nThe picture is in %s\n' "$PWD/oslo.png"
