-- What happened, chained by hashes; the database itself lets nothing else be appended, and nothing be changed.

CREATE TABLE audit_log (
    log text PRIMARY KEY CHECK (log <> ''),
    sequence bigint NOT NULL DEFAULT 0,
    hash text NOT NULL DEFAULT '',
    turn smallint
);
COMMENT ON TABLE audit_log IS 'The end of each log: its last record''s number and hash. Its row is locked while one is appended.';
COMMENT ON COLUMN audit_log.turn IS 'Always null. Who may lock a row, needs the right to update a column of it: this one.';

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
CREATE INDEX audit_record_at ON audit_record (log, at);
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
CREATE TRIGGER append_only BEFORE DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Whether a line is JSON, and the columns beside it say what it says. Whether it is spelled as canonical JSON, verifying tells.
CREATE FUNCTION says_the_same(line text, at timestamptz, type text, fields jsonb) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    content jsonb;
BEGIN
    -- Columns have no room for U+0000, and U+FFFD in its place.
    content := regexp_replace(line, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g')::jsonb;
    RETURN content ->> 'type' = type AND content -> 'fields' = fields AND jsonb_typeof(fields) = 'object'
        AND content ->> 'at' ~ '^[+-]?[0-9]{4,}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?Z$'
        -- Cut to the microsecond, where a cast would round.
        AND regexp_replace(content ->> 'at', '([.][0-9]{6})[0-9]+Z$', '\1Z')::timestamptz = at;
EXCEPTION WHEN data_exception THEN
    RETURN false;
END
$$;
REVOKE ALL ON FUNCTION says_the_same(text, timestamptz, text, jsonb) FROM PUBLIC;

-- A record that does not belong where it is put could never be taken away again. So only the next one gets in, and it moves the
-- log's end: as the owner, since no other role may.
CREATE FUNCTION extend_audit_log() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    end_sequence bigint;
    end_hash text;
    agrees boolean;
BEGIN
    EXECUTE format('SELECT sequence, hash FROM %I.audit_log WHERE log = $1 FOR UPDATE', TG_TABLE_SCHEMA)
        INTO end_sequence, end_hash USING NEW.log;
    IF end_sequence IS NULL OR NEW.sequence <> end_sequence + 1 THEN
        RAISE EXCEPTION 'record % is not the next of its audit log', NEW.sequence USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.hash !~ '^[0-9a-f]{64}$'
            OR position(E'\n' IN NEW.record) > 0
            OR NEW.record !~ ('^\{"at":".*,"hash":"' || NEW.hash || '",("keyId":"[0-9a-f]{16}",)?"previous":"' || end_hash
                || '","sequence":' || NEW.sequence || ',("signature":"[0-9a-f]{128}",)?"type":".*","version":[12]\}$') THEN
        RAISE EXCEPTION 'record % is not one of an audit log', NEW.sequence USING ERRCODE = 'check_violation';
    END IF;
    EXECUTE format('SELECT %I.says_the_same($1, $2, $3, $4)', TG_TABLE_SCHEMA)
        INTO agrees USING NEW.record, NEW.at, NEW.type, NEW.fields;
    IF agrees IS NOT TRUE THEN
        RAISE EXCEPTION 'record % does not say what its columns say', NEW.sequence USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.hash <> encode(sha256(decode(end_hash, 'hex')
            || convert_to(replace(NEW.record, '"hash":"' || NEW.hash || '",', ''), 'UTF8')), 'hex') THEN
        RAISE EXCEPTION 'record % does not have the hash that follows from its audit log', NEW.sequence
            USING ERRCODE = 'check_violation';
    END IF;
    EXECUTE format('UPDATE %I.audit_log SET sequence = $1, hash = $2 WHERE log = $3', TG_TABLE_SCHEMA)
        USING NEW.sequence, NEW.hash, NEW.log;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION extend_audit_log() FROM PUBLIC;

CREATE TRIGGER chained BEFORE INSERT ON audit_record
    FOR EACH ROW EXECUTE FUNCTION extend_audit_log();
