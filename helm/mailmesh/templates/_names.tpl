{{/* Values: those of the release, over the chart's own. With --reuse-values a release made by an older chart lacks the
keys that are new; they are then what this chart's values.yaml says. What Kubernetes has fields of its own for is taken as it is given: there
`null` takes a default away. Every template begins with it. Then there are
  .Roles     what is known of each role that is there, by its key: mailmesh.role
  .AllRoles  the same, with those that are not there */}}
{{- define "mailmesh.init" -}}
{{- if not (hasKey . "Roles") -}}
{{- $_ := required "hostname: the name of the mail server, such as mail.example.org, is needed" .Values.hostname -}}
{{- $values := mergeOverwrite (.Files.Get "files/values.yaml" | fromYaml) (deepCopy .Values) -}}
{{- with .Values.defaults -}}
{{- range $key := list "podSecurityContext" "containerSecurityContext" "startupProbe" "livenessProbe" "readinessProbe" -}}
{{- $_ := set $values.defaults $key (get $.Values.defaults $key | default dict) -}}
{{- end -}}
{{- end -}}
{{- $_ := set . "Values" $values -}}
{{- $all := dict -}}
{{- $roles := dict -}}
{{- range $key, $_ := .Files.Get "files/roles.yaml" | fromYaml -}}
{{- $role := include "mailmesh.role" (dict "root" $ "key" $key) | fromYaml -}}
{{- $_ := set $all $key $role -}}
{{- if $role.values.enabled -}}{{- $_ := set $roles $key $role -}}{{- end -}}
{{- end -}}
{{- $_ := set . "AllRoles" $all -}}
{{- $_ := set . "Roles" $roles -}}
{{- end -}}
{{- end -}}

{{/* At most 37 octets: "-outbound-relay" and a revision's hash behind it still make a label of 63, and
"-outbound-relay-headless" a Service's name. What is cut is told apart by a hash. */}}
{{- define "mailmesh.fullname" -}}
{{- $name := .Values.fullnameOverride -}}
{{- if not $name -}}
{{- $chart := default .Chart.Name .Values.nameOverride -}}
{{- $name = ternary .Release.Name (printf "%s-%s" .Release.Name $chart) (contains $chart .Release.Name) -}}
{{- end -}}
{{- if gt (len $name) 37 -}}
{{- printf "%s-%s" (trunc 28 $name | trimSuffix "-") (sha256sum $name | trunc 8) -}}
{{- else -}}
{{- $name | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels that never change: what selectors use. Takes root, component. */}}
{{- define "mailmesh.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Takes root, component. */}}
{{- define "mailmesh.labels" -}}
{{ include "mailmesh.selector" . }}
app.kubernetes.io/part-of: mailmesh
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | replace "+" "_" | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Labels of pods: those that do not change with the chart's version, so that its upgrade alone restarts nothing. Takes root, component. */}}
{{- define "mailmesh.podLabels" -}}
{{ include "mailmesh.selector" . }}
app.kubernetes.io/part-of: mailmesh
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* metadata of an object. Takes root, component, name; may take namespace, labels, annotations. */}}
{{- define "mailmesh.metadata" -}}
name: {{ .name }}
namespace: {{ default .root.Release.Namespace .namespace }}
labels:
  {{- include "mailmesh.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (default dict .annotations | deepCopy) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Name of an image. Takes root, image (the role's own settings), program. */}}
{{- define "mailmesh.image" -}}
{{- $common := .root.Values.image -}}
{{- $registry := coalesce .root.Values.global.imageRegistry .image.registry $common.registry -}}
{{- $repository := default (printf "%s/%s" $common.repository .program) .image.repository -}}
{{- $tag := coalesce .image.tag $common.tag .root.Chart.AppVersion -}}
{{- with $registry }}{{ . }}/{{ end }}{{ $repository }}{{ if .image.digest }}@{{ .image.digest }}{{ else }}:{{ $tag }}{{ end }}
{{- end -}}

{{- define "mailmesh.imagePullSecrets" -}}
{{- with .Values.imagePullSecrets -}}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}
