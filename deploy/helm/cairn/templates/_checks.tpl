{{/* What cannot work is refused while rendering, with the reason. */}}

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
{{- if and .Values.database.pgpassSecret (not .Values.podSecurityContext.fsGroup) -}}
{{- fail "database.pgpassSecret needs podSecurityContext.fsGroup: the mounted file belongs to root, and no other user could read it" -}}
{{- end -}}
{{- if and .Values.global.secretKey (or (not .Values.postgres.embedded) .Values.secret.existing .Values.secret.externalSecret.enabled .Values.database.passwordSecret.name) -}}
{{- fail "global.secretKey is the first password of the embedded Postgres, which this release does not take from the chart's own Secret: leave it out, or set postgres.embedded without secret.existing, secret.externalSecret and database.passwordSecret" -}}
{{- end -}}
{{- include "cairn.checkPublished" . -}}
{{- include "cairn.checkConnections" . -}}
{{- include "cairn.checkSecrets" . -}}
{{- include "cairn.checkUpgrade" . -}}
{{- end }}

{{/* Metrics name internal addresses and paths. */}}
{{- define "cairn.checkPublished" -}}
{{- if .Values.metrics.public -}}
{{- if and (or .Values.ingress.enabled .Values.gatewayRoute.enabled) (or (has "/" .Values.ingress.paths) (has "/metrics" .Values.ingress.paths)) -}}
{{- fail "metrics.public puts /metrics on the API's port, and ingress.paths publishes it: set metrics.public=false, or ingress.paths to the paths that clients need, as deploy/guides/mcp-gateway/values.yaml does" -}}
{{- end -}}
{{- if ne .Values.service.type "ClusterIP" -}}
{{- fail (printf "metrics.public puts /metrics on the API's port, and service.type %s publishes it: set metrics.public=false" .Values.service.type) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Each replica has its pool and a connection for notices. An update adds a replica, and an operator needs some too. */}}
{{- define "cairn.checkConnections" -}}
{{- if and (eq (include "cairn.engine" .) "postgres") (ne .Values.workload "DaemonSet") -}}
{{- $replicas := include "cairn.mostReplicas" . | int -}}
{{- $each := add1 (int .Values.database.maxOpenConns) -}}
{{- $needed := add (mul (add1 $replicas) $each) 5 -}}
{{- $key := ternary "postgres.maxConnections" "database.maxConnections" .Values.postgres.embedded -}}
{{- $there := ternary .Values.postgres.maxConnections .Values.database.maxConnections .Values.postgres.embedded | int -}}
{{- if gt (int $needed) $there -}}
{{- fail (printf "%d replicas and one more during an update, with %d connections each (database.maxOpenConns and one), and 5 for operators are %d connections, but the server takes %d (%s): lower database.maxOpenConns or the replicas, or raise max_connections of the server and %s" $replicas $each $needed $there $key $key) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* A key that a pod needs is in the Secret, as far as that can be seen; called with (list . SECRET KEY VALUE). */}}
{{- define "cairn.checkKey" -}}
{{- if index . 1 -}}
{{- $there := include "cairn.secretData" (list (index . 0) (index . 1)) | fromJson -}}
{{- if and $there (not (hasKey $there (index . 2))) -}}
{{- fail (printf "the Secret %s (%s) has no key %s, but %s: no pod would start. Add the key to it, or name another" (index . 1) (index . 3) (index . 2) (keys $there | sortAlpha | join ", ")) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "cairn.checkSecrets" -}}
{{- $db := .Values.database -}}
{{- include "cairn.checkKey" (list . $db.urlSecret.name $db.urlSecret.key "database.urlSecret") -}}
{{- include "cairn.checkKey" (list . $db.readUrlSecret.name $db.readUrlSecret.key "database.readUrlSecret") -}}
{{- include "cairn.checkKey" (list . $db.passwordSecret.name $db.passwordSecret.key "database.passwordSecret") -}}
{{- include "cairn.checkKey" (list . $db.pgpassSecret "pgpass" "database.pgpassSecret") -}}
{{- include "cairn.checkKey" (list . .Values.caSecret "ca.crt" "caSecret") -}}
{{- if and .Values.postgres.embedded (not $db.passwordSecret.name) -}}
{{- $external := .Values.secret.externalSecret -}}
{{- if $external.enabled -}}
{{- $keys := list -}}
{{- range $external.data }}{{ $keys = append $keys .secretKey }}{{ end -}}
{{- if not (has $db.passwordSecret.key $keys) -}}
{{- fail (printf "the embedded Postgres takes its password from key %s (database.passwordSecret.key), but secret.externalSecret.data brings %s: add secretKey %s with its remoteRef" $db.passwordSecret.key (join ", " $keys) $db.passwordSecret.key) -}}
{{- end -}}
{{- else -}}
{{- include "cairn.checkKey" (list . .Values.secret.existing $db.passwordSecret.key "secret.existing") -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Values that an upgrade leaves out fall back to the chart's: a preset, or the database, would go without a word. */}}
{{- define "cairn.checkUpgrade" -}}
{{- if .Release.IsUpgrade -}}
{{- $ := . -}}
{{- if .Values.postgres.embedded -}}
{{- include "cairn.checkClaims" (list . (include "cairn.postgresName" .) .Values.postgres.storage "postgres.storage") -}}
{{- end -}}
{{- if and (eq .Values.workload "StatefulSet") .Values.persistence.enabled -}}
{{- include "cairn.checkClaims" (list . (include "cairn.name" .) .Values.persistence.size "persistence.size") -}}
{{- end -}}
{{- $engine := include "cairn.engine" . -}}
{{- range (lookup "v1" "ConfigMap" .Release.Namespace "").items -}}
{{- $labels := .metadata.labels | default dict -}}
{{- $installed := .metadata.annotations | default dict -}}
{{- if and (eq (index $labels "app.kubernetes.io/instance" | default "") $.Release.Name) (hasKey $installed "cairn/engine") -}}
{{- $preset := index $installed "cairn/preset" -}}
{{- if and $preset (not $.Values.preset) -}}
{{- fail (printf "release %s was made with the preset %s, which these values leave out: give its file again (--values %s), or --reset-then-reuse-values; --set preset=none leaves it" $.Release.Name $preset (include "cairn.presetFile" $preset)) -}}
{{- end -}}
{{- if and (eq (index $installed "cairn/engine") "postgres") (eq $engine "libsql") (not $.Values.database.allowChange) -}}
{{- fail (printf "release %s runs on Postgres, and these values name none: it would start with an empty embedded database. Give the values of before again, or --reset-then-reuse-values; --set database.allowChange=true allows it" $.Release.Name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The claims of a StatefulSet cannot be changed by an upgrade; called with (list . STATEFULSET SIZE VALUE). */}}
{{- define "cairn.checkClaims" -}}
{{- $there := lookup "apps/v1" "StatefulSet" (index . 0).Release.Namespace (index . 1) -}}
{{- range ($there.spec | default dict).volumeClaimTemplates -}}
{{- if ne .spec.resources.requests.storage (index $ 2) -}}
{{- fail (printf "%s is %s, but the StatefulSet %s was made with %s, and the cluster refuses to change that. Enlarge its claims by hand, then: kubectl delete statefulset %s --cascade=orphan" (index $ 3) (index $ 2) (index $ 1) .spec.resources.requests.storage (index $ 1)) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "cairn.presetFile" -}}
{{- ternary (printf "deploy/guides/%s/values.yaml" .) (printf "deploy/helm/cairn/values-%s.yaml" .) (has . (list "toolhive" "mcp-gateway")) -}}
{{- end }}
