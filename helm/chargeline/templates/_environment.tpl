{{/* The environment of a program: settings by name, and the files of its secrets. */}}

{{/* A value as the environment has it: whole numbers in digits, true and false as yes and no. */}}
{{- define "chargeline.value" -}}
{{- if kindIs "bool" . -}}
{{- ternary "yes" "no" . -}}
{{- else if kindIs "float64" . -}}
{{- printf "%.0f" . -}}
{{- else -}}
{{- toString . -}}
{{- end -}}
{{- end -}}

{{/*
The secrets of a program that stand in files: for each a variable, the secret, its key, and the path
below /run/chargeline. Takes root, row and own.
*/}}
{{- define "chargeline.secretFiles" -}}
{{- $v := .root.Values -}}
{{- $files := list -}}
{{- if .row.kafka -}}
{{- $tls := $v.kafka.tls -}}
{{- if and $tls.enabled $tls.existingSecret -}}
{{- $files = append $files (dict "variable" "CHARGELINE_KAFKA_TLS_CA_FILE" "secret" $tls.existingSecret "key" $tls.caKey "path" "kafka/ca.crt") -}}
{{- if $tls.certificateKey -}}
{{- $files = append $files (dict "variable" "CHARGELINE_KAFKA_TLS_CERTIFICATE_FILE" "secret" $tls.existingSecret "key" $tls.certificateKey "path" "kafka/tls.crt") -}}
{{- $files = append $files (dict "variable" "CHARGELINE_KAFKA_TLS_KEY_FILE" "secret" $tls.existingSecret "key" $tls.keyKey "path" "kafka/tls.key") -}}
{{- end -}}
{{- end -}}
{{- if $v.kafka.sasl.mechanism -}}
{{- $secret := .own.kafkaSecret | default $v.kafka.sasl.existingSecret -}}
{{- $files = append $files (dict "variable" "CHARGELINE_KAFKA_SASL_PASSWORD_FILE" "secret" $secret "key" $v.kafka.sasl.passwordKey "path" "kafka/password") -}}
{{- end -}}
{{- end -}}
{{- if .row.ledger -}}
{{- with .own.ledgerSecret | default $v.ledger.existingSecret -}}
{{- $files = append $files (dict "variable" "CHARGELINE_LEDGER_URL_FILE" "secret" . "key" $v.ledger.urlKey "path" "ledger/url") -}}
{{- end -}}
{{- with $v.ledger.tls.existingSecret -}}
{{- $files = append $files (dict "variable" "CHARGELINE_LEDGER_TLS_CA_FILE" "secret" . "key" $v.ledger.tls.caKey "path" "ledger/ca.crt") -}}
{{- end -}}
{{- with $v.ledger.encryption.existingSecret -}}
{{- $files = append $files (dict "variable" "CHARGELINE_LEDGER_KEY_FILE" "secret" . "key" $v.ledger.encryption.keysKey "path" "ledger/keys") -}}
{{- end -}}
{{- end -}}
{{- if .row.signs -}}
{{- with $v.ledger.signing.existingSecret -}}
{{- $files = append $files (dict "variable" "CHARGELINE_SIGNING_KEY_FILE" "secret" . "key" $v.ledger.signing.keyKey "path" "ledger/signing.pem") -}}
{{- end -}}
{{- end -}}
{{- if .row.pages -}}
{{- $oidc := $v.workbench.oidc -}}
{{- $files = append $files (dict "variable" "CHARGELINE_WORKBENCH_OIDC_CLIENT_SECRET_FILE" "secret" $oidc.existingSecret "key" $oidc.clientSecretKey "path" "workbench/client-secret") -}}
{{- end -}}
{{- if and .row.listens $v.mllp.tls.existingSecret -}}
{{- $tls := $v.mllp.tls -}}
{{- $files = append $files (dict "variable" "CHARGELINE_MLLP_TLS_CERTIFICATE_FILE" "secret" $tls.existingSecret "key" $tls.certificateKey "path" "mllp/tls.crt") -}}
{{- $files = append $files (dict "variable" "CHARGELINE_MLLP_TLS_KEY_FILE" "secret" $tls.existingSecret "key" $tls.keyKey "path" "mllp/tls.key") -}}
{{- with $tls.clientCaKey -}}
{{- $files = append $files (dict "variable" "CHARGELINE_MLLP_TLS_CLIENT_CA_FILE" "secret" $tls.existingSecret "key" . "path" "mllp/ca.crt") -}}
{{- end -}}
{{- with $tls.clientCrlKey -}}
{{- $files = append $files (dict "variable" "CHARGELINE_MLLP_TLS_CLIENT_CRL_FILE" "secret" $tls.existingSecret "key" . "path" "mllp/crl.pem") -}}
{{- end -}}
{{- end -}}
{{- toYaml $files -}}
{{- end -}}

{{/* The small files of the site that a program reads: its key in the values, variable and name. */}}
{{- define "chargeline.siteFiles" -}}
{{- $files := list -}}
{{- if .row.drafts -}}
{{- range $key, $name := dict "formulary" "formulary.csv" "prices" "prices.csv" -}}
{{- if get $.root.Values.files $key -}}
{{- $files = append $files (dict "variable" (printf "CHARGELINE_%s" (upper $key)) "name" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .row.listens .root.Values.files.senders -}}
{{- $files = append $files (dict "variable" "CHARGELINE_SENDERS" "name" "senders.toml") -}}
{{- end -}}
{{- toYaml $files -}}
{{- end -}}

{{/* Settings that are plain values, by name: the chart's, those of all programs, its own. */}}
{{- define "chargeline.plain" -}}
{{- $v := .root.Values -}}
{{- $set := dict -}}
{{- if not .row.job -}}
{{- $_ := set $set "CHARGELINE_HTTP_HOST" "0.0.0.0" -}}
{{- $_ := set $set "CHARGELINE_HTTP_PORT" "8080" -}}
{{- end -}}
{{- if .row.listens -}}
{{- $_ := set $set "CHARGELINE_MLLP_HOST" "0.0.0.0" -}}
{{- $_ := set $set "CHARGELINE_MLLP_PORT" "2575" -}}
{{- end -}}
{{- if .row.kafka -}}
{{- $_ := set $set "CHARGELINE_KAFKA_BOOTSTRAP" $v.kafka.bootstrap -}}
{{- $login := ternary "SASL_" "" (ne $v.kafka.sasl.mechanism "") -}}
{{- $way := ternary "SSL" "PLAINTEXT" $v.kafka.tls.enabled -}}
{{- $_ := set $set "CHARGELINE_KAFKA_SECURITY_PROTOCOL" (print $login $way) -}}
{{- with $v.kafka.sasl.mechanism -}}
{{- $_ := set $set "CHARGELINE_KAFKA_SASL_MECHANISM" . -}}
{{- end -}}
{{- end -}}
{{- if .row.pages -}}
{{- $roles := list -}}
{{- range $group, $role := $v.workbench.roles -}}
{{- $roles = append $roles (printf "%s=%s" $group $role) -}}
{{- end -}}
{{- $_ := set $set "CHARGELINE_WORKBENCH_HOST" "0.0.0.0" -}}
{{- $_ := set $set "CHARGELINE_WORKBENCH_PORT" "8090" -}}
{{- $_ := set $set "CHARGELINE_WORKBENCH_LOGIN" "oidc" -}}
{{- $_ := set $set "CHARGELINE_WORKBENCH_ADDRESS" $v.workbench.address -}}
{{- $_ := set $set "CHARGELINE_WORKBENCH_OIDC_ISSUER" $v.workbench.oidc.issuer -}}
{{- $_ := set $set "CHARGELINE_WORKBENCH_OIDC_CLIENT_ID" $v.workbench.oidc.clientId -}}
{{- $_ := set $set "CHARGELINE_WORKBENCH_ROLES" ($roles | join ",") -}}
{{- with $v.workbench.proxies -}}
{{- $_ := set $set "CHARGELINE_WORKBENCH_PROXIES" (. | join ",") -}}
{{- end -}}
{{- end -}}
{{- if or $v.allowPlaintext (and .row.pages $v.workbench.allowPlaintext) -}}
{{- $_ := set $set "CHARGELINE_ALLOW_PLAINTEXT" "yes" -}}
{{- end -}}
{{- if and .row.rules (or $v.rules.existingConfigMap $v.rules.image) -}}
{{- $_ := set $set "CHARGELINE_RULES" "/etc/chargeline/rules" -}}
{{- end -}}
{{- if and .row.drafts $v.refdata.file -}}
{{- $_ := set $set "CHARGELINE_REFDATA" (printf "/etc/chargeline/refdata/%s" $v.refdata.file) -}}
{{- end -}}
{{- range include "chargeline.siteFiles" . | fromYamlArray -}}
{{- $_ := set $set .variable (printf "/etc/chargeline/site/%s" .name) -}}
{{- end -}}
{{- range include "chargeline.secretFiles" . | fromYamlArray -}}
{{- $_ := set $set .variable (printf "/run/chargeline/%s" .path) -}}
{{- end -}}
{{- range $settings := list $v.settings (.own.settings | default dict) -}}
{{- range $name, $value := $settings -}}
{{- $_ := set $set $name (include "chargeline.value" $value) -}}
{{- end -}}
{{- end -}}
{{- toYaml $set -}}
{{- end -}}

{{/* The list of variables of a container. */}}
{{- define "chargeline.environment" }}
{{- range $name, $value := include "chargeline.plain" . | fromYaml }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- if and .row.kafka .root.Values.kafka.sasl.mechanism }}
- name: CHARGELINE_KAFKA_SASL_USERNAME
  valueFrom:
    secretKeyRef:
      name: {{ .own.kafkaSecret | default .root.Values.kafka.sasl.existingSecret }}
      key: {{ .root.Values.kafka.sasl.usernameKey }}
{{- end }}
{{- if and .row.kafka .row.drafts }}
# Static membership: a pod that is back in time gets its partitions again.
- name: CHARGELINE_KAFKA_INSTANCE_ID
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- end }}
{{- end -}}
