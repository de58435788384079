{{/*
The table of programs: one row for each program, and everything that the other templates must know
of it. A new program is a new row, and its place below `programs` or `jobs` in the values.

kind      Deployment, StatefulSet, Job or CronJob
mode      the mode to which it belongs
job       whether it ends, and has no pages
args      its words on the command line
listens   whether senders connect to it for MLLP
kafka     whether it speaks to Kafka
ledger    whether it speaks to the ledger
drafts    whether it drafts, with formulary, prices and published tables
signs     whether it signs the head of the ledger
pages     whether people open its pages in a browser
rules     whether it reads the rules and profiles of the site
single    whether there is one pod of it, with a volume of its own
wanted    whether the values ask for it; without the column they always do
weight    of a job that runs before the programs: its place among the hooks
*/}}
{{- define "chargeline.table" -}}
gateway:
  {kind: Deployment, mode: live, args: [gateway], listens: true, kafka: true, rules: true}
capture:
  kind: StatefulSet
  mode: live
  args: [capture]
  kafka: true
  ledger: true
  drafts: true
  signs: true
  rules: true
workbench:
  kind: Deployment
  mode: live
  wanted: {{ .Values.workbench.enabled }}
  args: [workbench]
  pages: true
  ledger: true
  drafts: true
  rules: true
serve:
  kind: StatefulSet
  mode: serve
  args: [serve, --out, {{ .Values.programs.serve.out | quote }}]
  listens: true
  ledger: true
  drafts: true
  signs: true
  rules: true
  single: true
topics:
  kind: Job
  mode: live
  job: true
  wanted: {{ .Values.kafka.topics.create }}
  weight: "-10"
  kafka: true
  args:
    - topics
    - create
    - --partitions
    - {{ .Values.kafka.topics.partitions | int | quote }}
    - --replication
    - {{ .Values.kafka.topics.replication | int | quote }}
migrate:
  kind: Job
  mode: live
  job: true
  wanted: {{ .Values.ledger.migrate }}
  weight: "-5"
  ledger: true
  args: [ledger, migrate, --as, helm, --reason, "chart {{ .Chart.Version }}, revision {{ .Release.Revision }}"]
console:
  kind: CronJob
  mode: live
  job: true
  wanted: {{ .Values.jobs.console.enabled }}
  kafka: true
  ledger: true
  rules: true
{{- end -}}

{{/* The rows of this mode, as YAML: those of jobs if `jobs` is true, else those that run on. */}}
{{- define "chargeline.rows" -}}
{{- $rows := dict -}}
{{- range $name, $row := include "chargeline.table" .root | fromYaml -}}
{{- $job := default false $row.job -}}
{{- if and (eq $row.mode $.root.Values.mode) (eq $job (default false $.jobs)) (or (not (hasKey $row "wanted")) $row.wanted) -}}
{{- $_ := set $rows $name $row -}}
{{- end -}}
{{- end -}}
{{- toYaml $rows -}}
{{- end -}}

{{/* The names of the rows of this mode, jobs among them, for which a column is true. */}}
{{- define "chargeline.those" -}}
{{- $names := list -}}
{{- range $jobs := list false true -}}
{{- range $name, $row := include "chargeline.rows" (dict "root" $.root "jobs" $jobs) | fromYaml -}}
{{- if get $row $.column -}}
{{- $names = append $names $name -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml ($names | sortAlpha) -}}
{{- end -}}

{{/* What the values give a program or a job. */}}
{{- define "chargeline.own" -}}
{{- $place := ternary .root.Values.jobs .root.Values.programs (default false .row.job) -}}
{{- toYaml (get $place .name | default dict) -}}
{{- end -}}
