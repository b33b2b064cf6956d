-- What happened, chained by hashes; the database itself refuses to change it.

CREATE TABLE audit_log (
    log text PRIMARY KEY,
    sequence bigint NOT NULL,
    hash text NOT NULL
);
COMMENT ON TABLE audit_log IS 'The end of each log: its last record''s number and hash.';

CREATE TABLE audit_record (
    log text NOT NULL REFERENCES audit_log,
    sequence bigint NOT NULL CHECK (sequence >= 1),
    at timestamptz NOT NULL,
    type text NOT NULL,
    fields jsonb NOT NULL,
    hash text NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (log, sequence)
);
COMMENT ON COLUMN audit_record.record IS 'The canonical JSON (RFC 8785) over which the hash is; the other columns are its content, to be queried.';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: it is append-only', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_record
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON audit_record
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
