{{/* Signals of a role, as a YAML list. The relay and the fetcher wait for others: their CPU says nothing, so only their own signals count.
Takes key, scaling. */}}
{{- define "mailmesh.hpaMetrics" -}}
{{- if .scaling.metrics -}}
{{ toYaml .scaling.metrics }}
{{- else -}}
{{- if and .scaling.targetCPU (not (has .key (list "outboundRelay" "fetcher"))) }}
- {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: {{ .scaling.targetCPU }}}}}
{{- end }}
{{- if .scaling.targetMemory }}
- {type: Resource, resource: {name: memory, target: {type: Utilization, averageUtilization: {{ .scaling.targetMemory }}}}}
{{- end }}
{{- if .scaling.customMetrics }}
{{- range index (include "mailmesh.hpaSignals" . | fromYaml) .key }}
- {type: Pods, pods: {metric: {name: {{ .name }}}, target: {type: AverageValue, averageValue: {{ .target | quote }}}}}
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* Names that the metrics adapter serves for a pod (its rules are in docs/operations/kubernetes.md), and what one pod may have. Sessions
are in parts of their limit; of the relay what is due and not tried, never what other servers have put off (docs/operations/scale.md). */}}
{{- define "mailmesh.hpaSignals" -}}
smtpIngress:
  - {name: mailmesh_sessions_used_ratio, target: 600m}
imapGateway:
  - {name: mailmesh_sessions_used_ratio, target: 600m}
pop3Gateway:
  - {name: mailmesh_sessions_used_ratio, target: 600m}
outboundRelay:
  - {name: mailmesh_queue_oldest_age_seconds, target: "60"}
fetcher:
  - {name: mailmesh_fetch_job_lag_seconds_p90, target: "30"}
{{- end -}}

{{/* A relay's replica owns its spool, so replicas are only added. Sessions of mailbox clients last: pods go slowly. Takes the key. */}}
{{- define "mailmesh.hpaBehavior" -}}
{{- if eq . "outboundRelay" }}
scaleDown: {selectPolicy: Disabled}
{{- else if has . (list "imapGateway" "pop3Gateway") }}
scaleDown:
  stabilizationWindowSeconds: 1800
  policies: [{type: Pods, value: 1, periodSeconds: 300}]
{{- else }}
scaleDown:
  stabilizationWindowSeconds: 300
  policies: [{type: Percent, value: 50, periodSeconds: 60}]
{{- end }}
{{- end -}}
