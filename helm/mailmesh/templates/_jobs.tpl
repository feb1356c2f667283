{{/* Pod template of a job that runs the tool. Takes root, component, args (list); may take restartPolicy, serviceAccount (whose token is mounted), mesh (false:
no mesh.yaml and no operator's certificate), meshConfig (name of its ConfigMap), optional (start without the certificate, to say so), volumes, mounts. */}}
{{- define "mailmesh.jobTemplate" -}}
{{- $root := .root -}}
{{- $jobs := $root.Values.jobs -}}
{{- $mesh := ternary .mesh true (hasKey . "mesh") -}}
metadata:
  labels:
    {{- include "mailmesh.podLabels" . | nindent 4 }}
spec:
  restartPolicy: {{ default "OnFailure" .restartPolicy }}
  {{- with .serviceAccount }}
  serviceAccountName: {{ . }}
  {{- end }}
  automountServiceAccountToken: {{ not (empty .serviceAccount) }}
  enableServiceLinks: false
  {{- include "mailmesh.jobPod" . | trim | nindent 2 }}
  containers:
    - {{ include "mailmesh.toolContainer" (merge (dict "name" "mailmesh") .) | fromYaml | toJson }}
  volumes:
    {{- include "mailmesh.toolVolumes" . | trim | nindent 4 }}
{{- end -}}

{{/* What every pod of a job has. Takes root. */}}
{{- define "mailmesh.jobPod" -}}
{{- with .root.Values.jobs }}
{{- include "mailmesh.imagePullSecrets" $.root }}
{{- with $.root.Values.defaults.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- include "mailmesh.scheduling" (dict "role" (dict "values" .)) }}
{{- end }}
{{- end -}}

{{/* Takes root, name, args; may take mesh, mounts. */}}
{{- define "mailmesh.toolContainer" -}}
{{- $root := .root -}}
{{- $mesh := ternary .mesh true (hasKey . "mesh") -}}
name: {{ .name }}
image: {{ include "mailmesh.image" (dict "root" $root "image" $root.Values.jobs.image "program" "mailmesh") }}
imagePullPolicy: {{ default $root.Values.image.pullPolicy $root.Values.jobs.image.pullPolicy }}
terminationMessagePolicy: FallbackToLogsOnError
args: {{ toJson .args }}
{{- if or $mesh $root.Values.jobs.extraEnv }}
env:
  {{- if $mesh }}
  - {name: MAILMESH_CONFIG, value: /etc/mailmesh/config/mesh.yaml}
  {{- end }}
  {{- with $root.Values.jobs.extraEnv }}
  {{- tpl (toYaml .) $root | nindent 2 }}
  {{- end }}
{{- end }}
resources:
  {{- toYaml $root.Values.jobs.resources | nindent 2 }}
{{- with $root.Values.defaults.containerSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  {{- if $mesh }}
  - {name: config, mountPath: /etc/mailmesh/config, readOnly: true}
  - {name: mesh, mountPath: /etc/mailmesh/mesh, readOnly: true}
  {{- end }}
  - {name: tmp, mountPath: /tmp}
  {{- with .mounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Takes root; may take mesh, meshConfig, optional, volumes. */}}
{{- define "mailmesh.toolVolumes" -}}
{{- $fullname := include "mailmesh.fullname" .root -}}
{{- if ternary .mesh true (hasKey . "mesh") }}
- name: config
  configMap: {name: {{ default (printf "%s-tool" $fullname) .meshConfig }}}
- name: mesh
  secret: {secretName: {{ include "mailmesh.meshSecret" (dict "root" .root "key" "operator" "component" "operator") }}, defaultMode: 0440{{ if .optional }}, optional: true{{ end }}}
{{- end }}
- name: tmp
  emptyDir: {}
{{- with .volumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The tool's file of the mesh (mailmesh --mesh): each shard by its own address, replicas by the name that has all of them. Takes the root. */}}
{{- define "mailmesh.meshFile" -}}
{{- $root := . -}}
{{- range $key, $role := .Roles }}
{{- if eq $key "mailboxStore" }}
{{- range $shard, $endpoint := include "mailmesh.shards" $root | fromYaml }}
mailbox_store{{ if ne $shard "0" }}.{{ $shard }}{{ end }}: {{ $endpoint }}
{{- end }}
{{- else }}
{{ $role.role }}: {{ include "mailmesh.endpoint" (dict "root" $root "key" $key) }}
{{- end }}
{{- end }}
tls:
  certificate: /etc/mailmesh/mesh/tls.crt
  private_key: /etc/mailmesh/mesh/tls.key
  authority: /etc/mailmesh/mesh/ca.crt
{{- end -}}
