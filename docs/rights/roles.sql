-- The roles of the ledger, once, by the administrator of PostgreSQL, in the database of the ledger:
--
--     psql -v ON_ERROR_STOP=1 -f docs/rights/roles.sql
--     CHARGELINE_LEDGER_URL=postgresql+asyncpg://OWNER@… chargeline ledger migrate
--     psql -v ON_ERROR_STOP=1 -U OWNER -f docs/rights/grants.sql      -- again after each migrate
--
-- No role can log in. Give each program and each person a login that is a member of one of them:
--
--     CREATE ROLE pharmacy_capture LOGIN PASSWORD '…' IN ROLE chargeline_capture;
--
-- All captures need the same login: PostgreSQL lets a program end a session that hangs only if the
-- session is its own login's. The gateway has no ledger, and needs no role.

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['owner', 'capture', 'serve', 'relay', 'operator', 'reader',
    'workbench', 'auditor']
  LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'chargeline_' || name) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', 'chargeline_' || name);
    END IF;
  END LOOP;
END $$;

-- `serve` is a capture with a gateway in one process.
GRANT chargeline_capture TO chargeline_serve;
-- Captures take turns as the relay.
GRANT chargeline_relay TO chargeline_capture;
-- Who sees to messages sees them.
GRANT chargeline_reader TO chargeline_operator, chargeline_workbench;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO chargeline_owner, chargeline_capture, chargeline_relay,
  chargeline_reader, chargeline_auditor;
GRANT CREATE ON SCHEMA public TO chargeline_owner;
