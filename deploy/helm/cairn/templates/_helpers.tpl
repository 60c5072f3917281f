{{/* Names, labels and every decision that more than one template needs. */}}

{{- define "cairn.name" -}}
{{- default (printf "%s-registry" .Release.Name) .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{/* "postgres" when anything points to one, else "libsql". */}}
{{- define "cairn.engine" -}}
{{- if or .Values.database.urlSecret.name .Values.database.host .Values.postgres.embedded -}}postgres{{- else -}}libsql{{- end -}}
{{- end }}

{{- define "cairn.postgresName" -}}{{ .Release.Name }}-postgres{{- end }}

{{- define "cairn.secretName" -}}
{{- .Values.secret.existing | default (printf "%s-secret" (include "cairn.name" .)) -}}
{{- end }}

{{- define "cairn.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "cairn.name" .) "default" .Values.serviceAccount.create) -}}
{{- end }}

{{- define "cairn.host" -}}
{{- .Values.ingress.host | default .Values.global.domain -}}
{{- end }}

{{- define "cairn.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}{{ $image.repository }}@{{ $image.digest }}
{{- else -}}{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}{{- end -}}
{{- end }}

{{- define "cairn.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: registry
{{- end }}

{{- define "cairn.labels" -}}
{{ include "cairn.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* metadata with name and labels; called with (list . NAME). */}}
{{- define "cairn.metadata" -}}
{{- $ := index . 0 -}}
name: {{ index . 1 }}
namespace: {{ $.Release.Namespace }}
labels:
  {{- include "cairn.labels" $ | nindent 2 }}
{{- end }}

{{/* Whether something that needs a CRD is wanted: yes, no, or as the cluster has it; called with (list . SETTING API). */}}
{{- define "cairn.wanted" -}}
{{- $setting := toString (index . 1) -}}
{{- if eq $setting "auto" -}}
{{- if (index . 0).Capabilities.APIVersions.Has (index . 2) }}yes{{ end -}}
{{- else if eq $setting "true" }}yes{{ end -}}
{{- end }}

{{/* A wanted secret value: what is given, else what the cluster has, else a new one; called with (list . KEY GIVEN). */}}
{{- define "cairn.secretValue" -}}
{{- $ := index . 0 -}}
{{- $there := (lookup "v1" "Secret" $.Release.Namespace (include "cairn.secretName" $)).data | default dict -}}
{{- if index . 2 -}}{{ index . 2 | b64enc }}
{{- else if hasKey $there (index . 1) -}}{{ index $there (index . 1) }}
{{- else -}}{{ randAlphaNum 40 | b64enc }}{{- end -}}
{{- end }}

{{/* The newest version that the cluster has: operators from 0.17 on no longer serve v1beta1, older ones than 0.16 no v1. */}}
{{- define "cairn.externalSecretApi" -}}
{{- $api := .Capabilities.APIVersions -}}
{{- $isOld := and ($api.Has "external-secrets.io/v1beta1/ExternalSecret") (not ($api.Has "external-secrets.io/v1/ExternalSecret")) -}}
external-secrets.io/{{ ternary "v1beta1" "v1" $isOld }}
{{- end }}

{{/* cairn's configuration file: what is given, and the database. */}}
{{- define "cairn.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- $db := .Values.database -}}
{{- if .Values.postgres.embedded -}}
{{- $_ := set $config "database" (dict "host" (include "cairn.postgresName" .) "port" 5432 "user" $db.user "database" $db.name "sslMode" "disable" "maxOpenConns" (int $db.maxOpenConns)) -}}
{{- else if $db.host -}}
{{- $_ := set $config "database" (dict "host" $db.host "port" (int $db.port) "user" $db.user "database" $db.name "sslMode" $db.sslMode "maxOpenConns" (int $db.maxOpenConns)) -}}
{{- with $db.migrationUser }}{{ $_ := set $config.database "migrationUser" . }}{{ end -}}
{{- end -}}
{{- with $db.readHost }}{{ $_ := set $config "database" (set ($config.database | default dict) "readUrl" (printf "postgres://%s" .)) }}{{ end -}}
{{- toYaml $config -}}
{{- end }}

{{/* What `serve` and `migrate` have in common: where configuration and database are. */}}
{{- define "cairn.databaseEnv" -}}
- name: CAIRN_DATA_DIR
  value: /data
{{- with .Values.database.urlSecret }}
{{- if .name }}
- name: DATABASE_URL
  valueFrom:
    secretKeyRef: {name: {{ .name }}, key: {{ .key }}}
{{- end }}
{{- end }}
{{- with .Values.database.readUrlSecret }}
{{- if .name }}
- name: DATABASE_READ_URL
  valueFrom:
    secretKeyRef: {name: {{ .name }}, key: {{ .key }}}
{{- end }}
{{- end }}
{{- $password := .Values.database.passwordSecret }}
{{- if or .Values.postgres.embedded $password.name }}
- name: CAIRN_DATABASE_PASSWORD
  valueFrom:
    secretKeyRef: {name: {{ $password.name | default (include "cairn.secretName" .) }}, key: {{ $password.key }}}
{{- end }}
{{- if .Values.database.pgpassSecret }}
- name: PGPASSFILE
  value: /run/pgpass/pgpass
{{- end }}
{{- if .Values.caSecret }}
- name: SSL_CERT_FILE
  value: /etc/cairn-ca/ca.crt
{{- end }}
{{- end }}

{{- define "cairn.mounts" -}}
- {name: config, mountPath: /etc/cairn, readOnly: true}
- {name: data, mountPath: /data}
{{- if .Values.database.pgpassSecret }}
- {name: pgpass, mountPath: /run/pgpass, readOnly: true}
{{- end }}
{{- if .Values.caSecret }}
- {name: ca, mountPath: /etc/cairn-ca, readOnly: true}
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Volumes but for the data, which differs between a pod and the migration job; called with (list . CONFIGMAP). */}}
{{- define "cairn.volumes" -}}
{{- $ := index . 0 -}}
- name: config
  configMap: {name: {{ index . 1 }}}
{{- with $.Values.database.pgpassSecret }}
- name: pgpass-secret
  secret: {secretName: {{ . }}, defaultMode: 0440}
- name: pgpass
  emptyDir: {medium: Memory, sizeLimit: 1Mi}
{{- end }}
{{- with $.Values.caSecret }}
- name: ca
  secret: {secretName: {{ . }}}
{{- end }}
{{- with $.Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* A mounted secret belongs to root and can at best be read by the group; clients of Postgres want a file of mode 0600. */}}
{{- define "cairn.pgpassCopy" -}}
- name: pgpass
  image: {{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}-debug
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command: [/bin/sh, -c, umask 077 && cat /secret/pgpass >/run/pgpass/pgpass]
  securityContext: {{- toYaml .Values.securityContext | nindent 4 }}
  resources: {{- toYaml .Values.resources | nindent 4 }}
  volumeMounts:
    - {name: pgpass-secret, mountPath: /secret, readOnly: true}
    - {name: pgpass, mountPath: /run/pgpass}
{{- end }}

{{- define "cairn.migrateContainer" -}}
- name: migrate
  image: {{ include "cairn.image" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  args: [migrate, up, --config=/etc/cairn/config.yaml, --yes]
  env: {{- include "cairn.databaseEnv" . | nindent 4 }}
  {{- with .Values.envFrom }}
  envFrom: {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext: {{- toYaml .Values.securityContext | nindent 4 }}
  resources: {{- toYaml .Values.resources | nindent 4 }}
  volumeMounts: {{- include "cairn.mounts" . | nindent 4 }}
{{- end }}

{{/* What cannot work is refused before anything is created. */}}
{{- define "cairn.check" -}}
{{- $replicas := int .Values.registry.app.replicas -}}
{{- $many := or (gt $replicas 1) .Values.autoscaling.enabled -}}
{{- if and $many (eq .Values.workload "Deployment") (eq (include "cairn.engine" .) "libsql") -}}
{{- fail (printf "registry.app.replicas is %d (autoscaling: %t), but without a Postgres the replicas would share one database file, and SQLite's locks do not work across machines. Set database.urlSecret.name, database.host or postgres.embedded; or workload: StatefulSet, where each replica has a file of its own." $replicas .Values.autoscaling.enabled) -}}
{{- end -}}
{{- if and (eq .Values.migrations.mode "job") (eq (include "cairn.engine" .) "libsql") -}}
{{- fail "migrations.mode is job, but the database file is on the pod's own volume: use init" -}}
{{- end -}}
{{- if and (ne .Values.workload "Deployment") .Values.autoscaling.enabled -}}
{{- fail "autoscaling is for workload: Deployment" -}}
{{- end -}}
{{- if and .Values.postgres.embedded (or .Values.database.host .Values.database.urlSecret.name) -}}
{{- fail "postgres.embedded and database.host or database.urlSecret exclude each other" -}}
{{- end -}}
{{- $standby := or .Values.database.readHost .Values.database.readUrlSecret.name -}}
{{- if and $standby (not (or .Values.database.host .Values.database.urlSecret.name)) -}}
{{- fail "database.readHost or database.readUrlSecret names a standby, but neither database.host nor database.urlSecret its primary" -}}
{{- end -}}
{{- if and .Values.database.readHost .Values.database.readUrlSecret.name -}}
{{- fail "database.readHost and database.readUrlSecret exclude each other" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not (include "cairn.host" .)) -}}
{{- fail "ingress.enabled needs ingress.host or global.domain" -}}
{{- end -}}
{{- if and .Values.gatewayRoute.enabled (not .Values.gatewayRoute.gateways) -}}
{{- fail "gatewayRoute.enabled needs gatewayRoute.gateways, the Gateways it hangs on" -}}
{{- end -}}
{{- end }}
