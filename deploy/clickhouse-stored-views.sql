-- The views as tables that ClickHouse makes anew every hour, for stores too large to be asked directly: the database
-- `grapevine_stored` has the same names and columns as `grapevine`, so point the dashboards' database there and change
-- no query. Answers are at most as old as the last round; `grapevine` itself goes on answering for the present moment. A
-- template: run it as an administrator after `grapevine migrate`, and again after each upgrade. It is no migration:
-- Grapevine neither needs nor runs it.
--
-- Each view is made anew as a whole and put in place at once (a refreshable materialized view): a late event, a corrected
-- rate or a promoted epoch arrives with the next round, and nothing is ever added up twice. They are made one after the
-- other, each after the one before. How old, and what went wrong:
--
--     SELECT view, status, last_success_time, exception FROM system.view_refreshes WHERE database = 'grapevine_stored'
--
-- Other hours: ALTER TABLE grapevine_stored.coverage MODIFY REFRESH EVERY 6 HOUR; the others follow it. At once:
-- SYSTEM REFRESH VIEW grapevine_stored.coverage. Until the first round is through, tables are empty. Row policies: run clickhouse-row-policies.sql, too.

CREATE DATABASE IF NOT EXISTS grapevine_stored;

DROP TABLE IF EXISTS grapevine_stored.coverage;
CREATE MATERIALIZED VIEW grapevine_stored.coverage
REFRESH EVERY 1 HOUR
ENGINE = MergeTree ORDER BY (brand, week)
AS SELECT * FROM grapevine.coverage;

DROP TABLE IF EXISTS grapevine_stored.activity_daily;
CREATE MATERIALIZED VIEW grapevine_stored.activity_daily
REFRESH DEPENDS ON grapevine_stored.coverage
ENGINE = MergeTree ORDER BY (brand, day, side)
AS SELECT * FROM grapevine.activity_daily;

DROP TABLE IF EXISTS grapevine_stored.cascade_shape;
CREATE MATERIALIZED VIEW grapevine_stored.cascade_shape
REFRESH DEPENDS ON grapevine_stored.activity_daily
ENGINE = MergeTree ORDER BY (brand, root)
AS SELECT * FROM grapevine.cascade_shape;

DROP TABLE IF EXISTS grapevine_stored.thread_shape;
CREATE MATERIALIZED VIEW grapevine_stored.thread_shape
REFRESH DEPENDS ON grapevine_stored.cascade_shape
ENGINE = MergeTree ORDER BY (brand, root)
AS SELECT * FROM grapevine.thread_shape;

DROP TABLE IF EXISTS grapevine_stored.buzz;
CREATE MATERIALIZED VIEW grapevine_stored.buzz
REFRESH DEPENDS ON grapevine_stored.thread_shape
ENGINE = MergeTree ORDER BY (brand, day)
AS SELECT * FROM grapevine.buzz;

DROP TABLE IF EXISTS grapevine_stored.people;
CREATE MATERIALIZED VIEW grapevine_stored.people
REFRESH DEPENDS ON grapevine_stored.buzz
ENGINE = MergeTree ORDER BY (brand, grain, week)
AS SELECT * FROM grapevine.people;

DROP TABLE IF EXISTS grapevine_stored.traffic;
CREATE MATERIALIZED VIEW grapevine_stored.traffic
REFRESH DEPENDS ON grapevine_stored.people
ENGINE = MergeTree ORDER BY (brand, day, side)
AS SELECT * FROM grapevine.traffic;

DROP TABLE IF EXISTS grapevine_stored.money;
CREATE MATERIALIZED VIEW grapevine_stored.money
REFRESH DEPENDS ON grapevine_stored.traffic
ENGINE = MergeTree ORDER BY (brand, day, entry)
AS SELECT * FROM grapevine.money;

DROP TABLE IF EXISTS grapevine_stored.credit;
CREATE MATERIALIZED VIEW grapevine_stored.credit
REFRESH DEPENDS ON grapevine_stored.money
ENGINE = MergeTree ORDER BY (brand, model, lookback_days, day)
AS SELECT * FROM grapevine.credit;

DROP TABLE IF EXISTS grapevine_stored.roi;
CREATE MATERIALIZED VIEW grapevine_stored.roi
REFRESH DEPENDS ON grapevine_stored.credit
ENGINE = MergeTree ORDER BY (brand, grain, side, model, lookback_days, horizon_days, cohort)
AS SELECT * FROM grapevine.roi;

DROP TABLE IF EXISTS grapevine_stored.places;
CREATE MATERIALIZED VIEW grapevine_stored.places
REFRESH DEPENDS ON grapevine_stored.roi
ENGINE = MergeTree ORDER BY (brand, model, lookback_days, horizon_days, channel, community)
AS SELECT * FROM grapevine.places;

DROP TABLE IF EXISTS grapevine_stored.response;
CREATE MATERIALIZED VIEW grapevine_stored.response
REFRESH DEPENDS ON grapevine_stored.places
ENGINE = MergeTree ORDER BY (brand)
AS SELECT * FROM grapevine.response;

DROP TABLE IF EXISTS grapevine_stored.elasticity;
CREATE MATERIALIZED VIEW grapevine_stored.elasticity
REFRESH DEPENDS ON grapevine_stored.response
ENGINE = MergeTree ORDER BY (brand)
AS SELECT * FROM grapevine.elasticity;

DROP TABLE IF EXISTS grapevine_stored.experiments;
CREATE MATERIALIZED VIEW grapevine_stored.experiments
REFRESH DEPENDS ON grapevine_stored.elasticity
ENGINE = MergeTree ORDER BY (experiment)
AS SELECT * FROM grapevine.experiments;

-- The other views, as they are at the moment.
CREATE OR REPLACE VIEW grapevine_stored.activity AS SELECT * FROM grapevine.activity;
CREATE OR REPLACE VIEW grapevine_stored.cascade_growth AS SELECT * FROM grapevine.cascade_growth;
CREATE OR REPLACE VIEW grapevine_stored.cascade_peak AS SELECT * FROM grapevine.cascade_peak;
CREATE OR REPLACE VIEW grapevine_stored.cascade_ranking AS SELECT * FROM grapevine.cascade_ranking;
CREATE OR REPLACE VIEW grapevine_stored.cascade_speed AS SELECT * FROM grapevine.cascade_speed;
CREATE OR REPLACE VIEW grapevine_stored.community_conversation AS SELECT * FROM grapevine.community_conversation;
CREATE OR REPLACE VIEW grapevine_stored.conservation AS SELECT * FROM grapevine.conservation;
CREATE OR REPLACE VIEW grapevine_stored.fact_copies AS SELECT * FROM grapevine.fact_copies;
CREATE OR REPLACE VIEW grapevine_stored.gaps AS SELECT * FROM grapevine.gaps;
CREATE OR REPLACE VIEW grapevine_stored.path_credit AS SELECT * FROM grapevine.path_credit;
CREATE OR REPLACE VIEW grapevine_stored.rejects_summary AS SELECT * FROM grapevine.rejects_summary;
CREATE OR REPLACE VIEW grapevine_stored.reproduction AS SELECT * FROM grapevine.reproduction;
CREATE OR REPLACE VIEW grapevine_stored.reproduction_overall AS SELECT * FROM grapevine.reproduction_overall;
CREATE OR REPLACE VIEW grapevine_stored.response_times AS SELECT * FROM grapevine.response_times;
CREATE OR REPLACE VIEW grapevine_stored.roots AS SELECT * FROM grapevine.roots;
CREATE OR REPLACE VIEW grapevine_stored.sides AS SELECT * FROM grapevine.sides;
CREATE OR REPLACE VIEW grapevine_stored.sources AS SELECT * FROM grapevine.sources;
CREATE OR REPLACE VIEW grapevine_stored.thread_dialogue AS SELECT * FROM grapevine.thread_dialogue;
