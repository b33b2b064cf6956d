-- Models by content, runs, rounds and who leads a run.

CREATE TABLE model (
    digest text PRIMARY KEY,
    byte_count bigint NOT NULL,
    spec text NOT NULL,
    chunk_bytes integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    damaged_at timestamptz
);
COMMENT ON COLUMN model.damaged_at IS 'When its values were found not to be what was saved; they are written anew when the model is saved again.';
COMMENT ON TABLE model IS 'Models by their SHA-256 digest, each once: names, types, roles and shapes of the tensors as JSON, values in model_chunk.';

CREATE TABLE model_chunk (
    digest text NOT NULL REFERENCES model ON DELETE CASCADE,
    number integer NOT NULL,
    crc32c bigint NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (digest, number)
);
-- Values do not compress, and compressing them is what would take most of the time.
ALTER TABLE model_chunk ALTER COLUMN bytes SET STORAGE EXTERNAL;
COMMENT ON TABLE model_chunk IS 'Values of a model''s tensors, little-endian and row-major, one after the other.';

CREATE TABLE run (
    run_id text PRIMARY KEY,
    strategy text NOT NULL,
    seed bigint NOT NULL,
    settings jsonb NOT NULL,
    initial_digest text NOT NULL,
    library_version text NOT NULL,
    started_at timestamptz NOT NULL,
    latest_round integer NOT NULL DEFAULT 0,
    best_round integer,
    header text NOT NULL
);
COMMENT ON COLUMN run.header IS 'The run as a line of JSON with its checksum, as run.json has it.';

CREATE TABLE run_lease (
    run_id text PRIMARY KEY,
    holder text NOT NULL,
    term bigint NOT NULL,
    expires_at timestamptz NOT NULL
);
COMMENT ON TABLE run_lease IS 'Which coordinator leads a run; each commit checks holder and term in its own transaction.';

CREATE TABLE checkpoint (
    run_id text NOT NULL REFERENCES run ON DELETE CASCADE,
    round integer NOT NULL,
    model_digest text NOT NULL REFERENCES model,
    states text NOT NULL,
    PRIMARY KEY (run_id, round)
);
COMMENT ON COLUMN checkpoint.states IS 'The states of the strategy''s parts as a line of JSON with its checksum; tensors by digest.';

CREATE TABLE checkpoint_state (
    run_id text NOT NULL,
    round integer NOT NULL,
    number integer NOT NULL,
    part text NOT NULL,
    name text NOT NULL,
    digest text NOT NULL REFERENCES model,
    PRIMARY KEY (run_id, round, number),
    FOREIGN KEY (run_id, round) REFERENCES checkpoint ON DELETE CASCADE
);
CREATE INDEX checkpoint_model ON checkpoint (model_digest);
CREATE INDEX checkpoint_state_model ON checkpoint_state (digest);

CREATE TABLE round (
    run_id text NOT NULL REFERENCES run ON DELETE CASCADE,
    round integer NOT NULL,
    term bigint NOT NULL,
    status text NOT NULL CHECK (status IN ('completed', 'aborted')),
    abort_reason text,
    is_best boolean NOT NULL,
    loss double precision,
    metrics jsonb NOT NULL,
    central_metrics jsonb NOT NULL,
    train_metrics jsonb NOT NULL,
    epsilon double precision,
    privacy_delta double precision,
    base_digest text NOT NULL,
    model_digest text NOT NULL,
    audit_sequence bigint,
    audit_hash text,
    library_version text NOT NULL,
    started_at timestamptz NOT NULL,
    seconds double precision NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (run_id, round)
);
COMMENT ON COLUMN round.record IS 'The round as a line of JSON with its checksum, as records.jsonl has it; the other columns are its content, to be queried.';

CREATE TABLE round_client (
    run_id text NOT NULL,
    round integer NOT NULL,
    phase text NOT NULL CHECK (phase IN ('train', 'evaluate')),
    number integer NOT NULL,
    client_id text NOT NULL,
    outcome text NOT NULL,
    reason text NOT NULL,
    example_count bigint NOT NULL,
    weight double precision NOT NULL,
    metrics jsonb NOT NULL,
    update_bytes bigint NOT NULL,
    saved_bytes bigint NOT NULL,
    seconds double precision NOT NULL,
    PRIMARY KEY (run_id, round, phase, number),
    FOREIGN KEY (run_id, round) REFERENCES round ON DELETE CASCADE
);

COMMENT ON COLUMN round_client.number IS 'The place in the round''s record, from 0.';

CREATE TABLE client_state (
    run_id text NOT NULL,
    client_id text NOT NULL,
    name text NOT NULL,
    round integer NOT NULL,
    digest text NOT NULL REFERENCES model,
    PRIMARY KEY (run_id, client_id, name, round)
);
CREATE INDEX client_state_model ON client_state (digest);
COMMENT ON TABLE client_state IS 'What a site keeps between rounds; a site''s own database has it, never the coordinator''s.';

CREATE VIEW run_progress AS
    SELECT run_id, round, status, is_best, loss, metrics, train_metrics, central_metrics, epsilon, privacy_delta, started_at, seconds
    FROM round;
COMMENT ON VIEW run_progress IS 'Loss and metrics by round.';

CREATE VIEW client_contribution AS
    SELECT run_id,
           client_id,
           count(*) AS rounds_asked,
           count(*) FILTER (WHERE outcome = 'completed') AS rounds_completed,
           sum(example_count) FILTER (WHERE outcome = 'completed') AS examples,
           avg(weight / NULLIF(total, 0)) FILTER (WHERE outcome = 'completed') AS mean_weight_share,
           sum(update_bytes) AS update_bytes,
           sum(seconds) AS seconds
    FROM (SELECT *, sum(weight) OVER (PARTITION BY run_id, round) AS total FROM round_client WHERE phase = 'train') AS trained
    GROUP BY run_id, client_id;
COMMENT ON VIEW client_contribution IS 'What each client gave to a run: rounds, examples, its mean share of the weight, bytes and seconds.';

CREATE VIEW run_privacy AS
    SELECT run_id, round, epsilon, privacy_delta FROM round WHERE epsilon IS NOT NULL;
COMMENT ON VIEW run_privacy IS 'Privacy spent by the end of each round of private runs.';
