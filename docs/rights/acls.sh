#!/bin/sh
# What each program and reader may do on Kafka, as ACLs for an authorizer that refuses by default
# (StandardAuthorizer, allow.everyone.if.no.acl.found=false). Run by the administrator of Kafka:
#
#     BOOTSTRAP=kafka-1:9092 sh docs/rights/acls.sh
#
# The names on the left are those of the Kafka users; change them and the topics to yours.
set -eu
: "${BOOTSTRAP:?}" "${INBOUND:=hl7.inbound}" "${DRAFTS:=charge.draft}"
: "${QUESTIONS:=documentation.question}" "${AUTHORIZATIONS:=authorization.needed}" "${PARKED:=hl7.parked}" "${GROUP:=chargeline}"
: "${GATEWAY:=gateway}" "${CAPTURE:=capture}" "${OPERATOR:=operator}" "${BILLING:=billing}"
: "${WORKLIST:=worklist}" "${INTERFACES:=interfaces}"

allow() { # user, operations with commas, --topic NAME or --group NAME or --cluster
  user=$1 operations=$2
  shift 2
  for operation in $(echo "$operations" | tr , ' '); do
    kafka-acls.sh --bootstrap-server "$BOOTSTRAP" ${COMMAND_CONFIG:+--command-config "$COMMAND_CONFIG"} \
      --add --allow-principal "User:$user" --operation "$operation" "$@"
  done
}

# The gateway writes what senders send, and reads nothing.
allow "$GATEWAY" Write --topic "$INBOUND"

# A capture reads messages, and its relay writes nudges, drafts, questions and parked messages.
allow "$CAPTURE" Read,Write --topic "$INBOUND"
allow "$CAPTURE" Read --group "$GROUP"
allow "$CAPTURE" Write --topic "$DRAFTS"
allow "$CAPTURE" Write --topic "$QUESTIONS"
allow "$CAPTURE" Write --topic "$AUTHORIZATIONS"
allow "$CAPTURE" Write --topic "$PARKED"

# `chargeline topics create`, once
for topic in "$INBOUND" "$DRAFTS" "$QUESTIONS" "$AUTHORIZATIONS" "$PARKED"; do
  allow "$OPERATOR" Create,Describe,DescribeConfigs --topic "$topic"
done

# `chargeline ledger catch-up`, after a restore: it reads what was published since the backup.
allow "$OPERATOR" Read --topic "$DRAFTS"

# Readers need a group of their own; give each the Read on it.
allow "$BILLING" Read --topic "$DRAFTS"
allow "$WORKLIST" Read --topic "$QUESTIONS"
allow "$WORKLIST" Read --topic "$AUTHORIZATIONS"
allow "$INTERFACES" Read --topic "$PARKED"
