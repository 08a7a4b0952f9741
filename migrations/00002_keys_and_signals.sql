-- Keys, what arrived with them, and how often they are used.
-- The gateway's tables carry no foreign keys: they take many rows a second, and retention deletes
-- them on its own terms.

-- +goose Up
CREATE TABLE api_keys (
    id             UUID PRIMARY KEY,
    workspace_id   UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    name           TEXT NOT NULL,
    environment    TEXT NOT NULL CHECK (environment IN ('live', 'test')),
    endpoint_type  TEXT NOT NULL CHECK (endpoint_type IN ('signal_staging', 'product_orgs', 'api_access')),
    key_prefix     TEXT NOT NULL,
    key_hash       BYTEA NOT NULL UNIQUE CHECK (length(key_hash) = 32),
    secret_hash    BYTEA CHECK (secret_hash IS NULL OR length(secret_hash) = 32),
    status         TEXT NOT NULL CHECK (status IN ('active', 'deactivated')),
    form_nonce     TEXT,
    expires_at     BIGINT,
    created_by     UUID,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    deactivated_at BIGINT,
    deactivated_by UUID
);
CREATE INDEX api_keys_workspace ON api_keys (workspace_id, environment, id);
CREATE INDEX api_keys_prefix ON api_keys (key_prefix);
CREATE UNIQUE INDEX api_keys_form_nonce ON api_keys (workspace_id, form_nonce);

CREATE TABLE key_usage_minutes (
    api_key_id   UUID NOT NULL,
    minute       BIGINT NOT NULL,
    workspace_id UUID NOT NULL,
    environment  TEXT NOT NULL,
    accepted     BIGINT NOT NULL,
    duplicates   BIGINT NOT NULL,
    rejected     BIGINT NOT NULL,
    PRIMARY KEY (api_key_id, minute)
);
CREATE INDEX key_usage_minutes_workspace ON key_usage_minutes (workspace_id, environment, minute);

-- Apart from api_keys, so that recording a use can neither wait for nor damage the key's row.
CREATE TABLE key_last_used (
    api_key_id         UUID PRIMARY KEY,
    last_used_at       BIGINT,
    ip                 TEXT NOT NULL DEFAULT '',
    user_agent         TEXT NOT NULL DEFAULT '',
    last_refused_at    BIGINT,
    refused_ip         TEXT NOT NULL DEFAULT '',
    refused_user_agent TEXT NOT NULL DEFAULT '',
    browser_seen_at    BIGINT
);

CREATE TABLE signals (
    id           UUID PRIMARY KEY,
    workspace_id UUID NOT NULL,
    environment  TEXT NOT NULL,
    api_key_id   UUID NOT NULL,
    request_id   UUID NOT NULL,
    source       TEXT NOT NULL,
    event        TEXT NOT NULL,
    email        TEXT NOT NULL,
    user_id      TEXT NOT NULL,
    anonymous_id TEXT NOT NULL,
    group_id     TEXT NOT NULL,
    message_id   TEXT NOT NULL,
    warnings     TEXT NOT NULL,
    occurred_at  BIGINT NOT NULL,
    received_at  BIGINT NOT NULL,
    raw          BYTEA NOT NULL
);
CREATE INDEX signals_workspace ON signals (workspace_id, environment, id);
CREATE INDEX signals_event ON signals (workspace_id, environment, event, id);
CREATE INDEX signals_email ON signals (workspace_id, environment, email, id) WHERE email <> '';
CREATE INDEX signals_request ON signals (request_id);

CREATE TABLE signal_dedup (
    digest         BYTEA PRIMARY KEY CHECK (length(digest) = 32),
    signal_id      UUID NOT NULL,
    payload_digest BYTEA NOT NULL,
    received_at    BIGINT NOT NULL
);
CREATE INDEX signal_dedup_age ON signal_dedup (received_at);

CREATE TABLE gateway_requests (
    id           UUID PRIMARY KEY,
    workspace_id UUID NOT NULL,
    environment  TEXT NOT NULL,
    api_key_id   UUID,
    route        TEXT NOT NULL,
    source       TEXT NOT NULL,
    status       INTEGER NOT NULL,
    code         TEXT NOT NULL,
    message      TEXT NOT NULL,
    accepted     INTEGER NOT NULL,
    duplicates   INTEGER NOT NULL,
    rejected     INTEGER NOT NULL,
    event        TEXT NOT NULL,
    email        TEXT NOT NULL,
    signal_id    UUID,
    bytes        BIGINT NOT NULL,
    duration_us  BIGINT NOT NULL,
    ip           TEXT NOT NULL,
    user_agent   TEXT NOT NULL,
    headers      BYTEA,
    results      BYTEA,
    body         BYTEA,
    received_at  BIGINT NOT NULL
);
CREATE INDEX gateway_requests_workspace ON gateway_requests (workspace_id, environment, id);
CREATE INDEX gateway_requests_key ON gateway_requests (api_key_id, id);
CREATE INDEX gateway_requests_refused ON gateway_requests (workspace_id, environment, id) WHERE status >= 300 OR status = 207;

-- +goose Down
DROP TABLE gateway_requests;
DROP TABLE signal_dedup;
DROP TABLE signals;
DROP TABLE key_last_used;
DROP TABLE key_usage_minutes;
DROP TABLE api_keys;
