#!/usr/bin/env bash
# Writes the generated files; with --check compares them instead and says which differ.
# SUDOLESS names a program that is built already; otherwise cargo builds it.
set -eu
cd "$(dirname "$0")/.."

# Each generated file, and the arguments of sudoless that print it.
generated() {
    echo 'crds/notebookrootaccesspolicies.sudoless.dev.yaml crd --only NotebookRootAccessPolicy'
    echo 'crds/notebookremediations.sudoless.dev.yaml crd --only NotebookRemediation'
    local hub=arn:aws:iam::123456789012
    echo 'config/iam/audit.json generate iam --mode audit'
    echo 'config/iam/remediate.json generate iam --mode enforce'
    echo 'config/iam/operator.json generate iam --operator --role sudoless'
    echo "config/iam/trust-irsa.json generate iam --trust irsa --oidc-provider $hub:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
    echo 'config/iam/trust-pod-identity.json generate iam --trust pod-identity --cluster arn:aws:eks:eu-west-1:123456789012:cluster/platform'
    echo "config/iam/trust-member.json generate iam --trust account --operator-role $hub:role/sudoless-operator --external-id 8f1c"
    echo 'config/iam/scp.json generate scp'
    echo 'config/iam/cloudformation/member-role.yaml generate cloudformation role'
    echo 'config/iam/cloudformation/notebook.yaml generate cloudformation notebook'
    local file module
    for module in role:member-role many-accounts:many-accounts notebook:notebook; do
        for file in README.md main.tf outputs.tf variables.tf versions.tf; do
            echo "config/iam/terraform/${module#*:}/$file generate terraform ${module%:*} --only $file"
        done
    done
    for file in member-role.yaml scp.json; do
        echo "config/iam/terraform/many-accounts/$file generate terraform many-accounts --only $file"
    done
}

if [ -z "${SUDOLESS-}" ]; then
    # With what the tests build: for the program alone cargo would choose other features, and compile the AWS SDK once more.
    cargo build --locked --quiet --workspace --bins --test crds
    SUDOLESS=${CARGO_TARGET_DIR:-target}/debug/sudoless
fi

fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT
stale=0
while read -r file arguments; do
    # Not straight into the file: a command that fails must not leave half of it.
    # shellcheck disable=SC2086 # the arguments are words
    "$SUDOLESS" $arguments >"$fresh" </dev/null
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
