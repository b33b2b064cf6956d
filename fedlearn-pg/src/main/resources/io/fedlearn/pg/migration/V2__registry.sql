-- Models by name and version: candidates, what is in production, what was.

CREATE TABLE registered_model (
    name text PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE model_version (
    name text NOT NULL REFERENCES registered_model,
    version integer NOT NULL CHECK (version >= 1),
    digest text NOT NULL REFERENCES model,
    run_id text,
    round integer,
    stage text NOT NULL CHECK (stage IN ('candidate', 'production', 'archived')),
    metrics jsonb NOT NULL,
    note text NOT NULL,
    run_header text,
    round_record text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (name, version)
);
CREATE UNIQUE INDEX model_in_production ON model_version (name) WHERE stage = 'production';
CREATE INDEX model_version_model ON model_version (digest);
COMMENT ON COLUMN model_version.run_id IS 'Where the model comes from; no reference, so that lineage outlives a run that was deleted.';
COMMENT ON COLUMN model_version.round_record IS 'The round that made it, and in run_header the run, as the sealed lines that the run had when it was registered.';

CREATE TABLE model_stage (
    name text NOT NULL,
    version integer NOT NULL,
    number integer NOT NULL,
    stage text NOT NULL,
    reason text NOT NULL,
    set_by text NOT NULL DEFAULT session_user,
    set_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (name, version, number),
    FOREIGN KEY (name, version) REFERENCES model_version
);
COMMENT ON TABLE model_stage IS 'Each stage that a version was ever in, in order.';

CREATE VIEW model_lineage AS
    SELECT v.name, v.version, v.stage, v.digest, v.run_id, v.round, v.metrics, v.note, v.created_at,
           r.strategy, r.settings, r.library_version, r.started_at AS run_started_at,
           d.base_digest, d.audit_sequence, d.audit_hash, d.epsilon, d.privacy_delta
    FROM model_version v
    LEFT JOIN run r ON r.run_id = v.run_id
    LEFT JOIN round d ON d.run_id = v.run_id AND d.round = v.round;
COMMENT ON VIEW model_lineage IS 'Each version with the run and the round that made it.';
