{{/* "pod" or "service" where the cluster knows the kind of monitor that is asked for, else nothing: annotations are written then. Takes the root. */}}
{{- define "mailmesh.monitor" -}}
{{- $knows := .Capabilities.APIVersions -}}
{{- if and .Values.metrics.serviceMonitor.enabled ($knows.Has "monitoring.coreos.com/v1/ServiceMonitor") -}}
service
{{- else if and .Values.metrics.podMonitor.enabled ($knows.Has "monitoring.coreos.com/v1/PodMonitor") -}}
pod
{{- end -}}
{{- end -}}

{{- define "mailmesh.scrapeAnnotations" -}}
{{- if not (include "mailmesh.monitor" .) -}}
prometheus.io/scrape: "true"
prometheus.io/port: {{ include "mailmesh.port.admin" . | quote }}
prometheus.io/path: /metrics
{{- end -}}
{{- end -}}

{{/* An endpoint of a monitor. All roles are one job: the rules and dashboards go by it. Takes the monitor's values. */}}
{{- define "mailmesh.scrapeEndpoint" -}}
port: admin
path: /metrics
interval: {{ .interval }}
scrapeTimeout: {{ .scrapeTimeout }}
relabelings:
  - {targetLabel: job, replacement: mailmesh}
  {{- with .relabelings }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
