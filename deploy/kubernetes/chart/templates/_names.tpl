{{- define "tapewatch.labels" -}}
app.kubernetes.io/name: {{ .Values.application.name }}
{{- end }}
{{- define "tapewatch.secret" -}}
{{ .Values.secret.existing | default "tapewatch" }}
{{- end }}
