#!/usr/bin/env bash
# Writes the generated files; with --check compares them instead and says which differ.
# SUDOLESS and LOCAL_CLUSTER name programs that are built already; without the first, cargo builds both.
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
    echo 'docs/schemas/scan-report.schema.json sudoless scan --schema'
}

if [ -z "${SUDOLESS-}" ]; then
    # With what the tests build: for the program alone cargo would choose other features, and compile the AWS SDK once more.
    cargo build --locked --quiet --workspace --bins --test crds
    SUDOLESS=${CARGO_TARGET_DIR:-target}/debug/sudoless
    LOCAL_CLUSTER=${CARGO_TARGET_DIR:-target}/debug/local-cluster
fi

sudoless() {
    "$SUDOLESS" "$@"
}

# The values' comments as a table, in the frame of README.md.gotmpl.
chart_readme() {
    local tools readme
    tools=$("$LOCAL_CLUSTER" tools helm-docs) || return
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
