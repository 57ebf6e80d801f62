{{/* Rejects combinations of values that the schema cannot express. */}}
{{- define "sudoless.refuse" -}}
{{- $elect := .Values.flags.leaderElect }}
{{- if and (not $elect) (gt (int .Values.replicas) 1) }}
{{- fail "replicas is more than 1 and flags.leaderElect is false, so all replicas would act at once: set replicas to 1 or flags.leaderElect to true" }}
{{- end }}
{{- if and (not $elect) (ne (.Values.strategy.type | default "Recreate") "Recreate") }}
{{- fail "flags.leaderElect is false: strategy.type must then be Recreate, or two operators would act at once during an upgrade" }}
{{- end }}
{{- if regexMatch "^(127\\.|localhost:|\\[::1\\])" .Values.flags.metricsAddr }}
{{- fail "flags.metricsAddr is a loopback address, which the kubelet's probes and Prometheus cannot reach: write 0.0.0.0:8080 or [::]:8080, and restrict clients with networkPolicy.metricsFrom" }}
{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled }}
{{- fail "metrics.serviceMonitor.enabled and metrics.podMonitor.enabled are both true, so every metric would be counted twice: set only one of them" }}
{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.service.enabled) }}
{{- fail "metrics.serviceMonitor.enabled needs service.enabled: set both, or set metrics.podMonitor.enabled instead" }}
{{- end }}
{{- if and .Values.aws.roleArn (not .Values.serviceAccount.create) }}
{{- fail "aws.roleArn has no effect while serviceAccount.create is false: annotate the service account yourself with eks.amazonaws.com/role-arn, and leave aws.roleArn empty" }}
{{- end }}
{{- end }}
