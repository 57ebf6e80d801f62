{{/* What the schema cannot say: values that do not go together. */}}
{{- define "sudoless.refuse" -}}
{{- $elect := .Values.flags.leaderElect }}
{{- if and (not $elect) (gt (int .Values.replicas) 1) }}
{{- fail "replicas is more than 1 and flags.leaderElect is false: then all of them would act at once. Set one of them otherwise" }}
{{- end }}
{{- if and (not $elect) (ne (.Values.strategy.type | default "Recreate") "Recreate") }}
{{- fail "flags.leaderElect is false: then strategy.type must be Recreate, or an upgrade would have two operators act at once" }}
{{- end }}
{{- if regexMatch "^(127\\.|localhost:|\\[::1\\])" .Values.flags.metricsAddr }}
{{- fail "flags.metricsAddr is a loopback address: the kubelet's probes and Prometheus reach only the pod's own. Write 0.0.0.0:8080 or [::]:8080, and keep others away with networkPolicy.metricsFrom" }}
{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled }}
{{- fail "metrics.serviceMonitor.enabled and metrics.podMonitor.enabled: everything would be counted twice. Set one of them" }}
{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.service.enabled) }}
{{- fail "metrics.serviceMonitor.enabled needs service.enabled; or set metrics.podMonitor.enabled instead" }}
{{- end }}
{{- if and .Values.aws.roleArn (not .Values.serviceAccount.create) }}
{{- fail "aws.roleArn is written on the service account, and serviceAccount.create is false: annotate the account yourself with eks.amazonaws.com/role-arn" }}
{{- end }}
{{- end }}
