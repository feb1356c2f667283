{{/* Whose certificates the own authority makes: components, with "operator" for the tool. Takes the root. */}}
{{- define "mailmesh.pkiRoles" -}}
{{- if eq .Values.tls.mesh.source "own" -}}
{{- range $_, $role := .Roles }}
- {{ $role.role }}
{{- end }}
- operator
{{- end }}
{{- end -}}

{{/* Takes the root. */}}
{{- define "mailmesh.pkiArgs" -}}
- pki
- renew
- --kubernetes
- --release={{ include "mailmesh.fullname" . }}
- --namespace={{ .Release.Namespace }}
- --days={{ int .Values.tls.own.days }}
{{- with include "mailmesh.pkiRoles" . | fromYamlArray }}
- --roles={{ join "," . }}
{{- end }}
{{- if eq .Values.tls.public.source "own" }}
{{- range include "mailmesh.publicNames" . | fromJsonArray }}
- --server-dns={{ . }}
{{- end }}
{{- end }}
- --label=app.kubernetes.io/part-of=mailmesh
- --label=app.kubernetes.io/instance={{ .Release.Name }}
{{- end -}}

{{/* Who may read and write the authority's Secrets, and no other Secret. Takes root, name; may take annotations. */}}
{{- define "mailmesh.pkiAccount" -}}
{{- $root := .root -}}
{{- $fullname := include "mailmesh.fullname" .root -}}
{{- $meta := merge (dict "component" "pki") . -}}
{{- $secrets := list (printf "%s-pki-authority" $fullname) (printf "%s-pki-trust" $fullname) (printf "%s-pki-server" $fullname) -}}
{{- range include "mailmesh.pkiRoles" .root | fromYamlArray -}}
{{- $secrets = append $secrets (printf "%s-pki-%s" $fullname (replace "_" "-" .)) -}}
{{- end -}}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "mailmesh.metadata" $meta | nindent 2 }}
automountServiceAccountToken: false
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  {{- include "mailmesh.metadata" $meta | nindent 2 }}
rules:
  # A name cannot be asked for here: what is created has none yet.
  - {apiGroups: [""], resources: [secrets], verbs: [create]}
  - apiGroups: [""]
    resources: [secrets]
    verbs: [get, patch]
    resourceNames: {{ toJson $secrets }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  {{- include "mailmesh.metadata" $meta | nindent 2 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: {{ .name }}}
subjects:
  - {kind: ServiceAccount, name: {{ .name }}, namespace: {{ .root.Release.Namespace }}}
{{- end -}}
