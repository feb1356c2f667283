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
{{- range default list .old.spec.volumeClaimTemplates -}}
{{- $_ := set $before .metadata.name (include "mailmesh.claimText" .) -}}
{{- end -}}
{{- $after := dict -}}
{{- range .claims -}}
{{- $_ := set $after .metadata.name (include "mailmesh.claimText" .) -}}
{{- end -}}
{{- range $name := concat (keys $before) (keys $after) | uniq | sortAlpha -}}
{{- $old := default "none" (get $before $name) -}}
{{- $new := default "none" (get $after $name) -}}
{{- /* The API server fills in a class where none was named. */ -}}
{{- if and (ne $old $new) (not (and (contains "class -" $new) (eq (regexReplaceAll "class [^,]*" $old "class -") $new))) -}}
{{- fail (printf "%s: the volume claim %q of a StatefulSet cannot be changed: it is (%s), and the values ask for (%s). Give the old values again, or change it by hand first:\n  kubectl -n NAMESPACE delete statefulset %s --cascade=orphan    # its pods and claims stay\nand, for a larger volume, for each claim:\n  kubectl -n NAMESPACE patch pvc %s-%s-0 -p '{\"spec\":{\"resources\":{\"requests\":{\"storage\":\"SIZE\"}}}}'\nthen upgrade. docs/operations/kubernetes.md, \"Volumes\", says more." $.role.key $name $old $new $.role.name $name $.role.name) -}}
{{- end -}}
{{- end -}}
{{- if ne (default "OrderedReady" .old.spec.podManagementPolicy) .role.values.podManagementPolicy -}}
{{- fail (printf "%s.podManagementPolicy cannot be changed on a StatefulSet that is there (%s): delete it with --cascade=orphan first" .role.key .old.spec.podManagementPolicy) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What counts of a claim template. Takes the template. */}}
{{- define "mailmesh.claimText" -}}
{{ .spec.resources.requests.storage }}, class {{ default "-" .spec.storageClassName }}, {{ join "+" .spec.accessModes }}
{{- end -}}
