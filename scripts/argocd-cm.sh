#!/usr/bin/env bash
# Prints config/argocd/argocd-cm.yaml: the scripts below config/argocd/resource_customizations as Argo CD's ConfigMap takes them.
set -eu
cd "$(dirname "$0")/../config/argocd/resource_customizations"
group=sudoless.dev
export LC_ALL=C # the order of the actions

indented() { # blanks, file
    sed "s/^./$1&/" "$2"
}

cat <<'END'
# What Argo CD should know of sudoless, to be added to its settings (docs/gitops.md):
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
  # What changes with each scan is no reason to compare the whole Application again. From Argo CD 3.0 on that is so for all of
  # every status, without this.
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
