-- Keys for programs: scopes, rotation, leaks, address lists, limits and policy; what an instance
-- must share with the others for them; what people are told about.

-- +goose Up
ALTER TABLE workspaces ADD COLUMN rate_limit INTEGER NOT NULL DEFAULT 600 CHECK (rate_limit > 0);
ALTER TABLE workspaces ADD COLUMN policy_max_age_days INTEGER NOT NULL DEFAULT 0 CHECK (policy_max_age_days >= 0);
ALTER TABLE workspaces ADD COLUMN policy_require_expiry BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE workspaces ADD COLUMN policy_require_secret BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE api_keys ADD COLUMN scopes TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN imported BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE api_keys ADD COLUMN created_by_key UUID;
ALTER TABLE api_keys ADD COLUMN rate_limit INTEGER NOT NULL DEFAULT 0 CHECK (rate_limit >= 0);
ALTER TABLE api_keys ADD COLUMN on_leak TEXT NOT NULL DEFAULT 'deactivate' CHECK (on_leak IN ('alert', 'deactivate'));
ALTER TABLE api_keys ADD COLUMN allow_list TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN allow_list_mode TEXT NOT NULL DEFAULT 'off' CHECK (allow_list_mode IN ('off', 'watch', 'enforce'));
ALTER TABLE api_keys ADD COLUMN allow_list_since BIGINT;
-- The present value is as old as this: the key's creation, or its last rotation.
ALTER TABLE api_keys ADD COLUMN value_since BIGINT;
-- While rotating: until when the value before the present one is valid.
ALTER TABLE api_keys ADD COLUMN previous_ends_at BIGINT;
UPDATE api_keys SET value_since = created_at;
CREATE INDEX api_keys_expiring ON api_keys (expires_at) WHERE status = 'active' AND expires_at IS NOT NULL;
CREATE INDEX api_keys_made_by ON api_keys (workspace_id, created_by);
CREATE INDEX api_keys_newest ON api_keys (workspace_id, id);

-- Values that keys had before. Kept, so that a leaked one can still be told whose it was; valid
-- until ends_at, at most one of a key at a time.
CREATE TABLE retired_key_values (
    key_hash     BYTEA PRIMARY KEY CHECK (length(key_hash) = 32),
    api_key_id   UUID NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    workspace_id UUID NOT NULL,
    key_prefix   TEXT NOT NULL,
    retired_at   BIGINT NOT NULL,
    ends_at      BIGINT NOT NULL
);
CREATE INDEX retired_key_values_key ON retired_key_values (api_key_id, retired_at);
CREATE INDEX retired_key_values_prefix ON retired_key_values (key_prefix);

-- One row. It grows in the transaction of every change that a cached credential of the management
-- API must not outlive; each instance reads it, many requests at a time.
CREATE TABLE key_states (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL
);
INSERT INTO key_states (id, version) VALUES (1, 0);

ALTER TABLE key_usage_minutes ADD COLUMN previous BIGINT NOT NULL DEFAULT 0;
ALTER TABLE key_usage_minutes ADD COLUMN outside BIGINT NOT NULL DEFAULT 0;
ALTER TABLE key_last_used ADD COLUMN previous_used_at BIGINT;
ALTER TABLE key_last_used ADD COLUMN previous_ip TEXT NOT NULL DEFAULT '';
ALTER TABLE key_last_used ADD COLUMN previous_user_agent TEXT NOT NULL DEFAULT '';
ALTER TABLE key_last_used ADD COLUMN outside_at BIGINT;
ALTER TABLE key_last_used ADD COLUMN outside_ip TEXT NOT NULL DEFAULT '';

-- Which scopes an API-access key has made use of.
CREATE TABLE key_scope_uses (
    api_key_id   UUID NOT NULL,
    scope        TEXT NOT NULL,
    last_used_at BIGINT NOT NULL,
    PRIMARY KEY (api_key_id, scope)
);

-- What people must be told once: an expiry that nears, a leak. dedup makes it once.
CREATE TABLE notices (
    id           UUID PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    kind         TEXT NOT NULL,
    dedup        TEXT NOT NULL,
    api_key_id   UUID,
    data         BYTEA NOT NULL,
    created_at   BIGINT NOT NULL,
    dismissed_at BIGINT,
    dismissed_by UUID,
    UNIQUE (workspace_id, dedup)
);
CREATE INDEX notices_open ON notices (workspace_id, id) WHERE dismissed_at IS NULL;

-- Answers to POSTs with an Idempotency-Key, for a day. status 0: it is being worked on.
CREATE TABLE api_idempotency (
    api_key_id     UUID NOT NULL,
    digest         BYTEA NOT NULL CHECK (length(digest) = 32),
    request_digest BYTEA NOT NULL CHECK (length(request_digest) = 32),
    status         INTEGER NOT NULL,
    headers        BYTEA,
    body           BYTEA,
    created_at     BIGINT NOT NULL,
    PRIMARY KEY (api_key_id, digest)
);
CREATE INDEX api_idempotency_age ON api_idempotency (created_at);

-- What was taken of a limit, in half seconds, by all instances. Embedded databases have one
-- instance, which counts in memory.
CREATE TABLE rate_slots (
    subject TEXT NOT NULL,
    slot    BIGINT NOT NULL,
    used    BIGINT NOT NULL,
    PRIMARY KEY (subject, slot)
);

ALTER TABLE audit_entries ADD COLUMN actor_key_id UUID;

-- +goose Down
ALTER TABLE audit_entries DROP COLUMN actor_key_id;
DROP TABLE rate_slots;
DROP TABLE api_idempotency;
DROP TABLE notices;
DROP TABLE key_scope_uses;
ALTER TABLE key_last_used DROP COLUMN outside_ip;
ALTER TABLE key_last_used DROP COLUMN outside_at;
ALTER TABLE key_last_used DROP COLUMN previous_user_agent;
ALTER TABLE key_last_used DROP COLUMN previous_ip;
ALTER TABLE key_last_used DROP COLUMN previous_used_at;
ALTER TABLE key_usage_minutes DROP COLUMN outside;
ALTER TABLE key_usage_minutes DROP COLUMN previous;
DROP TABLE key_states;
DROP TABLE retired_key_values;
DROP INDEX api_keys_newest;
DROP INDEX api_keys_made_by;
DROP INDEX api_keys_expiring;
ALTER TABLE api_keys DROP COLUMN previous_ends_at;
ALTER TABLE api_keys DROP COLUMN value_since;
ALTER TABLE api_keys DROP COLUMN allow_list_since;
ALTER TABLE api_keys DROP COLUMN allow_list_mode;
ALTER TABLE api_keys DROP COLUMN allow_list;
ALTER TABLE api_keys DROP COLUMN on_leak;
ALTER TABLE api_keys DROP COLUMN rate_limit;
ALTER TABLE api_keys DROP COLUMN created_by_key;
ALTER TABLE api_keys DROP COLUMN imported;
ALTER TABLE api_keys DROP COLUMN scopes;
ALTER TABLE workspaces DROP COLUMN policy_require_secret;
ALTER TABLE workspaces DROP COLUMN policy_require_expiry;
ALTER TABLE workspaces DROP COLUMN policy_max_age_days;
ALTER TABLE workspaces DROP COLUMN rate_limit;
