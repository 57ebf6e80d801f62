#!/usr/bin/env bash
# Prints config/argocd/argocd-cm.yaml: the scripts below config/argocd/resource_customizations, in the form of Argo CD's ConfigMap.
set -eu
cd "$(dirname "$0")/../config/argocd/resource_customizations"
group=sudoless.dev
export LC_ALL=C # the order of the actions

indented() { # blanks, file
    sed "s/^./$1&/" "$2"
}

cat <<'END'
# Settings of Argo CD for sudoless (docs/gitops.md). To add them to Argo CD's own:
#
#     kubectl apply --server-side --field-manager=sudoless -f config/argocd/argocd-cm.yaml
#
# Generated from resource_customizations by `make crds`; do not edit.
apiVersion: v1
kind: ConfigMap
metadata:
  name: argocd-cm
  namespace: argocd
  labels:
    app.kubernetes.io/name: argocd-cm
    app.kubernetes.io/part-of: argocd
data:
  # Keeps Argo CD from comparing the whole Application after each scan. From version 3.0 on, Argo CD ignores every status without this.
  resource.customizations.ignoreResourceUpdates.sudoless.dev_NotebookRootAccessPolicy: |
    jsonPointers:
      - /status/lastScanTime
END
for kind in NotebookRootAccessPolicy NotebookRemediation; do
    echo "  resource.customizations.health.${group}_$kind: |"
    indented '    ' "$group/$kind/health.lua"
done
for kind in NotebookRootAccessPolicy; do
    echo "  resource.customizations.actions.${group}_$kind: |"
    echo '    discovery.lua: |'
    indented '      ' "$group/$kind/actions/discovery.lua"
    echo '    definitions:'
    for script in "$group/$kind"/actions/*/action.lua; do
        echo "      - name: $(basename "$(dirname "$script")")"
        echo '        action.lua: |'
        indented '          ' "$script"
    done
done
