#!/usr/bin/env bash
# Installs the packages that are missing: deps.sh "PACKAGES" "PKG-CONFIG MODULES".
# Where there is no apt, names the pkg-config modules that are missing instead.
set -eu
packages=$1 modules=$2

if ! command -v apt-get >/dev/null; then
    if ! command -v pkg-config >/dev/null; then
        echo "make deps: pkg-config is missing; install it and the development packages of: $modules" >&2
        exit 1
    fi
    missing=$(for module in $modules; do pkg-config --exists "$module" || echo "$module"; done)
    if [ -n "$missing" ]; then
        echo "make deps: this is no Debian; pkg-config does not find:" $missing >&2
        echo "hint: install the development packages of these libraries, or set PKG_CONFIG_PATH" >&2
        exit 1
    fi
    exit 0
fi

missing=$(for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || echo "$package"
done)
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "make deps: these packages are missing and there is no sudo:" $missing >&2
        exit 1
    fi
    sudo=sudo
fi
echo "make deps: installing" $missing
$sudo apt-get update -qq
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
