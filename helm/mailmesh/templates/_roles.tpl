{{/* What is known of a role: its row of files/roles.yaml, its values, and what follows from both. Takes root, key; gives YAML.
Its values are those of `size`, of `defaults` and its own, each stronger than the one before. */}}
{{- define "mailmesh.role" -}}
{{- $root := .root -}}
{{- $blank := dict "ports" dict "calls" list "outside" "" "public" false "keyRing" false "autoscale" false -}}
{{- $role := mergeOverwrite $blank (index ($root.Files.Get "files/roles.yaml" | fromYaml) .key) -}}
{{- $size := index ($root.Files.Get "files/sizes.yaml" | fromYaml) $root.Values.size .key -}}
{{- $values := mergeOverwrite $size (deepCopy $root.Values.defaults) (deepCopy (index $root.Values .key)) -}}
{{- $_ := set $role "key" .key -}}
{{- $_ := set $role "values" $values -}}
{{- $_ := set $role "name" (printf "%s-%s" (include "mailmesh.fullname" $root) $role.component) -}}
{{- $_ := set $role "headless" (printf "%s-headless" $role.name) -}}
{{- $_ := set $role "domain" (printf "%s.svc.%s" $root.Release.Namespace $root.Values.clusterDomain) -}}
{{- $replicas := ternary 1 $values.replicas (kindIs "invalid" $values.replicas) -}}
{{- if eq .key "directory" -}}{{- $replicas = 1 -}}{{- end -}}
{{- if eq .key "mailboxStore" -}}{{- $replicas = default 1 $values.shards -}}{{- end -}}
{{- $_ := set $role "replicas" $replicas -}}
{{- $_ := set $role "scales" (and $role.autoscale $values.autoscaling.enabled) -}}
{{- $_ := set $role "grace" (default (add $values.drain.delaySeconds $values.drain.windowSeconds 30) $values.terminationGracePeriodSeconds) -}}
{{- $listeners := dict -}}
{{- range $name, $port := $role.ports -}}
{{- if or (ne $name "lmtp") $values.lmtp.networks -}}
{{- $_ := set $listeners $name $port -}}
{{- end -}}
{{- end -}}
{{- $_ := set $role "listeners" $listeners -}}
{{- toYaml $role -}}
{{- end -}}

{{/* `replicas: N`. Where an autoscaler decides, what there is stays, within its limits. It is written all the same: of two revisions of which one lacks the
field Helm would take it away on the way from the other, and the API server's default, 1, would be what is left of many. Without a
cluster nothing is known, and nothing written: what applies such manifests again and again must not undo the autoscaler. Takes root, role. */}}
{{- define "mailmesh.replicas" -}}
{{- if not .role.scales -}}
replicas: {{ int .role.replicas }}
{{- else if include "mailmesh.cluster" .root -}}
replicas: {{ include "mailmesh.scaled" . }}
{{- end -}}
{{- end -}}

{{/* Pods of a role that scales by itself, once this release is applied. Takes root, role. */}}
{{- define "mailmesh.scaled" -}}
{{- $scaling := .role.values.autoscaling -}}
{{- $live := int (dig "spec" "replicas" 0 (lookup "apps/v1" .role.kind .root.Release.Namespace .role.name)) -}}
{{- max (int (default 1 $scaling.minReplicas)) $live | min (int (default 4 $scaling.maxReplicas)) -}}
{{- end -}}

{{/* "true" where there is a cluster to ask: a list is never nothing there. Takes the root. */}}
{{- define "mailmesh.cluster" -}}
{{- if lookup "v1" "Service" .Release.Namespace "" -}}true{{- end -}}
{{- end -}}

{{/* Ports in every pod. */}}
{{- define "mailmesh.port.admin" -}}9101{{- end -}}
{{- define "mailmesh.port.grpc" -}}7101{{- end -}}

{{/* IP families of a Service. Takes the root. */}}
{{- define "mailmesh.ipFamilies" -}}
{{- with .Values.network.ipFamilyPolicy -}}
ipFamilyPolicy: {{ . }}
{{- end }}
{{- with .Values.network.ipFamilies }}
ipFamilies: {{ toJson . }}
{{- end }}
{{- end -}}

{{/* Every address: of both families where the cluster's Services may have IPv6. */}}
{{- define "mailmesh.anyAddress" -}}
{{- if or (has "IPv6" .Values.network.ipFamilies) (has .Values.network.ipFamilyPolicy (list "PreferDualStack" "RequireDualStack")) -}}
[::]
{{- else -}}
0.0.0.0
{{- end -}}
{{- end -}}

{{/* The admin server takes one family: that of the pod's first address, which the kubelet probes. */}}
{{- define "mailmesh.anyAdminAddress" -}}
{{- ternary "[::]" "0.0.0.0" (eq (first (append .Values.network.ipFamilies "IPv4")) "IPv6") -}}
{{- end -}}

{{/* gRPC endpoint of a role as its callers have it. Takes root, key. The directory's Service has one address, which stays when its
pod moves; replicas of others are found one by one. */}}
{{- define "mailmesh.endpoint" -}}
{{- $role := get .root.AllRoles .key -}}
{{- if eq .key "directory" -}}
{{ $role.name }}.{{ $role.domain }}:{{ include "mailmesh.port.grpc" . }}
{{- else -}}
dns:///{{ $role.headless }}.{{ $role.domain }}:{{ include "mailmesh.port.grpc" . }}
{{- end -}}
{{- end -}}

{{/* Shard number -> endpoint: a Service of its own for each, whose address stays when the pod moves. Takes the root. */}}
{{- define "mailmesh.shards" -}}
{{- $root := . -}}
{{- $store := .AllRoles.mailboxStore -}}
{{- range $shard := until (int $store.replicas) }}
{{ $shard | toString | quote }}: {{ printf "%s-%d.%s:%s" $store.name $shard $store.domain (include "mailmesh.port.grpc" $root) }}
{{- end }}
{{- end -}}

{{- define "mailmesh.intOrPercent" -}}
{{- if kindIs "string" . -}}{{ quote . }}{{- else -}}{{ int . }}{{- end -}}
{{- end -}}
