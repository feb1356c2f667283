{{/* A peer: pods of this release. Takes root, component. */}}
{{- define "mailmesh.peer" -}}
podSelector: {matchLabels: {{ include "mailmesh.selector" . | fromYaml | toJson }}}
{{- end -}}

{{/* A NetworkPolicy; what has no rule is closed. Takes root, component, name, ingress and egress (lists of rules), key (of networkPolicy.extra). */}}
{{- define "mailmesh.networkPolicy" -}}
{{- $extra := default dict (get .root.Values.networkPolicy.extra .key) -}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "mailmesh.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "mailmesh.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  {{- with concat .ingress (default list $extra.ingress) }}
  ingress:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with concat .egress (default list $extra.egress) }}
  egress:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* TCP ports of a rule, as a list. Takes numbers and names. */}}
{{- define "mailmesh.tcp" -}}
{{- range . }}
- {protocol: TCP, port: {{ if kindIs "string" . }}{{ . }}{{ else }}{{ int . }}{{ end }}}
{{- end }}
{{- end -}}

{{/* Names are looked up. */}}
{{- define "mailmesh.dnsRule" -}}
to:
  {{- toYaml .Values.networkPolicy.dns | nindent 2 }}
ports:
  {{- range .Values.networkPolicy.dnsPorts }}
  - {protocol: UDP, port: {{ int . }}}
  - {protocol: TCP, port: {{ int . }}}
  {{- end }}
{{- end -}}

{{/* gRPC to these roles that are there, as a list of rules. Takes root, roles, keys. */}}
{{- define "mailmesh.callRules" -}}
{{- $root := .root -}}
{{- $roles := .roles -}}
{{- $peers := list -}}
{{- range .keys -}}
{{- with get $roles . -}}
{{- $peers = append $peers (include "mailmesh.peer" (dict "root" $root "component" .component) | fromYaml) -}}
{{- end -}}
{{- end -}}
{{- if $peers }}
- {{ dict "to" $peers "ports" (include "mailmesh.tcp" (list "grpc") | fromYamlArray) | toJson }}
{{- end }}
{{- end -}}
