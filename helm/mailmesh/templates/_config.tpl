{{/* A role's configuration (docs/operations/configure.md), without what differs from pod to pod. Takes root, role. */}}
{{- define "mailmesh.config" -}}
{{- $root := .root -}}
{{- $role := .role -}}
{{- $values := $role.values -}}
{{- $any := include "mailmesh.anyAddress" $root -}}
{{- $peers := dict -}}
{{- range $role.calls -}}
{{- if has . (list "directory" "outboundRelay") -}}
{{- $_ := set $peers (snakecase .) (dict "endpoint" (include "mailmesh.endpoint" (dict "root" $root "key" .))) -}}
{{- end -}}
{{- end -}}
{{- $mesh := dict "certificate" "/etc/mailmesh/mesh/tls.crt" "private_key" "/etc/mailmesh/mesh/tls.key" "authority" "/etc/mailmesh/mesh/ca.crt" -}}
{{- $common := dict
      "log" (dict "level" $root.Values.log.level)
      "admin" (dict "listen" (printf "%s:%s" (include "mailmesh.anyAdminAddress" $root) (include "mailmesh.port.admin" $root)))
      "grpc" (dict "listen" (printf "%s:%s" $any (include "mailmesh.port.grpc" $root)) "tls" $mesh)
      "drain" (dict "delay" (printf "%ds" (int $values.drain.delaySeconds)) "window" (printf "%ds" (int $values.drain.windowSeconds))) -}}
{{- with $peers -}}{{- $_ := set $common "peers" . -}}{{- end -}}
{{- $config := dict "common" $common -}}
{{- range $name, $port := $role.listeners -}}
{{- $_ := set $config $name (dict "listen" (printf "%s:%d" $any (int $port.pod))) -}}
{{- if and $values.proxyProtocol.enabled $port.proxy -}}
{{- $_ := set $config (printf "%s_proxy" $name) (dict "listen" (printf "%s:%d" $any (int $port.proxy)) "trusted_networks" $values.proxyProtocol.trustedCIDRs) -}}
{{- end -}}
{{- end -}}
{{- if $role.public -}}
{{- $_ := set $config "tls" (dict "certificates" (list (dict "certificate" "/etc/mailmesh/public/tls.crt" "private_key" "/etc/mailmesh/public/tls.key"))) -}}
{{- end -}}
{{- if $role.keyRing -}}
{{- $_ := set $config "key_ring" (printf "/etc/mailmesh/keys/%s" $root.Values.keyRing.existingSecretKey) -}}
{{- end -}}
{{- if or $role.public (eq $role.key "outboundRelay") -}}
{{- $_ := set $config "hostname" $root.Values.hostname -}}
{{- end -}}
{{- $database := dict "path" "/var/lib/mailmesh/data/store" -}}
{{- if eq $role.key "directory" -}}
{{- $_ := set $config "database" $database -}}
{{- $_ := set $config "shards" (include "mailmesh.shards" $root | fromYaml) -}}
{{- else if eq $role.key "mailboxStore" -}}
{{- $_ := set $config "database" $database -}}
{{- $_ := set $config "backup" (dict "path" (include "mailmesh.backupPath" $role)) -}}
{{- else if eq $role.key "outboundRelay" -}}
{{- $_ := set $config "spool" $database -}}
{{- else if eq $role.key "smtpIngress" -}}
{{- with $values.lmtp.networks -}}{{- $_ := set $config "lmtp_networks" . -}}{{- end -}}
{{- end -}}
{{- mergeOverwrite $config (deepCopy $values.config) | toYaml -}}
{{- end -}}

{{/* Backups stand on the database's volume (no time, no space, no protection from a broken disk), or on one of their own. Takes a role. */}}
{{- define "mailmesh.backupPath" -}}
{{- ternary "/var/lib/mailmesh/backup" "/var/lib/mailmesh/data/backup" .values.backup.volume.enabled -}}
{{- end -}}
