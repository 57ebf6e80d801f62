{{/* The flags of `sudoless run`, by name. Empty values are not passed. */}}
{{- define "sudoless.flags" -}}
{{- range $name, $value := .Values.flags }}
{{- if and (not (kindIs "invalid" $value)) (ne (toString $value) "") }}
- {{ printf "--%s=%s" (kebabcase $name) (toString $value) | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* The environment. */}}
{{- define "sudoless.env" -}}
{{- if not .Values.aws.instanceMetadata -}}
# Without this variable, an operator without an identity would use the node's role.
- name: AWS_EC2_METADATA_DISABLED
  value: "true"
{{- end }}
{{- with .Values.aws.region }}
- name: AWS_REGION
  value: {{ . | quote }}
{{- end }}
{{- with .Values.aws.endpointUrl }}
- name: AWS_ENDPOINT_URL
  value: {{ . | quote }}
{{- end }}
{{- with .Values.env }}
{{ toYaml . }}
{{- end }}
{{- end }}
