#!/usr/bin/env bash
# Writes the generated files; with --check compares them instead and says which differ.
# SUDOLESS and LOCAL_CLUSTER name programs that are built already; otherwise cargo builds them.
set -eu
cd "$(dirname "$0")/.."

# Each generated file, and what prints it. Helm reads nothing outside of a chart, so the chart has copies.
generated() {
    echo 'crds/notebookrootaccesspolicies.sudoless.dev.yaml sudoless crd --only NotebookRootAccessPolicy'
    echo 'crds/notebookremediations.sudoless.dev.yaml sudoless crd --only NotebookRemediation'
    local crd
    for crd in crds/*.sudoless.dev.yaml; do echo "charts/sudoless/files/$crd cat $crd"; done
    echo 'charts/sudoless/files/rules.yaml cat config/prometheus/rules.yaml'
    echo 'charts/sudoless/files/dashboard.json cat config/grafana/sudoless.json'
    echo 'charts/sudoless/README.md chart_readme'
}

sudoless() {
    if [ -n "${SUDOLESS-}" ]; then "$SUDOLESS" "$@"; else cargo run --locked --quiet --package sudoless -- "$@"; fi
}

local_cluster() {
    if [ -n "${LOCAL_CLUSTER-}" ]; then "$LOCAL_CLUSTER" "$@"; else cargo run --locked --quiet --package local-cluster -- "$@"; fi
}

# The values' comments as a table, in the frame of README.md.gotmpl.
chart_readme() {
    local tools readme
    tools=$(local_cluster tools helm-docs) || return
    readme=$("$tools/helm-docs" --log-level warn --chart-search-root charts/sudoless --sort-values-order file --dry-run) || return
    # It succeeds even if it could not read the chart.
    [ -n "$readme" ] || return 1
    printf '%s\n' "$readme"
}

fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT
stale=0
while read -r file command; do
    # Not straight into the file: a command that fails must not leave half of it.
    # shellcheck disable=SC2086 # the command is words
    $command >"$fresh" </dev/null
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
