-- Accounts, workspaces, who belongs where, and what keeps people signed in.
-- Instants are BIGINT microseconds since the Unix epoch, NULL where they have not happened.

-- +goose Up
CREATE TABLE accounts (
    id                  UUID PRIMARY KEY,
    email               TEXT NOT NULL UNIQUE,
    name                TEXT NOT NULL,
    password_hash       TEXT NOT NULL,
    theme               TEXT NOT NULL DEFAULT 'system' CHECK (theme IN ('system', 'light', 'dark')),
    time_zone           TEXT NOT NULL DEFAULT 'UTC',
    shortcuts_off       BOOLEAN NOT NULL DEFAULT FALSE,
    last_workspace_id   UUID,
    password_changed_at BIGINT NOT NULL,
    created_at          BIGINT NOT NULL,
    updated_at          BIGINT NOT NULL
);

CREATE TABLE workspaces (
    id                      UUID PRIMARY KEY,
    name                    TEXT NOT NULL,
    slug                    TEXT NOT NULL UNIQUE,
    plan                    TEXT NOT NULL CHECK (plan IN ('free', 'team', 'enterprise')),
    raw_retention_days      INTEGER NOT NULL DEFAULT 30 CHECK (raw_retention_days > 0),
    rejected_retention_days INTEGER NOT NULL DEFAULT 7 CHECK (rejected_retention_days > 0),
    created_at              BIGINT NOT NULL,
    updated_at              BIGINT NOT NULL
);

CREATE TABLE memberships (
    workspace_id UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    account_id   UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role         TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'developer', 'editor', 'viewer')),
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, account_id)
);
CREATE INDEX memberships_account ON memberships (account_id);

CREATE TABLE invitations (
    id           UUID PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    role         TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'developer', 'editor', 'viewer')),
    email        TEXT NOT NULL DEFAULT '',
    token_hash   BYTEA NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    created_by   UUID NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    accepted_at  BIGINT,
    accepted_by  UUID,
    revoked_at   BIGINT
);
CREATE INDEX invitations_workspace ON invitations (workspace_id, created_at);

CREATE TABLE sessions (
    id           UUID PRIMARY KEY,
    token_hash   BYTEA NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    account_id   UUID REFERENCES accounts (id) ON DELETE CASCADE,
    data         BYTEA,
    ip           TEXT NOT NULL DEFAULT '',
    user_agent   TEXT NOT NULL DEFAULT '',
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE setup_tokens (
    token_hash BYTEA PRIMARY KEY,
    created_at BIGINT NOT NULL
);

CREATE TABLE sign_in_throttles (
    subject       TEXT PRIMARY KEY,
    failures      INTEGER NOT NULL,
    window_start  BIGINT NOT NULL,
    blocked_until BIGINT
);

CREATE TABLE audit_entries (
    id               UUID PRIMARY KEY,
    workspace_id     UUID,
    actor_account_id UUID,
    actor_label      TEXT NOT NULL,
    action           TEXT NOT NULL,
    target_type      TEXT NOT NULL,
    target_id        TEXT NOT NULL,
    target_label     TEXT NOT NULL DEFAULT '',
    ip               TEXT NOT NULL DEFAULT '',
    request_id       TEXT NOT NULL DEFAULT '',
    before           BYTEA,
    after            BYTEA,
    created_at       BIGINT NOT NULL
);
CREATE INDEX audit_entries_workspace ON audit_entries (workspace_id, id);
CREATE INDEX audit_entries_target ON audit_entries (target_id, id);

-- +goose Down
DROP TABLE audit_entries;
DROP TABLE sign_in_throttles;
DROP TABLE setup_tokens;
DROP TABLE sessions;
DROP TABLE invitations;
DROP TABLE memberships;
DROP TABLE workspaces;
DROP TABLE accounts;
