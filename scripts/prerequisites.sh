#!/usr/bin/env bash
# Checks the prerequisites that the build cannot install itself. Lists all missing ones, and prints nothing if none is missing.
set -u
cd "$(dirname "$0")/.."

missing=0
lacks() { # what, what to do
    [ "$missing" -gt 0 ] || echo 'Before the build:' >&2
    missing=$((missing + 1))
    printf '  %d. %s\n     %s\n' "$missing" "$1" "$2" >&2
}

toolchain=$(sed -n 's/^channel = "\(.*\)"$/\1/p' rust-toolchain.toml)
install="rustup toolchain install $toolchain --profile minimal --component clippy,rustfmt"
if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
    lacks "cargo and rustc are missing" "install Rust with rustup, https://rustup.rs, then: $install"
elif ! found=$(rustc --version 2>&1); then
    lacks "Rust $toolchain, which rust-toolchain.toml pins, is not installed" "$install"
elif [ "$(echo "$found" | cut -d ' ' -f 2)" != "$toolchain" ]; then
    lacks "Rust $toolchain is required, and this is $found" "install rustup, https://rustup.rs, and put it first on the PATH, then: $install"
else
    for component in clippy:clippy fmt:rustfmt; do
        cargo "${component%:*}" --version >/dev/null 2>&1 ||
            lacks "cargo ${component%:*} is missing" "rustup component add ${component#*:} --toolchain $toolchain"
    done
fi

# Runs Go in the module's folder, because Go itself checks the version there, and may fetch a newer one.
tools=tests/cluster/tools
go_wanted=$(sed -n 's/^go //p' "$tools/go.mod")
if ! command -v go >/dev/null; then
    lacks "go is missing" "install Go $go_wanted or newer, https://go.dev/dl/"
elif ! said=$(cd "$tools" && GOWORK=off go env GOVERSION 2>&1); then
    lacks "go is too old or broken: $said" "install Go $go_wanted or newer, https://go.dev/dl/"
fi

command -v cc >/dev/null ||
    lacks "cc, a C compiler, is missing" "Debian: apt install gcc libc6-dev; Fedora: dnf install gcc; macOS: xcode-select --install"
command -v make >/dev/null ||
    lacks "make is missing" "Debian: apt install make; Fedora: dnf install make; macOS: xcode-select --install"
command -v diff >/dev/null ||
    lacks "diff is missing" "Debian: apt install diffutils; Fedora: dnf install diffutils"
command -v ps >/dev/null ||
    lacks "ps is missing" "Debian: apt install procps; Fedora: dnf install procps-ng"

[ "$missing" -eq 0 ]
