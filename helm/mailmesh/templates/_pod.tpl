{{/* Pod template of a role. Takes root, role. */}}
{{- define "mailmesh.podTemplate" -}}
{{- $root := .root -}}
{{- $role := .role -}}
{{- $values := $role.values -}}
{{- $store := eq $role.key "mailboxStore" -}}
metadata:
  labels:
    {{- include "mailmesh.podLabels" (dict "root" $root "component" $role.component) | nindent 4 }}
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    {{- /* What is the same for all pods: a shard more restarts the directory, and no other shard. */}}
    checksum/config: {{ include "mailmesh.config" . | sha256sum }}
    {{- with include "mailmesh.scrapeAnnotations" $root }}{{ . | nindent 4 }}{{ end }}
    {{- with $values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "mailmesh.serviceAccount" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ int $role.grace }}
  {{- with include "mailmesh.imagePullSecrets" $root }}{{ . | nindent 2 }}{{ end }}
  {{- with $values.podSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "mailmesh.scheduling" . }}{{ . | trim | nindent 2 }}{{ end }}
  {{- with $values.initContainers }}
  initContainers:
    {{- tpl (toYaml .) $root | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ $role.component }}
      image: {{ include "mailmesh.image" (dict "root" $root "image" $values.image "program" $role.role) }}
      imagePullPolicy: {{ default $root.Values.image.pullPolicy $values.image.pullPolicy }}
      args:
        - --config
        - /etc/mailmesh/config/{{ ternary "$(POD_NAME)" "config" $store }}.yaml
        {{- with $values.extraArgs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      env:
        - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        {{- with $values.extraEnv }}
        {{- tpl (toYaml .) $root | nindent 8 }}
        {{- end }}
      {{- with $values.extraEnvFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        {{- range $name, $port := $role.listeners }}
        - {name: {{ $name }}, containerPort: {{ $port.pod }}}
        {{- if and $values.proxyProtocol.enabled $port.proxy }}
        - {name: {{ include "mailmesh.proxyPortName" $name }}, containerPort: {{ $port.proxy }}}
        {{- end }}
        {{- end }}
        - {name: grpc, containerPort: {{ include "mailmesh.port.grpc" $root }}}
        - {name: admin, containerPort: {{ include "mailmesh.port.admin" $root }}}
      {{- with include "mailmesh.probe" (dict "name" "startupProbe" "path" "/livez" "probe" $values.startupProbe) }}{{ . | trim | nindent 6 }}{{ end }}
      {{- with include "mailmesh.probe" (dict "name" "livenessProbe" "path" "/livez" "probe" $values.livenessProbe) }}{{ . | trim | nindent 6 }}{{ end }}
      {{- with include "mailmesh.probe" (dict "name" "readinessProbe" "path" "/readyz" "probe" $values.readinessProbe) }}{{ . | trim | nindent 6 }}{{ end }}
      {{- with $values.lifecycle }}
      lifecycle:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.containerSecurityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumeMounts:
        - {name: config, mountPath: /etc/mailmesh/config, readOnly: true}
        - {name: mesh, mountPath: /etc/mailmesh/mesh, readOnly: true}
        {{- if $role.public }}
        - {name: public, mountPath: /etc/mailmesh/public, readOnly: true}
        {{- end }}
        {{- if $role.keyRing }}
        - {name: keys, mountPath: /etc/mailmesh/keys, readOnly: true}
        {{- end }}
        {{- if eq $role.kind "StatefulSet" }}
        - {name: data, mountPath: /var/lib/mailmesh/data}
        {{- end }}
        {{- if and $store $values.backup.volume.enabled }}
        - {name: backup, mountPath: /var/lib/mailmesh/backup}
        {{- end }}
        - {name: tmp, mountPath: /tmp}
        {{- with $values.extraVolumeMounts }}
        {{- tpl (toYaml .) $root | nindent 8 }}
        {{- end }}
    {{- with $values.extraContainers }}
    {{- tpl (toYaml .) $root | nindent 4 }}
    {{- end }}
  volumes:
    - name: config
      configMap: {name: {{ $role.name }}}
    - name: mesh
      secret: {secretName: {{ include "mailmesh.meshSecret" (dict "root" $root "key" $role.key "component" $role.component) }}, defaultMode: 0440}
    {{- if $role.public }}
    - name: public
      secret: {secretName: {{ include "mailmesh.publicSecret" $root }}, defaultMode: 0440}
    {{- end }}
    {{- if $role.keyRing }}
    - name: keys
      secret: {secretName: {{ include "mailmesh.keyRingSecret" $root }}, defaultMode: 0440}
    {{- end }}
    {{- if eq $role.kind "StatefulSet" }}
    {{- if not $values.persistence.enabled }}
    - name: data
      emptyDir: {}
    {{- else if $values.persistence.existingClaim }}
    - name: data
      persistentVolumeClaim: {claimName: {{ $values.persistence.existingClaim }}}
    {{- end }}
    {{- end }}
    - name: tmp
      emptyDir: {}
    {{- with $values.extraVolumes }}
    {{- tpl (toYaml .) $root | nindent 4 }}
    {{- end }}
{{- end -}}

{{/* Where pods go. Takes role; root, where they are spread. */}}
{{- define "mailmesh.scheduling" -}}
{{- $values := .role.values -}}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.schedulerName }}
schedulerName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.topologySpreadConstraints }}
{{- $selector := dict "labelSelector" (dict "matchLabels" (include "mailmesh.selector" (dict "root" $.root "component" $.role.component) | fromYaml)) }}
topologySpreadConstraints:
  {{- range . }}
  - {{ toJson (merge (deepCopy .) $selector) }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* A probe of the admin port; one with a handler of its own is taken as it is. Takes name, path, probe. */}}
{{- define "mailmesh.probe" -}}
{{- with .probe }}
{{ $.name }}:
  {{- if not (or .httpGet .exec .tcpSocket .grpc) }}
  httpGet: {path: {{ $.path }}, port: admin}
  {{- end }}
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* A port's name has 15 octets at most: submissions_proxy is too long. */}}
{{- define "mailmesh.proxyPortName" -}}
{{- printf "p-%s" . -}}
{{- end -}}

{{/* Takes root, role. */}}
{{- define "mailmesh.serviceAccount" -}}
{{- $account := .role.values.serviceAccount -}}
{{- if $account.create -}}
{{- default .role.name $account.name -}}
{{- else -}}
{{- default "default" $account.name -}}
{{- end -}}
{{- end -}}
