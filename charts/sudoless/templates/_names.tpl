{{/* The chart's name, for labels. */}}
{{- define "sudoless.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The name of all objects, short enough for a label with a suffix. */}}
{{- define "sudoless.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" }}
{{- else if contains (include "sudoless.name" .) .Release.Name }}
{{- .Release.Name | trunc 45 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "sudoless.name" .) | trunc 45 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "sudoless.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "sudoless.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* The labels that select the operator's pods. They must never change, because a Deployment's selector cannot change. */}}
{{- define "sudoless.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sudoless.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of every object. The argument is a dict of `context` and, optionally, `labels`. */}}
{{- define "sudoless.labels" -}}
{{- $own := dict
  "helm.sh/chart" (printf "%s-%s" .context.Chart.Name .context.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/version" (.context.Chart.AppVersion | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/managed-by" .context.Release.Service
}}
{{- $selector := include "sudoless.selectorLabels" .context | fromYaml }}
{{- merge $selector $own (deepCopy (.labels | default dict)) (deepCopy .context.Values.commonLabels) | toYaml }}
{{- end }}

{{/* Labels of pods. The chart's version is not included, so that a new chart with the same operator does not restart the pods. */}}
{{- define "sudoless.podLabels" -}}
{{- $version := dict "app.kubernetes.io/version" (.Chart.AppVersion | replace "+" "_" | trunc 63 | trimSuffix "-") }}
{{- merge (include "sudoless.selectorLabels" . | fromYaml) $version (deepCopy .Values.podLabels) (deepCopy .Values.commonLabels) | toYaml }}
{{- end }}

{{/*
The metadata of an object. The argument is a dict of `context` and, optionally, `suffix` (of the name), `name` (replaces the usual name),
`namespace`, `labels` and `annotations`. These labels and annotations take precedence over the common ones.
*/}}
{{- define "sudoless.metadata" -}}
name: {{ .name | default (printf "%s%s" (include "sudoless.fullname" .context) (.suffix | default "")) }}
{{- with .namespace }}
namespace: {{ . }}
{{- end }}
labels:
  {{- include "sudoless.labels" . | nindent 2 }}
{{- with merge (deepCopy (.annotations | default dict)) (deepCopy .context.Values.commonAnnotations) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The image by digest or by tag. */}}
{{- define "sudoless.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}
{{- end }}

{{/* The container's port for metrics and probes. */}}
{{- define "sudoless.metricsPort" -}}
{{- .Values.flags.metricsAddr | splitList ":" | last }}
{{- end }}

{{/* The namespace of the Lease. */}}
{{- define "sudoless.leaseNamespace" -}}
{{- .Values.flags.leaseNamespace | default .Release.Namespace }}
{{- end }}

{{/* The name of the Lease, computed as the operator does. */}}
{{- define "sudoless.leaseName" -}}
{{- if .Values.flags.leaseName }}
{{- .Values.flags.leaseName }}
{{- else if .Values.flags.watchLabelSelector }}
{{- printf "sudoless-%s" (sha256sum .Values.flags.watchLabelSelector | trunc 8) }}
{{- else -}}
sudoless
{{- end }}
{{- end }}
