-- How far bulk uploads are, for people who watch one. Written beside the upload about once a second,
-- never in the transaction of its lines: what is stored does not wait for it, and says more.

-- +goose Up
CREATE TABLE uploads (
    id               UUID PRIMARY KEY,
    workspace_id     UUID NOT NULL,
    environment      TEXT NOT NULL,
    api_key_id       UUID NOT NULL,
    status           TEXT NOT NULL CHECK (status IN ('running', 'done', 'cut_off')),
    bytes_total      BIGINT,
    bytes_read       BIGINT NOT NULL,
    lines            BIGINT NOT NULL,
    accepted         BIGINT NOT NULL,
    duplicates       BIGINT NOT NULL,
    rejected         BIGINT NOT NULL,
    resume_from_line BIGINT,
    started_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    ended_at         BIGINT,
    message          TEXT NOT NULL DEFAULT ''
);
CREATE INDEX uploads_workspace ON uploads (workspace_id, environment, id);
CREATE INDEX uploads_key ON uploads (api_key_id, id);
-- The pages ask for these alone while one runs.
CREATE INDEX uploads_running ON uploads (workspace_id, environment, id) WHERE status = 'running';

-- +goose Down
DROP TABLE uploads;
