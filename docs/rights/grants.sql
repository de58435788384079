-- Who may do what to the tables of the ledger: by their owner, after each `chargeline ledger migrate`.
--
-- Nobody but the owner may change or remove a row of the audit trail, make a table, or drop a
-- trigger. No program may change a stored message, a parked message, a revision or a seal: what is
-- there can be added to, and retention can remove it, which the trail then says.

GRANT SELECT ON alembic_version TO chargeline_capture, chargeline_relay, chargeline_reader,
  chargeline_auditor;

-- capture (and serve): drafts, retention once an hour, and its own start in the trail
GRANT SELECT, INSERT, DELETE ON message, parked, draft_revision, visit_merge, patient_merge
  TO chargeline_capture;
GRANT SELECT, DELETE ON answer TO chargeline_capture;
GRANT SELECT, INSERT, UPDATE, DELETE ON visit, question, contribution TO chargeline_capture;
GRANT SELECT, DELETE ON assignment, still_running TO chargeline_capture;
GRANT SELECT, INSERT, UPDATE ON tally, partition_offset, hold TO chargeline_capture;
GRANT SELECT, INSERT ON audit, data_key TO chargeline_capture;
GRANT SELECT, DELETE ON forgotten_visit TO chargeline_capture;
GRANT INSERT ON outbox TO chargeline_capture;
GRANT USAGE ON SEQUENCE parked_id_seq TO chargeline_capture;  -- a seal is over the id

-- relay: publishes the outbox
GRANT SELECT, DELETE ON outbox TO chargeline_relay;
GRANT SELECT ON data_key TO chargeline_relay;

-- reader: `parked list`, `parked show`, `visit show`, `auth list`, `auth show`, `questions list`,
-- `ledger status`, `offsets show`
GRANT SELECT ON message, parked, visit, draft_revision, question, answer, visit_merge,
  patient_merge, contribution, outbox, partition_offset, data_key, forgotten_visit
  TO chargeline_reader;

-- operator: `parked show --unmask`, `auth list --unmask`, `auth import`, `auth add` (their act),
-- `retry`, `drop`, `answer`, `redraft`, `offsets skip`, `ledger catch-up`, `forget`, `hold`, `release`, `rotate`. (`ledger encrypt` changes messages: the owner's.)
GRANT SELECT, INSERT ON audit, data_key TO chargeline_operator;
GRANT SELECT, INSERT, UPDATE ON tally TO chargeline_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON hold TO chargeline_operator;
GRANT SELECT, INSERT, UPDATE ON forgotten_visit TO chargeline_operator;
GRANT UPDATE (status, seal) ON parked TO chargeline_operator;
GRANT UPDATE (kek, wrapped) ON data_key TO chargeline_operator;
GRANT UPDATE ON partition_offset TO chargeline_operator;
GRANT UPDATE ON visit TO chargeline_operator;
GRANT INSERT ON outbox, answer TO chargeline_operator;
GRANT INSERT ON draft_revision, visit, partition_offset TO chargeline_operator;  -- `ledger catch-up`
GRANT DELETE ON message, parked, visit, draft_revision, question, answer, visit_merge,
  patient_merge, contribution, outbox TO chargeline_operator;
GRANT SELECT, DELETE ON assignment, still_running TO chargeline_operator;

-- and `workbench-token add`, `list`, `revoke`
GRANT SELECT, INSERT, DELETE ON api_token TO chargeline_operator;

-- workbench: what the reader sees, answers, who sees to what, and who is logged in
GRANT SELECT, INSERT, UPDATE, DELETE ON assignment, session, still_running TO chargeline_workbench;
GRANT SELECT, UPDATE (seen_at) ON api_token TO chargeline_workbench;
GRANT SELECT, INSERT ON audit, data_key TO chargeline_workbench;
GRANT SELECT, INSERT, UPDATE ON tally TO chargeline_workbench;
GRANT INSERT ON outbox, answer TO chargeline_workbench;
GRANT UPDATE (updated_at) ON visit TO chargeline_workbench;  -- an answer waits for others by a lock
GRANT UPDATE (status, seal) ON parked TO chargeline_workbench;  -- retry and drop

-- auditor: `audit list`, `audit export`, `ledger verify`, `ledger head`; without the key of the
-- ledger an auditor sees no encrypted byte, and `verify` needs none
GRANT SELECT ON audit, tally, message, parked, draft_revision, visit, question, answer, data_key
  TO chargeline_auditor;
