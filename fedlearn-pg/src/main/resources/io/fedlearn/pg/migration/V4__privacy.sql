-- Privacy budgets, and what was debited from them.

CREATE TABLE privacy_budget (
    scope text PRIMARY KEY,
    epsilon double precision CHECK (epsilon > 0),
    privacy_delta double precision CHECK (privacy_delta >= 0 AND privacy_delta < 1),
    composition text,
    entries bigint NOT NULL DEFAULT 0,
    turn smallint,
    CHECK ((epsilon IS NULL) = (privacy_delta IS NULL) AND (epsilon IS NULL) = (composition IS NULL))
);
COMMENT ON TABLE privacy_budget IS 'For each scope what may be spent, if it was said, and how many entries were debited. Its row is locked while one is appended.';

COMMENT ON COLUMN privacy_budget.turn IS 'Always null. Who may lock a row, needs the right to update a column of it: this one.';

CREATE TABLE privacy_entry (
    scope text NOT NULL REFERENCES privacy_budget,
    number bigint NOT NULL CHECK (number >= 1),
    recorded_at timestamptz NOT NULL,
    mechanism text NOT NULL,
    parameters text NOT NULL,
    PRIMARY KEY (scope, number)
);
COMMENT ON COLUMN privacy_entry.parameters IS 'Canonical JSON (RFC 8785).';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON privacy_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON privacy_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Who may debit, may neither set a count back nor leave a gap: only the next entry gets in, and it moves the count, as the owner.
CREATE FUNCTION extend_privacy_ledger() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    counted bigint;
    last bigint;
BEGIN
    EXECUTE format('SELECT entries FROM %I.privacy_budget WHERE scope = $1 FOR UPDATE', TG_TABLE_SCHEMA)
        INTO counted USING NEW.scope;
    EXECUTE format('SELECT coalesce(max(number), 0) FROM %I.privacy_entry WHERE scope = $1', TG_TABLE_SCHEMA)
        INTO last USING NEW.scope;
    IF counted IS NULL OR counted <> last THEN
        RAISE EXCEPTION 'the scope''s last entry is %, and % are counted', last, counted USING ERRCODE = 'data_corrupted';
    END IF;
    IF NEW.number <> counted + 1 THEN
        RAISE EXCEPTION 'entry % is not the next of its scope', NEW.number USING ERRCODE = 'check_violation';
    END IF;
    EXECUTE format('UPDATE %I.privacy_budget SET entries = $1 WHERE scope = $2', TG_TABLE_SCHEMA)
        USING NEW.number, NEW.scope;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION extend_privacy_ledger() FROM PUBLIC;

CREATE TRIGGER counted BEFORE INSERT ON privacy_entry
    FOR EACH ROW EXECUTE FUNCTION extend_privacy_ledger();
CREATE TRIGGER append_only BEFORE DELETE ON privacy_budget
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON privacy_budget
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE VIEW budget_statement AS
    SELECT scope, epsilon, privacy_delta, composition, entries,
           (SELECT max(recorded_at) FROM privacy_entry e WHERE e.scope = b.scope) AS last_debit
    FROM privacy_budget b;
COMMENT ON VIEW budget_statement IS 'Each scope''s limit and number of debits; what they sum up to, an accountant says (fedlearn dp ledger).';
