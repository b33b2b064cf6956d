-- Privacy budgets, and what was debited from them.

CREATE TABLE privacy_budget (
    scope text PRIMARY KEY,
    epsilon double precision CHECK (epsilon > 0),
    privacy_delta double precision CHECK (privacy_delta >= 0 AND privacy_delta < 1),
    composition text,
    entries bigint NOT NULL DEFAULT 0,
    CHECK ((epsilon IS NULL) = (privacy_delta IS NULL) AND (epsilon IS NULL) = (composition IS NULL))
);
COMMENT ON TABLE privacy_budget IS 'For each scope what may be spent, if it was said, and how many entries were debited. Its row is locked while one is appended.';

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

CREATE VIEW budget_statement AS
    SELECT scope, epsilon, privacy_delta, composition, entries,
           (SELECT max(recorded_at) FROM privacy_entry e WHERE e.scope = b.scope) AS last_debit
    FROM privacy_budget b;
COMMENT ON VIEW budget_statement IS 'Each scope''s limit and number of debits; what they sum up to, an accountant says (fedlearn dp ledger).';
