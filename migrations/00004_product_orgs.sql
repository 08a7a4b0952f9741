-- Payload templates, product organisations with the history of each change, vendors' signatures,
-- and what kind of event a signal is.

-- +goose Up
ALTER TABLE signals ADD COLUMN kind TEXT NOT NULL DEFAULT 'track';

-- settings_version grows with each change that the gateway must know at once: the writer compares
-- it inside its transaction with the one that a request was read under.
ALTER TABLE api_keys ADD COLUMN settings_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN template_id UUID;
ALTER TABLE api_keys ADD COLUMN on_error TEXT NOT NULL DEFAULT 'reject' CHECK (on_error IN ('reject', 'quarantine'));
ALTER TABLE api_keys ADD COLUMN signature_scheme TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN signature_secret BYTEA;
CREATE INDEX api_keys_template ON api_keys (template_id);

-- A template without a name belongs to one key; a named one can serve several. Version 0 has no
-- rows yet: what arrives waits for the first.
CREATE TABLE templates (
    id           UUID PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    version      INTEGER NOT NULL,
    created_by   UUID,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);
CREATE INDEX templates_workspace ON templates (workspace_id, id);
CREATE UNIQUE INDEX templates_name ON templates (workspace_id, name) WHERE name <> '';

CREATE TABLE template_versions (
    template_id   UUID NOT NULL REFERENCES templates (id) ON DELETE CASCADE,
    version       INTEGER NOT NULL,
    body          BYTEA NOT NULL,
    note          TEXT NOT NULL,
    created_by    UUID,
    created_label TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (template_id, version)
);

-- fields holds every value with the instant and the update that it is from; the other columns
-- repeat some of them for searching and sorting.
CREATE TABLE product_orgs (
    id             UUID PRIMARY KEY,
    workspace_id   UUID NOT NULL,
    environment    TEXT NOT NULL,
    org_key        TEXT NOT NULL,
    name           TEXT NOT NULL,
    domain         TEXT NOT NULL,
    plan           TEXT NOT NULL,
    trial_status   TEXT NOT NULL,
    mrr            DOUBLE PRECISION,
    user_count     BIGINT,
    fields         BYTEA NOT NULL,
    updates        BIGINT NOT NULL,
    last_digest    BYTEA,
    last_update_id UUID,
    last_event_at  BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL
);
CREATE UNIQUE INDEX product_orgs_key ON product_orgs (workspace_id, environment, org_key);
CREATE INDEX product_orgs_updated ON product_orgs (workspace_id, environment, updated_at, id);
CREATE INDEX product_orgs_mrr ON product_orgs (workspace_id, environment, mrr, id);
CREATE INDEX product_orgs_users ON product_orgs (workspace_id, environment, user_count, id);
CREATE INDEX product_orgs_plan ON product_orgs (workspace_id, environment, plan, updated_at, id);

-- Every update that was kept, whatever became of it.
CREATE TABLE product_org_updates (
    id               UUID PRIMARY KEY,
    workspace_id     UUID NOT NULL,
    environment      TEXT NOT NULL,
    api_key_id       UUID NOT NULL,
    request_id       UUID NOT NULL,
    item_index       INTEGER NOT NULL,
    org_id           UUID,
    org_key          TEXT NOT NULL,
    status           TEXT NOT NULL CHECK (status IN ('applied', 'stale', 'unchanged', 'duplicate', 'failed', 'quarantined')),
    template_id      UUID,
    template_version INTEGER NOT NULL,
    message_id       TEXT NOT NULL,
    digest           BYTEA,
    warnings         TEXT NOT NULL,
    changes          BYTEA,
    problems         BYTEA,
    mrr              DOUBLE PRECISION,
    user_count       BIGINT,
    occurred_at      BIGINT NOT NULL,
    received_at      BIGINT NOT NULL,
    replayed_at      BIGINT,
    replayed_by      UUID,
    raw              BYTEA NOT NULL
);
CREATE INDEX product_org_updates_workspace ON product_org_updates (workspace_id, environment, id);
CREATE INDEX product_org_updates_org ON product_org_updates (org_id, id);
CREATE INDEX product_org_updates_key ON product_org_updates (api_key_id, id);
CREATE INDEX product_org_updates_waiting ON product_org_updates (api_key_id, id) WHERE status IN ('failed', 'quarantined');
CREATE INDEX product_org_updates_request ON product_org_updates (request_id);

-- A replay of what waits, in steps, so that any instance can show how far it is.
CREATE TABLE org_replays (
    id               UUID PRIMARY KEY,
    workspace_id     UUID NOT NULL,
    api_key_id       UUID NOT NULL,
    template_version INTEGER NOT NULL,
    status           TEXT NOT NULL CHECK (status IN ('running', 'finished', 'stopped', 'failed')),
    total            BIGINT NOT NULL,
    applied          BIGINT NOT NULL,
    stale            BIGINT NOT NULL,
    unchanged        BIGINT NOT NULL,
    duplicates       BIGINT NOT NULL,
    failed           BIGINT NOT NULL,
    after_id         UUID,
    upto_id          UUID NOT NULL,
    problem          TEXT NOT NULL,
    started_by       UUID,
    started_label    TEXT NOT NULL,
    started_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    finished_at      BIGINT
);
CREATE INDEX org_replays_key ON org_replays (api_key_id, id);
CREATE UNIQUE INDEX org_replays_running ON org_replays (api_key_id) WHERE status = 'running';

-- +goose Down
DROP TABLE org_replays;
DROP TABLE product_org_updates;
DROP TABLE product_orgs;
DROP TABLE template_versions;
DROP TABLE templates;
DROP INDEX api_keys_template;
ALTER TABLE api_keys DROP COLUMN signature_secret;
ALTER TABLE api_keys DROP COLUMN signature_scheme;
ALTER TABLE api_keys DROP COLUMN on_error;
ALTER TABLE api_keys DROP COLUMN template_id;
ALTER TABLE api_keys DROP COLUMN settings_version;
ALTER TABLE signals DROP COLUMN kind;
