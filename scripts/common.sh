# shellcheck shell=bash
# Functions that the other scripts share. Source this file; do not run it.

set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"

cargo_home="${CARGO_HOME:-$HOME/.cargo}"
rustup_home="${RUSTUP_HOME:-$HOME/.rustup}"

# The file of DuckDB's extension for PostgreSQL, which lies beside DuckDB's library.
# shellcheck disable=SC2034
extension=postgres_scanner.duckdb_extension

# Options of cargo for a part of the workspace that is compiled as in a build of everything. With fewer packages, or without
# the dependencies of tests, which an example brings in, cargo would compile the dependencies again with fewer features.
# shellcheck disable=SC2034
like_everything=(--release --locked --workspace --example probe)

say() {
    printf '%s\n' "$*" >&2
}

fail() {
    say "$(basename "$0"): $*"
    exit 1
}

# Prints the absolute path of the cache, which all clones share, and creates it if necessary.
cache_directory() {
    local directory="${SESSION_HOST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/session-host}"
    mkdir -p "$directory"
    (cd "$directory" && pwd -P)
}

# directory_of VARIABLE: what scripts/setup told cargo.
directory_of() {
    sed -n "s/^$1 = \"\(.*\)\"\$/\1/p" "$root/.cargo/config.toml"
}

# Prints cargo's target directory. A variable or the user's own configuration may have moved it.
target_directory() {
    (cd "$root" && cargo metadata --no-deps --format-version 1) |
        sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}

# require_command COMMAND DEBIAN_PACKAGE REMEDY
require_command() {
    command -v "$1" >/dev/null && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing $2, which provides $1"
        apt-get update -qq >&2
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >&2
    fi
    command -v "$1" >/dev/null || fail "$1 is missing; $3, then run this again"
}

# unpack_package PACKAGE DIRECTORY: fetches a package of Debian and unpacks it there, without installing it.
unpack_package() {
    local tool
    for tool in apt-get dpkg-deb; do
        command -v "$tool" >/dev/null || fail "$1 is missing, and so is $tool to fetch it; install $1, then run this again"
    done
    say "fetching Debian's package $1"
    [ "$(id -u)" != 0 ] || apt-get update -qq >&2
    mkdir -p "$2"
    (cd "$2" && apt-get download -qq "$1" >&2) || fail "apt-get could not fetch $1; install it, then run this again"
    dpkg-deb -x "$2/$1"_*.deb "$2"
    rm -f "$2/$1"_*.deb
}
