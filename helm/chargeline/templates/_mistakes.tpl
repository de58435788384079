{{/*
What values.schema.json cannot say: rules about several values together. All mistakes come at once,
each with what was expected, what was found, and what to do.
*/}}
{{- define "chargeline.checkValues" -}}
{{- $v := .Values -}}
{{- $live := eq $v.mode "live" -}}
{{- $tls := $v.mllp.tls -}}
{{- $kafka := $v.kafka -}}
{{- $m := list -}}
{{- if and $live (not $kafka.bootstrap) -}}
{{- $m = append $m "kafka.bootstrap: expected host:port of Kafka, found nothing; name the servers, or set mode to serve" -}}
{{- end -}}
{{- if $live -}}
{{- range $name := include "chargeline.those" (dict "root" . "column" "ledger") | fromYamlArray -}}
{{- $own := get (merge (dict) $v.programs $v.jobs) $name | default dict -}}
{{- if not (or $own.ledgerSecret $v.ledger.existingSecret (eq $name "console")) -}}
{{- $m = append $m (printf "ledger.existingSecret: expected a secret with the address of PostgreSQL for %s, found none; create it and name it" $name) -}}
{{- end -}}
{{- end -}}
{{- if and (not $kafka.tls.enabled) (not $v.allowPlaintext) -}}
{{- $m = append $m "kafka.tls.enabled: expected true, because patients go over this connection, found false; enable it, or set allowPlaintext where something else encrypts" -}}
{{- end -}}
{{- range $name := include "chargeline.those" (dict "root" . "column" "kafka") | fromYamlArray -}}
{{- $own := get (merge (dict) $v.programs $v.jobs) $name | default dict -}}
{{- if and $kafka.sasl.mechanism (not (or $own.kafkaSecret $kafka.sasl.existingSecret (eq $name "console"))) -}}
{{- $m = append $m (printf "kafka.sasl.existingSecret: expected a secret with user and password for %s, because kafka.sasl.mechanism is set, found none; create it and name it" $name) -}}
{{- end -}}
{{- if and (not $kafka.sasl.mechanism) (or $own.kafkaSecret $kafka.sasl.existingSecret) -}}
{{- $m = append $m "kafka.sasl.mechanism: expected PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, because a secret for the login is named, found nothing; set it, or remove the secret" -}}
{{- end -}}
{{- end -}}
{{- if and (not $kafka.tls.enabled) $kafka.tls.existingSecret -}}
{{- $m = append $m "kafka.tls.existingSecret: expected kafka.tls.enabled, found false; enable TLS, or remove the secret" -}}
{{- end -}}
{{- if ne (empty $kafka.tls.certificateKey) (empty $kafka.tls.keyKey) -}}
{{- $m = append $m "kafka.tls: expected certificateKey and keyKey, found one of the two; set both, or none" -}}
{{- end -}}
{{- if and $kafka.tls.certificateKey (not $kafka.tls.existingSecret) -}}
{{- $m = append $m "kafka.tls.existingSecret: expected the secret that holds our certificate, found none; name it" -}}
{{- end -}}
{{- if and (not $v.keda.enabled) (gt (int $v.programs.capture.replicas) (int $kafka.topics.partitions)) -}}
{{- $m = append $m (printf "programs.capture.replicas: expected at most kafka.topics.partitions (%d), found %d; a capture without a partition does nothing" (int $kafka.topics.partitions) (int $v.programs.capture.replicas)) -}}
{{- end -}}
{{- end -}}
{{- $console := $v.jobs.console -}}
{{- if and $console.enabled (not $live) -}}
{{- $m = append $m "jobs.console.enabled: expected false, because in mode serve commands run in the pod of serve, found true; remove it" -}}
{{- else if $console.enabled -}}
{{- $others := list "" $v.ledger.existingSecret $v.programs.capture.ledgerSecret $v.jobs.migrate.ledgerSecret -}}
{{- if has (default "" $console.ledgerSecret) $others -}}
{{- $m = append $m (printf "jobs.console.ledgerSecret: expected a secret of its own, with the login of an operator at the ledger, found %s; make the login as docs/rights/roles.sql says, and name its secret" (empty $console.ledgerSecret | ternary "none" "that of a program")) -}}
{{- end -}}
{{- $others := list "" $kafka.sasl.existingSecret $v.programs.capture.kafkaSecret $v.programs.gateway.kafkaSecret -}}
{{- if and $kafka.sasl.mechanism (has (default "" $console.kafkaSecret) $others) -}}
{{- $m = append $m (printf "jobs.console.kafkaSecret: expected a secret of its own, with the user and password of an operator at Kafka, found %s; make the user as docs/rights/acls.sh says, and name its secret" (empty $console.kafkaSecret | ternary "none" "that of a program")) -}}
{{- end -}}
{{- end -}}
{{- if and (not $tls.existingSecret) (not $v.allowPlaintext) -}}
{{- $m = append $m "mllp.tls.existingSecret: expected a secret with certificate and key of the listener, found none; create it and name it, or set allowPlaintext where something else encrypts" -}}
{{- end -}}
{{- if and (or $tls.clientCaKey $tls.clientCrlKey) (not $tls.existingSecret) -}}
{{- $m = append $m "mllp.tls.existingSecret: expected the secret that holds the authorities of senders, found none; name it" -}}
{{- end -}}
{{- if and $tls.clientCrlKey (not $tls.clientCaKey) -}}
{{- $m = append $m "mllp.tls.clientCaKey: expected the authorities of senders, because a list of revoked ones is named, found nothing; set it too" -}}
{{- end -}}
{{- $bench := $v.workbench -}}
{{- if and $bench.enabled (not $live) -}}
{{- $m = append $m "workbench.enabled: expected false, because in mode serve there is one pod on SQLite, found true; use mode live for the workbench" -}}
{{- else if $bench.enabled -}}
{{- if not $bench.address -}}
{{- $m = append $m "workbench.address: expected where people reach the workbench, such as https://chargeline.hospital.example, found nothing; set it" -}}
{{- end -}}
{{- if or (not $bench.oidc.issuer) (not $bench.oidc.clientId) -}}
{{- $m = append $m "workbench.oidc: expected issuer and clientId of the identity provider, found one or both empty; register the workbench there and set both, docs/workbench.md says how" -}}
{{- end -}}
{{- if not $bench.oidc.existingSecret -}}
{{- $m = append $m "workbench.oidc.existingSecret: expected a secret with our secret at the identity provider, found none; create it and name it" -}}
{{- end -}}
{{- if not $bench.roles -}}
{{- $m = append $m "workbench.roles: expected the role of each group of people, such as infusion-coders: coder, found none; without one nobody can log in" -}}
{{- end -}}
{{- if not (or $bench.allowPlaintext $v.allowPlaintext) -}}
{{- $m = append $m "workbench.allowPlaintext: expected true, because the pages have no TLS between the Ingress and the pods, found false; set it where something else encrypts there, such as a service mesh or the network of the cluster" -}}
{{- end -}}
{{- end -}}
{{- if and $bench.ingress.enabled (not $bench.enabled) -}}
{{- $m = append $m "workbench.ingress.enabled: expected workbench.enabled, found false; enable the workbench, or remove the Ingress" -}}
{{- end -}}
{{- if and $bench.ingress.enabled (not $bench.ingress.tlsSecret) -}}
{{- $m = append $m "workbench.ingress.tlsSecret: expected a secret with certificate and key for the host of workbench.address, found none; create it and name it, or name the one that cert-manager shall make" -}}
{{- end -}}
{{- if and $v.rules.existingConfigMap $v.rules.image -}}
{{- $m = append $m "rules: expected existingConfigMap or image, found both; remove one" -}}
{{- end -}}
{{- if and $v.rules.path (not $v.rules.image) -}}
{{- $m = append $m "rules.path: expected rules.image, found none; the path is a folder of that image" -}}
{{- end -}}
{{- $sources := compact (list $v.refdata.existingClaim $v.refdata.image) -}}
{{- if and $v.refdata.file (ne (len $sources) 1) -}}
{{- $m = append $m (printf "refdata: expected existingClaim or image, where the file lies, found %s; name one" (ternary "neither" "both" (empty $sources))) -}}
{{- end -}}
{{- if and $sources (not $v.refdata.file) -}}
{{- $m = append $m "refdata.file: expected the name of the bundle, such as 2026Q4.refdata, found nothing; name it" -}}
{{- end -}}
{{- if and $v.keda.enabled (not $live) -}}
{{- $m = append $m "keda.enabled: expected false, because serve is one pod, found true; use mode live to scale" -}}
{{- end -}}
{{- if $v.keda.enabled -}}
{{- if gt (int $v.keda.minReplicas) (int $v.keda.maxReplicas) -}}
{{- $m = append $m (printf "keda.minReplicas: expected at most keda.maxReplicas (%d), found %d" (int $v.keda.maxReplicas) (int $v.keda.minReplicas)) -}}
{{- end -}}
{{- if gt (int $v.keda.maxReplicas) (int $kafka.topics.partitions) -}}
{{- $m = append $m (printf "keda.maxReplicas: expected at most kafka.topics.partitions (%d), found %d; a capture without a partition does nothing" (int $kafka.topics.partitions) (int $v.keda.maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- range $name, $row := include "chargeline.rows" (dict "root" .) | fromYaml -}}
{{- $own := include "chargeline.own" (dict "root" $ "name" $name "row" $row) | fromYaml -}}
{{- $settings := merge (dict) ($own.settings | default dict) $v.settings -}}
{{- $stop := get $settings "CHARGELINE_SHUTDOWN_SECONDS" | default 25 | int -}}
{{- $grace := $own.terminationGracePeriodSeconds | default 45 | int -}}
{{- if le $grace (add $stop 5) -}}
{{- $m = append $m (printf "programs.%s.terminationGracePeriodSeconds: expected more than CHARGELINE_SHUTDOWN_SECONDS (%d) and 5, found %d; else Kubernetes kills what is still at work" $name $stop $grace) -}}
{{- end -}}
{{- end -}}
{{- if $m -}}
{{- fail (printf "these values cannot be used:\n- %s\n" ($m | uniq | join "\n- ")) -}}
{{- end -}}
{{- end -}}
