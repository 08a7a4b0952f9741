-- Outbound webhooks: endpoints, the outbox of messages, their deliveries and attempts.

-- +goose Up
CREATE TABLE endpoints (
    id               UUID PRIMARY KEY,
    workspace_id     UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    environment      TEXT NOT NULL CHECK (environment IN ('live', 'test')),
    url              TEXT NOT NULL,
    description      TEXT NOT NULL DEFAULT '',
    event_types      TEXT NOT NULL,
    source           TEXT NOT NULL DEFAULT '',
    api_key_id       UUID,
    ordered          BOOLEAN NOT NULL DEFAULT FALSE,
    concurrency      INTEGER NOT NULL DEFAULT 10 CHECK (concurrency BETWEEN 1 AND 100),
    rate_limit       INTEGER NOT NULL DEFAULT 0 CHECK (rate_limit >= 0),
    headers          BYTEA,
    secret           BYTEA,
    secret_since     BIGINT NOT NULL,
    previous_secret  BYTEA,
    previous_ends_at BIGINT,
    status           TEXT NOT NULL CHECK (status IN ('enabled', 'disabled', 'deleted')),
    disabled_reason  TEXT NOT NULL DEFAULT '' CHECK (disabled_reason IN ('', 'manual', 'gone', 'failing')),
    disabled_at      BIGINT,
    version          INTEGER NOT NULL DEFAULT 1,
    created_at       BIGINT NOT NULL,
    created_by       UUID,
    created_by_key   UUID,
    updated_at       BIGINT NOT NULL,
    form_nonce       TEXT
);
CREATE UNIQUE INDEX endpoints_form_nonce ON endpoints (workspace_id, form_nonce);
CREATE INDEX endpoints_workspace ON endpoints (workspace_id, environment, id);

-- What the workers know of an endpoint, and who of them works for it. Apart from endpoints, so that
-- people and workers never wait for each other.
CREATE TABLE endpoint_states (
    endpoint_id     UUID PRIMARY KEY REFERENCES endpoints (id) ON DELETE CASCADE,
    failing_since   BIGINT,
    failures        INTEGER NOT NULL DEFAULT 0,
    warned          INTEGER NOT NULL DEFAULT 0,
    last_success_at BIGINT,
    last_failure_at BIGINT,
    last_error      TEXT NOT NULL DEFAULT '',
    paused_until    BIGINT,
    leased_by       TEXT NOT NULL DEFAULT '',
    leased_until    BIGINT
);

-- A message is written in the transaction of what it tells. Its id is that of the signal, the update
-- or the refused request that it tells of, where there is one.
CREATE TABLE messages (
    id           UUID PRIMARY KEY,
    workspace_id UUID NOT NULL,
    environment  TEXT NOT NULL,
    event_type   TEXT NOT NULL,
    api_key_id   UUID,
    source       TEXT NOT NULL,
    body         BYTEA NOT NULL,
    created_at   BIGINT NOT NULL
);
-- Those of a bulk upload have the id that it began with, and are written at its end; those of a
-- replayed update the id that it came with.
CREATE INDEX messages_late ON messages (created_at) WHERE event_type IN ('ingest.rejected', 'product_org.updated');

CREATE TABLE deliveries (
    endpoint_id     UUID NOT NULL,
    message_id      UUID NOT NULL,
    workspace_id    UUID NOT NULL,
    event_type      TEXT NOT NULL,
    status          TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'failed', 'skipped')),
    ordered         BOOLEAN NOT NULL DEFAULT FALSE,
    step            INTEGER NOT NULL DEFAULT 0,
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at BIGINT,
    last_status     INTEGER NOT NULL DEFAULT 0,
    last_error      TEXT NOT NULL DEFAULT '',
    replay_id       UUID,
    created_at      BIGINT NOT NULL,
    finished_at     BIGINT,
    PRIMARY KEY (endpoint_id, message_id)
);
CREATE INDEX deliveries_due ON deliveries (endpoint_id, next_attempt_at) WHERE status = 'pending';
CREATE INDEX deliveries_in_order ON deliveries (endpoint_id, message_id) WHERE status = 'pending' AND ordered;
CREATE INDEX deliveries_undelivered ON deliveries (endpoint_id, status, message_id) WHERE status IN ('failed', 'skipped');
CREATE INDEX deliveries_replayed ON deliveries (replay_id) WHERE replay_id IS NOT NULL;

CREATE TABLE delivery_attempts (
    endpoint_id UUID NOT NULL,
    message_id  UUID NOT NULL,
    number      INTEGER NOT NULL,
    started_at  BIGINT NOT NULL,
    duration_us BIGINT NOT NULL,
    status      INTEGER NOT NULL,
    error       TEXT NOT NULL,
    detail      TEXT NOT NULL,
    response    BYTEA,
    truncated   BOOLEAN NOT NULL,
    cause       TEXT NOT NULL CHECK (cause IN ('schedule', 'retry', 'replay', 'test')),
    PRIMARY KEY (endpoint_id, message_id, number)
);

CREATE TABLE endpoint_minutes (
    endpoint_id UUID NOT NULL,
    minute      BIGINT NOT NULL,
    delivered   BIGINT NOT NULL,
    failed      BIGINT NOT NULL,
    duration_us BIGINT NOT NULL,
    PRIMARY KEY (endpoint_id, minute)
);

-- A run that sends again what failed or was skipped.
CREATE TABLE delivery_replays (
    id            UUID PRIMARY KEY,
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    endpoint_id   UUID NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
    kind          TEXT NOT NULL CHECK (kind IN ('failed', 'skipped')),
    since         BIGINT NOT NULL,
    rate          INTEGER NOT NULL CHECK (rate > 0),
    status        TEXT NOT NULL CHECK (status IN ('running', 'finished', 'stopped', 'failed')),
    total         BIGINT NOT NULL,
    released      BIGINT NOT NULL DEFAULT 0,
    after_id      UUID,
    upto_id       UUID NOT NULL,
    problem       TEXT NOT NULL DEFAULT '',
    started_by    UUID,
    started_label TEXT NOT NULL,
    started_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    finished_at   BIGINT
);
CREATE INDEX delivery_replays_endpoint ON delivery_replays (endpoint_id, id);
CREATE INDEX delivery_replays_running ON delivery_replays (updated_at) WHERE status = 'running';

-- One row. It grows, under the state lock, with every change of who gets which messages; writers
-- compare what they remember with it inside their transaction.
CREATE TABLE outbox_state (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL
);
INSERT INTO outbox_state (id, version) VALUES (1, 1);

-- Programs of developers that listen at this moment.
CREATE TABLE listeners (
    id           UUID PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    environment  TEXT NOT NULL,
    event_types  TEXT NOT NULL,
    api_key_id   UUID,
    expires_at   BIGINT NOT NULL,
    left_at      BIGINT
);

-- +goose Down
DROP TABLE listeners;
DROP TABLE outbox_state;
DROP TABLE delivery_replays;
DROP TABLE endpoint_minutes;
DROP TABLE delivery_attempts;
DROP TABLE deliveries;
DROP TABLE messages;
DROP TABLE endpoint_states;
DROP TABLE endpoints;
