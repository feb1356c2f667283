{{/* What no range of a single value says. Takes the root. */}}
{{- define "mailmesh.check" -}}
{{- range $key, $role := .Roles -}}
{{- $values := $role.values -}}
{{- if $values.proxyProtocol.enabled -}}
{{- if not $role.public -}}{{- fail (printf "%s.proxyProtocol: this role has no mail ports" $key) -}}{{- end -}}
{{- if not $values.proxyProtocol.trustedCIDRs -}}
{{- fail (printf "%s.proxyProtocol.trustedCIDRs: name the load balancers' addresses: whoever is trusted can say that it is anybody" $key) -}}
{{- end -}}
{{- range $values.proxyProtocol.trustedCIDRs -}}
{{- if hasSuffix "/0" . -}}{{- fail (printf "%s.proxyProtocol.trustedCIDRs: %s is everybody; name the load balancers' addresses" $key .) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if dig "common" "drain" "" $values.config -}}
{{- fail (printf "%s.config.common.drain: use %s.drain, by which the pod's grace goes too" $key $key) -}}
{{- end -}}
{{- with $values.terminationGracePeriodSeconds -}}
{{- if lt (int .) (int (add $values.drain.delaySeconds $values.drain.windowSeconds)) -}}
{{- fail (printf "%s.terminationGracePeriodSeconds: %d s end before the drain does (delaySeconds %d + windowSeconds %d): sessions would be cut" $key (int .) (int $values.drain.delaySeconds) (int $values.drain.windowSeconds)) -}}
{{- end -}}
{{- end -}}
{{- if and $role.scales (gt (int (default 1 $values.autoscaling.minReplicas)) (int (default 4 $values.autoscaling.maxReplicas))) -}}
{{- fail (printf "%s.autoscaling: minReplicas %d is more than maxReplicas %d" $key (int (default 1 $values.autoscaling.minReplicas)) (int (default 4 $values.autoscaling.maxReplicas))) -}}
{{- end -}}
{{- if and $values.persistence.existingClaim (or $role.scales (gt (int $role.replicas) 1)) -}}
{{- fail (printf "%s.persistence.existingClaim: one claim is for one pod, and there are more" $key) -}}
{{- end -}}
{{- end -}}
{{- $known := concat (keys (.Files.Get "files/roles.yaml" | fromYaml)) (list "tool" "pki") -}}
{{- range $key, $_ := .Values.networkPolicy.extra -}}
{{- if not (has $key $known) -}}{{- fail (printf "networkPolicy.extra.%s: no such role; there are %s" $key (join ", " (sortAlpha $known))) -}}{{- end -}}
{{- end -}}
{{- end -}}
