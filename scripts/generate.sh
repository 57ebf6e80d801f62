#!/usr/bin/env bash
# Writes the generated files; with --check compares them instead and says which differ.
# SUDOLESS names a program that is built already; otherwise cargo builds it.
set -eu
cd "$(dirname "$0")/.."

# Each generated file, and the arguments of sudoless that print it.
generated() {
    echo 'crds/notebookrootaccesspolicies.sudoless.dev.yaml crd --only NotebookRootAccessPolicy'
    echo 'crds/notebookremediations.sudoless.dev.yaml crd --only NotebookRemediation'
    echo 'docs/commands.md manual --markdown'
}

print() {
    if [ -n "${SUDOLESS-}" ]; then "$SUDOLESS" "$@"; else cargo run --locked --quiet --package sudoless -- "$@"; fi
}

fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT
stale=0
while read -r file arguments; do
    # Not straight into the file: a command that fails must not leave half of it.
    # shellcheck disable=SC2086 # the arguments are words
    print $arguments >"$fresh" </dev/null
    if [ "${1-}" != --check ]; then
        mkdir -p "$(dirname "$file")"
        cat "$fresh" >"$file"
        echo "wrote $file"
    elif ! diff -u "$file" "$fresh"; then
        echo "$file is out of date: run \`make crds\` and commit it" >&2
        stale=1
    fi
done < <(generated)
exit "$stale"
