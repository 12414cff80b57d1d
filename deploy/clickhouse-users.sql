-- A role a purpose, each with what it needs and no more. A template for a ClickHouse server with Grapevine's databases `grapevine`
-- (clickhouse.database), which people read, and `grapevine_rows` beside it: run it as an administrator, before `grapevine migrate`, and give each user
-- one of them. It is no migration: Grapevine neither needs nor runs it.
--
--     CREATE USER worker IDENTIFIED BY '...' DEFAULT ROLE grapevine_writer;
--
-- What a grant names need not be there yet. The statements were parsed by the engine, not run: the embedded one has nowhere to store roles.

-- `grapevine run`, and whoever is on call: checkpoint, resume, rewrite, epoch status and promote, rejects. No profile: one that forbids
-- changing settings forbids inserts.
CREATE ROLE IF NOT EXISTS grapevine_writer;
GRANT SELECT, INSERT ON grapevine_rows.* TO grapevine_writer;
GRANT SELECT ON system.clusters TO grapevine_writer;
GRANT SELECT ON system.columns TO grapevine_writer;
GRANT SELECT ON system.databases TO grapevine_writer;
GRANT SELECT ON system.macros TO grapevine_writer;
GRANT SELECT ON system.settings TO grapevine_writer;
GRANT SELECT ON system.tables TO grapevine_writer;
GRANT SELECT ON system.time_zones TO grapevine_writer;
-- Where servers copy tables: what is read back is read by who has caught up. The second database is that of a sharded store alone.
GRANT SYSTEM SYNC REPLICA ON grapevine_rows.* TO grapevine_writer;
GRANT SELECT, INSERT, SYSTEM SYNC REPLICA ON grapevine_rows_local.* TO grapevine_writer;

-- `grapevine rollup`: tables of a run come and go, runs that are old are dropped. Also `grapevine epoch drop` and `grapevine retain`, which delete rows.
CREATE ROLE IF NOT EXISTS grapevine_rollup;
GRANT grapevine_writer TO grapevine_rollup;
GRANT CREATE TABLE, DROP TABLE, ALTER DELETE ON grapevine_rows.* TO grapevine_rollup;
GRANT ALTER DELETE ON grapevine_rows_local.* TO grapevine_rollup;
GRANT CLUSTER ON *.* TO grapevine_rollup;

-- `grapevine migrate`: tables are made and only gain columns, views are replaced, both are described. It drops no table. The views that people read
-- go by the rights of who made them: keep the user.
CREATE ROLE IF NOT EXISTS grapevine_migrator;
GRANT grapevine_writer TO grapevine_migrator;
GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP VIEW, ALTER ADD COLUMN, ALTER COMMENT COLUMN, ALTER MODIFY COMMENT ON grapevine_rows.* TO grapevine_migrator;
GRANT SELECT, CREATE DATABASE, CREATE VIEW, DROP VIEW, ALTER COMMENT COLUMN, ALTER MODIFY COMMENT ON grapevine.* TO grapevine_migrator;
-- On the servers of a cluster, and to ask what each of them has.
GRANT CREATE DATABASE, CREATE TABLE, ALTER ADD COLUMN, ALTER DATABASE ON grapevine_rows_local.* TO grapevine_migrator;
GRANT CLUSTER, REMOTE ON *.* TO grapevine_migrator;

-- People, dashboards and `grapevine report`, who see every brand. Whoever may see some brands alone gets the role of
-- deploy/clickhouse-row-policies.sql instead, and none of these. No raw ids: `rejects` is for whoever is on call.
CREATE ROLE IF NOT EXISTS grapevine_reader;
GRANT SELECT ON grapevine.* TO grapevine_reader;
GRANT SELECT ON system.tables TO grapevine_reader;
GRANT SELECT ON system.time_zones TO grapevine_reader;
REVOKE SELECT ON grapevine.rejects FROM grapevine_reader;
-- A question too large ends itself, not the workers' inserts. readonly = 2: clients, Grafana among them, set a time limit of their own.
CREATE SETTINGS PROFILE IF NOT EXISTS grapevine_reader
SETTINGS readonly = 2, max_memory_usage = 4294967296 MAX 4294967296, max_execution_time = 120 MAX 120
TO grapevine_reader;
-- A data source of Grafana is one user for everybody who looks: give it a quota of its own.
CREATE QUOTA IF NOT EXISTS grapevine_reader
KEYED BY user_name FOR INTERVAL 1 hour MAX queries = 5000, execution_time = 3600
TO grapevine_reader;
