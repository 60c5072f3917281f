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

{{/* Data of a Secret of the namespace; nothing where it is absent, or no cluster is asked; called with (list . NAME). */}}
{{- define "cairn.secretData" -}}
{{- (lookup "v1" "Secret" (index . 0).Release.Namespace (index . 1)).data | default dict | toJson -}}
{{- end }}

{{/* Password of the embedded Postgres: what the cluster has, else what is given, else a new one. */}}
{{- define "cairn.password" -}}
{{- $there := include "cairn.secretData" (list . (include "cairn.secretName" .)) | fromJson -}}
{{- $given := .Values.global.secretKey -}}
{{- with index $there .Values.database.passwordSecret.key -}}
{{- if and $given (ne . (b64enc $given)) -}}
{{- fail "global.secretKey differs from the password that the database of this release was made with: leave it out, or change the password first (docs/operations.md, Rotate secrets)" -}}
{{- end -}}
{{ . }}
{{- else -}}{{ default (randAlphaNum 40) $given | b64enc }}{{- end -}}
{{- end }}

{{/* The most replicas that there can be at once, without those of a rolling update. */}}
{{- define "cairn.mostReplicas" -}}
{{- $replicas := int .Values.registry.app.replicas -}}
{{- ternary (max $replicas (int .Values.autoscaling.maxReplicas)) $replicas .Values.autoscaling.enabled -}}
{{- end }}

{{/* What the next upgrade compares itself with. */}}
{{- define "cairn.installed" -}}
cairn/preset: {{ ternary "" .Values.preset (eq .Values.preset "none") | quote }}
cairn/engine: {{ include "cairn.engine" . }}
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
# The image's public authorities, and the private one beside them: a file alone would replace them.
- name: SSL_CERT_FILE
  value: /etc/ssl/certs/ca-certificates.crt
- name: SSL_CERT_DIR
  value: /etc/cairn-ca
{{- end }}
{{- end }}

{{- define "cairn.mounts" -}}
- {name: config, mountPath: {{ .Values.configFolder }}, readOnly: true}
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
# 0440: the file belongs to root, and the pod's fsGroup may read it.
- name: pgpass
  secret: {secretName: {{ . }}, defaultMode: 288}
{{- end }}
{{- with $.Values.caSecret }}
- name: ca
  secret: {secretName: {{ . }}}
{{- end }}
{{- with $.Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "cairn.migrateContainer" -}}
- name: migrate
  image: {{ include "cairn.image" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  args: [migrate, up, --config={{ .Values.configFolder }}/config.yaml, --yes]
  env: {{- include "cairn.databaseEnv" . | nindent 4 }}
  {{- with .Values.envFrom }}
  envFrom: {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext: {{- toYaml .Values.securityContext | nindent 4 }}
  resources: {{- toYaml .Values.resources | nindent 4 }}
  volumeMounts: {{- include "cairn.mounts" . | nindent 4 }}
{{- end }}
