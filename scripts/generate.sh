#!/usr/bin/env bash
# Writes the generated files. With --check, compares them instead and lists the differences.
# SUDOLESS is the path of a built program, with local-cluster in the same folder or at LOCAL_CLUSTER. Without SUDOLESS, cargo builds both.
set -eu
cd "$(dirname "$0")/.."

# Prints each generated file and the command that prints its content. The chart has copies, because Helm reads no file outside of a chart.
generated() {
    echo 'crds/notebookrootaccesspolicies.sudoless.dev.yaml sudoless crd --only NotebookRootAccessPolicy'
    echo 'crds/notebookremediations.sudoless.dev.yaml sudoless crd --only NotebookRemediation'
    local crd
    for crd in crds/*.sudoless.dev.yaml; do echo "charts/sudoless/files/$crd cat $crd"; done
    echo 'charts/sudoless/files/rules.yaml cat config/prometheus/rules.yaml'
    echo 'charts/sudoless/files/dashboard.json cat config/grafana/sudoless.json'
    echo 'charts/sudoless/README.md chart_readme'
    echo 'config/argocd/argocd-cm.yaml scripts/argocd-cm.sh'
    echo 'docs/schemas/scan-report.schema.json sudoless scan --schema'
    echo 'docs/commands.md sudoless manual --markdown'
    local hub=arn:aws:iam::123456789012
    echo 'config/iam/audit.json sudoless generate iam --mode audit'
    echo 'config/iam/remediate.json sudoless generate iam --mode enforce'
    echo 'config/iam/operator.json sudoless generate iam --operator --role sudoless'
    echo "config/iam/trust-irsa.json sudoless generate iam --trust irsa --oidc-provider $hub:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
    echo 'config/iam/trust-pod-identity.json sudoless generate iam --trust pod-identity --cluster arn:aws:eks:eu-west-1:123456789012:cluster/platform'
    echo "config/iam/trust-member.json sudoless generate iam --trust account --operator-role $hub:role/sudoless-operator --external-id 8f1c"
    echo 'config/iam/scp.json sudoless generate scp'
    echo 'config/iam/cloudformation/member-role.yaml sudoless generate cloudformation role'
    echo 'config/iam/terraform/member-role/main.tf sudoless generate terraform role --only main.tf'
    local file
    for file in member-role.yaml scp.json; do
        echo "config/iam/terraform/many-accounts/$file sudoless generate terraform many-accounts --only $file"
    done
}

if [ -z "${SUDOLESS-}" ]; then
    # Builds with the workspace's features. For the packages alone, cargo would choose other features and compile the AWS SDK again.
    cargo build --locked --quiet --workspace --bin sudoless --bin local-cluster
    SUDOLESS=${CARGO_TARGET_DIR:-target}/debug/sudoless
fi
: "${LOCAL_CLUSTER:=$(dirname "$SUDOLESS")/local-cluster}"

sudoless() {
    "$SUDOLESS" "$@"
}

# Prints the chart's README: README.md.gotmpl with a table from the comments of the values.
chart_readme() {
    local tools readme
    tools=$("$LOCAL_CLUSTER" tools helm-docs) || return
    readme=$("$tools/helm-docs" --log-level warn --chart-search-root charts/sudoless --sort-values-order file --dry-run) || return
    # helm-docs succeeds even if it could not read the chart.
    [ -n "$readme" ] || return 1
    printf '%s\n' "$readme"
}

fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT
stale=0
while read -r file command; do
    # A temporary file, because a failing command must not leave an incomplete file.
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
