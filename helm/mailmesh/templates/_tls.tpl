{{/* Secret with a role's identity in the mesh: tls.crt, tls.key, ca.crt. Takes root, key, component ("operator" for the tool). */}}
{{- define "mailmesh.meshSecret" -}}
{{- $mesh := .root.Values.tls.mesh -}}
{{- if eq $mesh.source "existingSecrets" -}}
{{- required (printf "tls.mesh.existingSecrets.%s: the Secret with the certificate of this role (tls.mesh.source is existingSecrets)" .key) (index $mesh.existingSecrets .key) -}}
{{- else -}}
{{ include "mailmesh.fullname" .root }}-pki-{{ .component }}
{{- end -}}
{{- end -}}

{{/* Secret with the certificate of the mail ports. Takes the root. */}}
{{- define "mailmesh.publicSecret" -}}
{{- $public := .Values.tls.public -}}
{{- if eq $public.source "existingSecret" -}}
{{- required "tls.public.existingSecret: the Secret with the certificate of the mail ports (tls.public.source is existingSecret)" $public.existingSecret -}}
{{- else -}}
{{ include "mailmesh.fullname" . }}-pki-server
{{- end -}}
{{- end -}}

{{/* Names on the certificate of the mail ports, as a JSON list. */}}
{{- define "mailmesh.publicNames" -}}
{{- prepend .Values.tls.public.dnsNames .Values.hostname | uniq | toJson -}}
{{- end -}}

{{/* Whether the chart's own authority makes certificates: "true" or nothing. */}}
{{- define "mailmesh.ownPki" -}}
{{- if or (eq .Values.tls.mesh.source "own") (eq .Values.tls.public.source "own") -}}true{{- end -}}
{{- end -}}

{{- define "mailmesh.keyRingSecret" -}}
{{- default (printf "%s-key-ring" (include "mailmesh.fullname" .)) .Values.keyRing.existingSecret -}}
{{- end -}}
