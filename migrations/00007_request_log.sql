-- The request of an accepted single event is kept in the event's own row: one row is written where
-- there were two. Items of lists leave the new columns empty; their request has a row of its own, as
-- refused and repeated requests have. What reads the log reads the view.

-- +goose Up
ALTER TABLE signals ADD COLUMN route TEXT;
ALTER TABLE signals ADD COLUMN duration_us BIGINT;
ALTER TABLE signals ADD COLUMN ip TEXT;
ALTER TABLE signals ADD COLUMN user_agent TEXT;
ALTER TABLE signals ADD COLUMN headers BYTEA;

-- A request that is in its event's row has the same id.
DROP INDEX signals_request;
CREATE INDEX signals_request ON signals (request_id, id) WHERE request_id <> id;
CREATE INDEX signals_log ON signals (workspace_id, environment, id) WHERE route IS NOT NULL;
CREATE INDEX signals_log_key ON signals (api_key_id, id) WHERE route IS NOT NULL;

-- Who reads it asks for "route IS NOT NULL", which leaves the items of lists out: with that condition in
-- here Postgres would not look through the view at the tables' indexes, nor would either database if
-- the halves had different types.
CREATE VIEW request_log AS
SELECT id, workspace_id, environment, api_key_id, route, source, status, code, message, accepted, duplicates, rejected,
    event, email, signal_id, bytes, duration_us, ip, user_agent, headers, results, body, received_at
FROM gateway_requests
UNION ALL
SELECT id, workspace_id, environment, api_key_id, route, source, CAST(200 AS INTEGER), CAST('' AS TEXT), CAST('' AS TEXT), CAST(1 AS INTEGER), CAST(0 AS INTEGER), CAST(0 AS INTEGER),
    event, email, id, CAST(length(raw) AS BIGINT), duration_us, ip, user_agent, headers, CAST(NULL AS BYTEA), CAST(NULL AS BYTEA), received_at
FROM signals;

-- +goose Down
INSERT INTO gateway_requests (id, workspace_id, environment, api_key_id, route, source, status, code, message, accepted, duplicates, rejected,
    event, email, signal_id, bytes, duration_us, ip, user_agent, headers, results, body, received_at)
SELECT id, workspace_id, environment, api_key_id, route, source, status, code, message, accepted, duplicates, rejected,
    event, email, signal_id, bytes, duration_us, ip, user_agent, headers, results, body, received_at
FROM request_log
WHERE route IS NOT NULL AND signal_id = id AND accepted = 1;
DROP VIEW request_log;
DROP INDEX signals_log_key;
DROP INDEX signals_log;
DROP INDEX signals_request;
CREATE INDEX signals_request ON signals (request_id);
ALTER TABLE signals DROP COLUMN headers;
ALTER TABLE signals DROP COLUMN user_agent;
ALTER TABLE signals DROP COLUMN ip;
ALTER TABLE signals DROP COLUMN duration_us;
ALTER TABLE signals DROP COLUMN route;
