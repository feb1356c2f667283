{{/* Pod template of the job that puts a shard back: a store's program on its volume, where a store may run. The database's lock keeps it
waiting, by starting again, until the shard's pod is gone. Takes root, role, backup, shard. */}}
{{- define "mailmesh.restorePod" -}}
{{- $root := .root -}}
{{- $role := .role -}}
{{- $values := $role.values -}}
metadata:
  labels:
    {{- include "mailmesh.podLabels" (dict "root" $root "component" "restore") | nindent 4 }}
spec:
  restartPolicy: OnFailure
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with include "mailmesh.imagePullSecrets" $root }}{{ . | nindent 2 }}{{ end }}
  {{- with $values.podSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- /* It is alone: there is nothing to spread. */}}
  {{- with include "mailmesh.scheduling" (dict "root" $root "role" (dict "values" (omit $values "topologySpreadConstraints"))) }}{{ . | trim | nindent 2 }}{{ end }}
  containers:
    - name: restore
      image: {{ include "mailmesh.image" (dict "root" $root "image" $values.image "program" $role.role) }}
      imagePullPolicy: {{ default $root.Values.image.pullPolicy $values.image.pullPolicy }}
      args: [--restore, {{ printf "%s/%s" (include "mailmesh.backupPath" $role) .backup }}, /var/lib/mailmesh/data/store]
      resources:
        {{- toYaml $values.resources | nindent 8 }}
      {{- with $values.containerSecurityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumeMounts:
        - {name: data, mountPath: /var/lib/mailmesh/data}
        {{- if $values.backup.volume.enabled }}
        - {name: backup, mountPath: /var/lib/mailmesh/backup}
        {{- end }}
        - {name: tmp, mountPath: /tmp}
  volumes:
    - name: data
      persistentVolumeClaim: {claimName: {{ default (printf "data-%s-%d" $role.name .shard) $values.persistence.existingClaim }}}
    {{- if $values.backup.volume.enabled }}
    - name: backup
      persistentVolumeClaim: {claimName: backup-{{ $role.name }}-{{ .shard }}}
    {{- end }}
    - name: tmp
      emptyDir: {}
{{- end -}}
