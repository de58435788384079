"""The triggers that refuse to change or remove a row of the audit trail.

This file owns their text, for each kind of database. The migrations use it too, so it must never
change its meaning. Triggers keep programs and people from mistakes. Whoever owns the database can
drop a trigger: against that there is the chain of the rows (`auditing.py`).
"""

REFUSALS = {
    "sqlite": (
        "CREATE TRIGGER audit_refuses_update BEFORE UPDATE ON audit"
        " BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
        "CREATE TRIGGER audit_refuses_delete BEFORE DELETE ON audit"
        " BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION 'audit is append-only' USING ERRCODE = 'insufficient_privilege';"
        " END $$",
        "CREATE TRIGGER audit_refuses_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()",
    ),
}
