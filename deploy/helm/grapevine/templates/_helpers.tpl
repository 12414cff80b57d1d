{{- define "grapevine.name" -}}
{{ if contains "grapevine" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-grapevine{{ end }}
{{- end }}

{{- define "grapevine.selector" -}}
app.kubernetes.io/name: grapevine
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "grapevine.labels" -}}
{{ include "grapevine.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* What every object is called and known by: those of its own (labels, annotations) win over everybody's. */ -}}
{{- define "grapevine.metadata" -}}
name: {{ .name }}
labels: {{ merge (include "grapevine.labels" .root | fromYaml) (.labels | default dict) .root.Values.commonLabels | toYaml | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
annotations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* The same of pods: what selects them (component) cannot be changed, the section `own` of the values wins over everybody's. */ -}}
{{- define "grapevine.podMetadata" -}}
{{- $selected := merge (dict "app.kubernetes.io/component" .component) (include "grapevine.selector" .root | fromYaml) -}}
labels: {{ merge $selected (.own.podLabels | default dict) .root.Values.podLabels | toYaml | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) (.own.podAnnotations | default dict) .root.Values.podAnnotations }}
annotations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* What of these sections differs from the program's defaults, in TOML. */ -}}
{{- define "grapevine.config" -}}
{{- range $section, $keys := . }}
{{- with $keys }}
[{{ $section }}]
{{- range $key, $value := . }}
{{ $key }} = {{ include "grapevine.toml" $value }}
{{- end }}
{{ end }}
{{- end }}
{{- end }}

{{- /* `migrate` and `rollup` know ClickHouse alone, and none of Kafka's secrets. */ -}}
{{- define "grapevine.storeConfig" -}}
{{ include "grapevine.config" (pick .Values.config "clickhouse" "log") }}
{{- end }}

{{- /* Whole numbers come as floats from a file of values. */ -}}
{{- define "grapevine.toml" -}}
{{- if or (kindIs "float64" .) (kindIs "int64" .) }}{{ int64 . }}
{{- else if kindIs "map" . }}{ {{- range $at, $key := keys . | sortAlpha }}{{ if $at }},{{ end }} {{ quote $key }} = {{ include "grapevine.toml" (get $ $key) }}{{ end }} }
{{- else }}{{ toJson . }}{{ end }}
{{- end }}

{{- /* The folder of the pod that checkpoints are in, if they are in one: a path, or a URL of a file. */ -}}
{{- define "grapevine.folder" -}}
{{- $url := .Values.config.checkpoint.url }}
{{- if not (contains "://" $url) }}{{ $url }}{{ else if eq "file" (urlParse $url).scheme }}{{ (urlParse $url).path }}{{ end }}
{{- end }}

{{- define "grapevine.epoch" -}}
{{ int64 (.Values.config.worker.epoch | default 0) }}
{{- end }}

{{- define "grapevine.adminPort" -}}
{{ regexFind "[0-9]+$" .Values.config.admin.address }}
{{- end }}

{{- /* Seconds that a worker needs to stop: those of the configuration and five more. */ -}}
{{- define "grapevine.grace" -}}
{{ add 5 (int64 (.Values.config.worker.shutdown_deadline_seconds | default 25)) }}
{{- end }}

{{- define "grapevine.secret" -}}
{{- if .from.name }}
- name: {{ .variable }}
  valueFrom:
    secretKeyRef: {name: {{ .from.name }}, key: {{ .from.key }}}
{{- end }}
{{- end }}

{{- /* What every pod has: root, program, configuration (the ConfigMap `config`), command, and who ClickHouse takes it for (`as`). */ -}}
{{- define "grapevine.pod" -}}
{{- $values := .root.Values -}}
serviceAccountName: {{ .account }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with $values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $values.topologySpreadConstraints }}
topologySpreadConstraints: {{ toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: config
    configMap: {name: {{ .config }}}
  {{- with $values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "grapevine.container" -}}
{{- $values := .root.Values -}}
name: grapevine
{{- with $values.image }}
image: {{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.root.Chart.AppVersion }}{{ end }}
imagePullPolicy: {{ .pullPolicy }}
{{- end }}
args: {{ toJson .args }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
env:
  {{- with .as.user }}
  - {name: GRAPEVINE_CLICKHOUSE_USER, value: {{ quote . }}}
  {{- end }}
  {{- $password := ternary .as.password $values.secrets.clickhousePassword (not (empty .as.password.name)) }}
  {{- include "grapevine.secret" (dict "variable" "GRAPEVINE_CLICKHOUSE_PASSWORD" "from" $password) | nindent 2 }}
  {{- if .worker }}
  {{- include "grapevine.secret" (dict "variable" "GRAPEVINE_RULES_PSEUDONYM_KEY" "from" $values.secrets.pseudonymKey) | nindent 2 }}
  {{- include "grapevine.secret" (dict "variable" "GRAPEVINE_KAFKA_SASL_PASSWORD" "from" $values.secrets.kafkaSaslPassword) | nindent 2 }}
  {{- include "grapevine.secret" (dict "variable" "GRAPEVINE_KAFKA_OAUTH_CLIENT_SECRET" "from" $values.secrets.kafkaOauthClientSecret) | nindent 2 }}
  {{- include "grapevine.secret" (dict "variable" "GRAPEVINE_KAFKA_SSL_KEY_PASSWORD" "from" $values.secrets.kafkaSslKeyPassword) | nindent 2 }}
  # The image's own would win over the file.
  - {name: GRAPEVINE_ADMIN_ADDRESS, value: {{ quote $values.config.admin.address }}}
  {{- if and $values.rollup.enabled (not $values.config.clickhouse.answers) }}
  # Somebody is told where they are never made.
  - {name: GRAPEVINE_CLICKHOUSE_ANSWERS, value: expected}
  {{- end }}
  {{- if not $values.keda.enabled }}
  - name: GRAPEVINE_KAFKA_GROUP_INSTANCE_ID
    valueFrom:
      fieldRef: {fieldPath: metadata.name}
  {{- end }}
  {{- end }}
  {{- with $values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
volumeMounts:
  - {name: config, mountPath: /etc/grapevine, readOnly: true}
  {{- with $values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
