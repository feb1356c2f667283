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

{{/* API groups that a role's signals come from and the cluster does not serve, as a YAML list; without a cluster to ask, none. Takes root, key, scaling. */}}
{{- define "mailmesh.hpaUnserved" -}}
{{- $groups := dict "Resource" "metrics.k8s.io" "ContainerResource" "metrics.k8s.io" "Pods" "custom.metrics.k8s.io" "Object" "custom.metrics.k8s.io" "External" "external.metrics.k8s.io" -}}
{{- $knows := .root.Capabilities.APIVersions -}}
{{- $unserved := list -}}
{{- if include "mailmesh.cluster" .root -}}
{{- range include "mailmesh.hpaMetrics" . | fromYamlArray -}}
{{- $group := get $groups .type -}}
{{- if not (or ($knows.Has (printf "%s/v1beta1" $group)) ($knows.Has (printf "%s/v1beta2" $group))) -}}
{{- $unserved = append $unserved $group | uniq -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $unserved -}}
{{- end -}}

{{/* scaleUp and scaleDown of the values, each instead of the role's own; but a relay's replica owns its spool, so whatever the values say,
replicas are only added. Takes key, scaling. */}}
{{- define "mailmesh.hpaBehavior" -}}
{{- $behavior := deepCopy .scaling.behavior -}}
{{- if or (eq .key "outboundRelay") (not $behavior.scaleDown) -}}
{{- $_ := set $behavior "scaleDown" (include "mailmesh.hpaScaleDown" .key | fromYaml) -}}
{{- end -}}
{{- toYaml $behavior -}}
{{- end -}}

{{/* Sessions of mailbox clients last: pods go slowly. Takes the key. */}}
{{- define "mailmesh.hpaScaleDown" -}}
{{- if eq . "outboundRelay" }}
selectPolicy: Disabled
{{- else if include "mailmesh.hasLongSessions" . }}
stabilizationWindowSeconds: 1800
policies: [{type: Pods, value: 1, periodSeconds: 300}]
{{- else }}
stabilizationWindowSeconds: 300
policies: [{type: Percent, value: 50, periodSeconds: 60}]
{{- end }}
{{- end -}}

{{/* "true" where a client stays for hours: a new pod gets the new ones only, so that CPU alone would add pods which change nothing. Takes the key. */}}
{{- define "mailmesh.hasLongSessions" -}}
{{- if has . (list "imapGateway" "pop3Gateway") -}}true{{- end -}}
{{- end -}}
