{{/* What `helm install` says. It is apart from NOTES.txt because `helm template`, which has no cluster, would not show that. Takes the root. */}}
{{- define "mailmesh.notes" -}}
{{- include "mailmesh.init" . -}}
{{- $fullname := include "mailmesh.fullname" . -}}
{{- $roles := .Roles -}}
{{- $ns := printf "-n %s" .Release.Namespace -}}
{{- $store := get $roles "mailboxStore" -}}
Mailmesh {{ .Chart.AppVersion }}, mesh {{ $fullname }}: {{ range $key, $role := $roles }}{{ $role.component }} {{ end }}
{{- with $store }}{{ with .values.restore.backup }}

RESTORING shard {{ $store.values.restore.shard }} from backup {{ . }}: all shards are stopped. When the Job is done
  kubectl {{ $ns }} get jobs -l app.kubernetes.io/component=restore
take mailboxStore.restore out of the values and upgrade.
{{- end }}{{ end }}

Next:

1. See that everything serves, and that mail goes in and out:
     kubectl {{ $ns }} rollout status statefulset,deployment -l app.kubernetes.io/instance={{ .Release.Name }} --timeout=5m
     helm {{ $ns }} test {{ .Release.Name }}
{{- if .Values.firstAccount.address }}

2. Look at the mesh; {{ .Values.firstAccount.address }} can log in:
     kubectl {{ $ns }} exec deploy/{{ $fullname }}-tool -- mailmesh status
{{- else }}

2. Make a domain and an account (the password is read from standard input):
     kubectl {{ $ns }} exec deploy/{{ $fullname }}-tool -- mailmesh domain add example.org
     kubectl {{ $ns }} exec -i deploy/{{ $fullname }}-tool -- mailmesh account create anna@example.org --password-stdin
{{- end }}
{{- if not .Values.tool.enabled }}
   (tool.enabled is false: the commands need that pod)
{{- end }}

3. Find the addresses that clients and other servers connect to:
     kubectl {{ $ns }} get service{{ range $roles }}{{ if .public }} {{ .name }}{{ end }}{{ end }}

DNS records to publish, for each mail domain (here example.org):

     {{ .Values.hostname }}.               A/AAAA  the address of {{ with get $roles "smtpIngress" }}service {{ .name }}{{ else }}the mail server{{ end }}
     example.org.               MX      10 {{ .Values.hostname }}.
{{- if hasKey $roles "outboundRelay" }}
     example.org.               TXT     "v=spf1 mx ip4:ADDRESS -all"
     {{ .Values.hostname }}.               TXT     "v=spf1 ip4:ADDRESS -all"   (for bounces, which have no sender)
{{- else }}
     example.org.               TXT     "v=spf1 mx -all"
{{- end }}
     _dmarc.example.org.        TXT     "v=DMARC1; p=none; rua=mailto:postmaster@example.org"
{{- if hasKey $roles "smtpIngress" }}
     _submissions._tcp.example.org.  SRV  0 1 465 {{ .Values.hostname }}.
     _submission._tcp.example.org.   SRV  10 1 587 {{ .Values.hostname }}.
{{- end }}
{{- if hasKey $roles "imapGateway" }}
     _imaps._tcp.example.org.        SRV  0 1 993 {{ .Values.hostname }}.
{{- end }}
{{- if hasKey $roles "pop3Gateway" }}
     _pop3s._tcp.example.org.        SRV  10 1 995 {{ .Values.hostname }}.
{{- end }}

{{- if hasKey $roles "outboundRelay" }}

   ADDRESS is where the relay's connections come from: the node's address or that of a NAT gateway, seldom the Service's behind the MX.
   List each, IPv6 as ip6:, or mail is refused; PTR of each, with who owns it: {{ .Values.hostname }}.
   Addresses of nodes change with the nodes: give the relay a fixed way out (docs: kubernetes.md, "The relay's address").
   p=none only reports. The relay does not sign (DKIM): a stricter policy would reject what others forward.
{{- end }}
   Services of several roles have addresses of their own: give each a name, put it into tls.public.dnsNames and into the SRV records.
{{- if eq .Values.tls.public.source "own" }}

The mail ports have a certificate of the chart's own authority. Mail programs must be given it, or set tls.public (docs: kubernetes.md, "Certificates"):
     kubectl {{ $ns }} get secret {{ $fullname }}-pki-server -o jsonpath='{.data.ca\.crt}' | base64 -d
{{- end }}
{{- if .Values.networkPolicy.enabled }}

/metrics can be read {{ with .Values.networkPolicy.monitoring }}by (networkPolicy.monitoring; where your Prometheus is another, name it there):
{{- toYaml . | nindent 2 }}
{{- else }}by nobody but the nodes (networkPolicy.monitoring).
{{- end }}
{{- end }}
{{- range $key, $role := $roles }}
{{- if $role.scales }}
{{- range include "mailmesh.hpaUnserved" (dict "root" $ "key" $key "scaling" $role.values.autoscaling) | fromYamlArray }}

WARNING: {{ $key }}.autoscaling: this cluster does not serve {{ . }}: nothing is scaled by what comes from there until
{{ ternary "metrics-server" "a metrics adapter" (eq . "metrics.k8s.io") }} is installed (docs: kubernetes.md, "Scaling").
{{- end }}
{{- end }}
{{- if and (eq $role.kind "StatefulSet") (not $role.values.persistence.enabled) }}

WARNING: {{ $key }}.persistence.enabled is false: what {{ $role.component }} holds is lost with its pod.
{{- end }}
{{- end }}

Uninstalling leaves behind: the volume claims of directory, mailbox-store and outbound-relay (all mail), {{ if not .Values.keyRing.existingSecret }}Secret {{ include "mailmesh.keyRingSecret" . }}
(without it stored passwords cannot be opened){{ end }}{{ if include "mailmesh.ownPki" . }}, and the Secrets {{ $fullname }}-pki-* of the own authority{{ end }}.
{{- end -}}
