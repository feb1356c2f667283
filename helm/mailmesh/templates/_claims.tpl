{{/* volumeClaimTemplates of a role, as a YAML list. Takes root, role. */}}
{{- define "mailmesh.claims" -}}
{{- $values := .role.values -}}
{{- if and $values.persistence.enabled (not $values.persistence.existingClaim) }}
- {{ include "mailmesh.claim" (dict "root" .root "component" .role.component "name" "data" "volume" $values.persistence) | fromYaml | toJson }}
{{- end }}
{{- if and (eq .role.key "mailboxStore") $values.backup.volume.enabled }}
- {{ include "mailmesh.claim" (dict "root" .root "component" .role.component "name" "backup" "volume" $values.backup.volume) | fromYaml | toJson }}
{{- end }}
{{- end -}}

{{/* Selector labels alone: a claim template cannot be changed, and the version is. Takes root, component, name, volume. */}}
{{- define "mailmesh.claim" -}}
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ .name }}
  labels:
    {{- include "mailmesh.selector" . | nindent 4 }}
  {{- with .volume.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  accessModes: {{ toJson .volume.accessModes }}
  {{- with .volume.storageClass }}
  storageClassName: {{ . }}
  {{- end }}
  resources:
    requests:
      storage: {{ .volume.size }}
{{- end -}}

{{/* What an API server would refuse in the middle of an upgrade is refused before it, with the way. Takes role, claims, old. */}}
{{- define "mailmesh.checkClaims" -}}
{{- if .old -}}
{{- $before := dict -}}
{{- range default list .old.spec.volumeClaimTemplates -}}{{- $_ := set $before .metadata.name . -}}{{- end -}}
{{- $after := dict -}}
{{- range .claims -}}{{- $_ := set $after .metadata.name . -}}{{- end -}}
{{- range $name := concat (keys $before) (keys $after) | uniq | sortAlpha -}}
{{- $old := get $before $name -}}
{{- $new := get $after $name -}}
{{- if ne (include "mailmesh.claimValue" $old) (include "mailmesh.claimValue" $new) -}}
{{- fail (printf "%s: the volume claim %q of a StatefulSet cannot be changed: it is (%s), and the values ask for (%s). Give the old values again, or change it by hand first:\n  kubectl -n NAMESPACE delete statefulset %s --cascade=orphan    # its pods and claims stay\nand, for a larger volume, for each claim:\n  kubectl -n NAMESPACE patch pvc %s-%s-0 -p '{\"spec\":{\"resources\":{\"requests\":{\"storage\":\"SIZE\"}}}}'\nthen upgrade. docs/operations/kubernetes.md, \"Volumes\", says more." $.role.key $name (include "mailmesh.claimText" $old) (include "mailmesh.claimText" $new) $.role.name $name $.role.name) -}}
{{- end -}}
{{- end -}}
{{- if ne (default "OrderedReady" .old.spec.podManagementPolicy) .role.values.podManagementPolicy -}}
{{- fail (printf "%s.podManagementPolicy cannot be changed on a StatefulSet that is there (%s): delete it with --cascade=orphan first" .role.key .old.spec.podManagementPolicy) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What counts of a claim template, for people. Takes the template, or "" where there is none. */}}
{{- define "mailmesh.claimText" -}}
{{- if . -}}
{{ .spec.resources.requests.storage }}, class {{ default "-" .spec.storageClassName }}, {{ join "+" .spec.accessModes }}
{{- range $key, $value := .metadata.annotations }}, {{ $key }}={{ $value }}{{ end -}}
{{- else -}}
none
{{- end -}}
{{- end -}}

{{/* The same to compare: the API server writes a size in its own way, 1.5Ti as 1536Gi. Takes the template. */}}
{{- define "mailmesh.claimValue" -}}
{{- if . -}}
{{- include "mailmesh.claimText" (merge (dict "spec" (dict "resources" (dict "requests" (dict "storage" (include "mailmesh.bytes" .spec.resources.requests.storage))))) .) -}}
{{- end -}}
{{- end -}}

{{/* A quantity in bytes. Takes the quantity. */}}
{{- define "mailmesh.bytes" -}}
{{- $text := toString . -}}
{{- $units := dict "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "Ki" 0x1p10 "Mi" 0x1p20 "Gi" 0x1p30 "Ti" 0x1p40 "Pi" 0x1p50 -}}
{{- printf "%.0f" (mulf (regexFind "^[0-9.]+" $text | float64) (dig (regexFind "[A-Za-z]*$" $text) 1.0 $units)) -}}
{{- end -}}
