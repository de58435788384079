{{/* The pod of a program, hardened, and the volumes that its files come from. Takes root, name, row
and own. */}}

{{- define "chargeline.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "chargeline.podSecurity" -}}
runAsNonRoot: true
seccompProfile: {type: RuntimeDefault}
{{- range $name := list "runAsUser" "runAsGroup" "fsGroup" }}
{{- with get $.Values.user $name }}
{{ $name }}: {{ . | int64 }}
{{- end }}
{{- end }}
{{- if .Values.user.fsGroup }}
fsGroupChangePolicy: OnRootMismatch
{{- end }}
{{- end -}}

{{- define "chargeline.mounts" -}}
{{- $v := .root.Values -}}
- {name: tmp, mountPath: /tmp}
{{- if include "chargeline.secretFiles" . | fromYamlArray }}
- {name: secrets, mountPath: /run/chargeline, readOnly: true}
{{- end }}
{{- if include "chargeline.siteFiles" . | fromYamlArray }}
- {name: site, mountPath: /etc/chargeline/site, readOnly: true}
{{- end }}
{{- if .row.rules }}
{{- if $v.rules.existingConfigMap }}
- {name: rules, mountPath: /etc/chargeline/rules, readOnly: true}
{{- else if $v.rules.image }}
- name: rules
  mountPath: /etc/chargeline/rules
  readOnly: true
  {{- with $v.rules.path }}
  subPath: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}
{{- if and .row.drafts $v.refdata.file }}
- {name: refdata, mountPath: /etc/chargeline/refdata, readOnly: true}
{{- end }}
{{- if .row.single }}
- {name: data, mountPath: /var/lib/chargeline}
{{- end }}
{{- end -}}

{{- define "chargeline.volumes" -}}
{{- $v := .root.Values -}}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- with include "chargeline.secretFiles" . | fromYamlArray }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
    {{- range . }}
      - secret:
          name: {{ .secret }}
          items: [{key: {{ .key | quote }}, path: {{ .path }}}]
    {{- end }}
{{- end }}
{{- if include "chargeline.siteFiles" . | fromYamlArray }}
- name: site
  configMap: {name: {{ include "chargeline.fullname" .root }}-site}
{{- end }}
{{- if .row.rules }}
{{- if $v.rules.existingConfigMap }}
- name: rules-archive
  configMap:
    name: {{ $v.rules.existingConfigMap }}
    items: [{key: {{ $v.rules.archiveKey | quote }}, path: rules.tgz}]
- name: rules
  emptyDir: {sizeLimit: 64Mi}
{{- else if $v.rules.image }}
- name: rules
  image: {reference: {{ $v.rules.image | quote }}, pullPolicy: {{ $v.image.pullPolicy }}}
{{- end }}
{{- end }}
{{- if and .row.drafts $v.refdata.file }}
- name: refdata
  {{- if $v.refdata.existingClaim }}
  persistentVolumeClaim: {claimName: {{ $v.refdata.existingClaim }}, readOnly: true}
  {{- else }}
  image: {reference: {{ $v.refdata.image | quote }}, pullPolicy: {{ $v.image.pullPolicy }}}
  {{- end }}
{{- end }}
{{- if and .row.single .own.storage.existingClaim }}
- name: data
  persistentVolumeClaim: {claimName: {{ .own.storage.existingClaim }}}
{{- end }}
{{- end -}}

{{/* Liveness asks whether the program's loop turns, and never for a server. A start waits up to 30 s
for a Kafka that is still starting, and reads the rules, before its pages answer. */}}
{{- define "chargeline.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 90
livenessProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: http}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 3
{{- end -}}

{{- define "chargeline.spread" -}}
{{- if and .root.Values.topologySpread.enabled (not .row.single) (not .row.job) -}}
topologySpreadConstraints:
{{- range .root.Values.topologySpread.keys }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: {{ $.root.Values.topologySpread.whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- include "chargeline.selector" $.root | nindent 8 }}
        app.kubernetes.io/component: {{ $.name }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "chargeline.pod" -}}
{{- $v := .root.Values -}}
metadata:
  labels:
    {{- include "chargeline.selector" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .name }}
    app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
    {{- with $v.commonLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- with .own.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: {{ .name }}
    {{- if include "chargeline.siteFiles" . | fromYamlArray }}
    checksum/site: {{ toJson $v.files | sha256sum }}
    {{- end }}
    {{- with $v.rules.version }}
    chargeline/rules: {{ . | quote }}
    {{- end }}
    {{- with .own.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- if not .row.weight }}
  serviceAccountName: {{ include "chargeline.serviceAccount" .root }}
  {{- end }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- if .row.job }}
  restartPolicy: Never
  {{- end }}
  {{- with $v.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with .own.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  terminationGracePeriodSeconds: {{ .own.terminationGracePeriodSeconds | default (ternary 45 5 (not (empty .row.args))) | int }}
  securityContext:
    {{- include "chargeline.podSecurity" .root | nindent 4 }}
  {{- with .own.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .own.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .own.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "chargeline.spread" . }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- if and .row.rules $v.rules.existingConfigMap }}
  initContainers:
    - name: unpack-rules
      image: {{ include "chargeline.image" .root | quote }}
      imagePullPolicy: {{ $v.image.pullPolicy }}
      command: [python, -m, tarfile, --filter, data, -e, /rules-archive/rules.tgz, /etc/chargeline/rules]
      securityContext:
        {{- include "chargeline.containerSecurity" .root | nindent 8 }}
      resources:
        requests: {cpu: 50m, memory: 64Mi}
        limits: {memory: 128Mi}
      volumeMounts:
        - {name: rules-archive, mountPath: /rules-archive, readOnly: true}
        - {name: rules, mountPath: /etc/chargeline/rules}
  {{- end }}
  containers:
    - name: {{ .name }}
      image: {{ include "chargeline.image" .root | quote }}
      imagePullPolicy: {{ $v.image.pullPolicy }}
      {{- if .row.args }}
      args:
        {{- toYaml .row.args | nindent 8 }}
      {{- else }}
      # It waits for a person, who runs commands in it.
      command: [sleep, infinity]
      {{- end }}
      env:
        {{- include "chargeline.environment" . | trim | nindent 8 }}
      {{- if not .row.job }}
      ports:
        - {name: http, containerPort: 8080}
        {{- if .row.listens }}
        - {name: mllp, containerPort: 2575}
        {{- end }}
        {{- if .row.pages }}
        - {name: pages, containerPort: 8090}
        {{- end }}
      {{- include "chargeline.probes" . | nindent 6 }}
      {{- if or .row.listens .row.pages }}
      # Until every node has heard that the pod goes, senders and people may still connect to it.
      lifecycle: {preStop: {exec: {command: [sleep, "5"]}}}
      {{- end }}
      {{- end }}
      securityContext:
        {{- include "chargeline.containerSecurity" .root | nindent 8 }}
      resources:
        {{- toYaml (.own.resources | default (dict "requests" (dict "cpu" "100m" "memory" "128Mi") "limits" (dict "memory" "384Mi"))) | nindent 8 }}
      volumeMounts:
        {{- include "chargeline.mounts" . | nindent 8 }}
  volumes:
    {{- include "chargeline.volumes" . | nindent 4 }}
{{- end -}}
