-- Readers who see the rows of their own brands and nothing else. A template for a ClickHouse server with Grapevine's databases: run it as an
-- administrator after `grapevine migrate`, and again after an upgrade that brings views. It is no migration: Grapevine neither
-- needs nor runs it.
--
-- `grapevine` is what people read; `grapevine_rows` holds rows, models and answers by run. The views of the first read the second with the
-- rights of who made them, so readers get no grant there, and each view has a policy of its own: one on a table behind it would
-- not hold for its readers.
--
-- A row belongs to the brand that it names. One that names none (the life of a root that never saw its post, say) is seen by nobody with
-- this role: too little, never too much. Let producers name the brand. An experiment that posts of two brands carry shows readers of
-- either the sums of both: give each brand its own.
--
--     CREATE USER alice IDENTIFIED BY '...' DEFAULT ROLE grapevine_brand_reader;
--     INSERT INTO grapevine_rows.brand_reader VALUES ('alice', 'acme');

-- Which reader sees which brand. A reader without a row sees nothing.
CREATE TABLE IF NOT EXISTS grapevine_rows.brand_reader (
    reader String COMMENT 'Name of the user',
    brand  LowCardinality(String) COMMENT 'Brand, as in the events'
) ENGINE = ReplacingMergeTree
ORDER BY (reader, brand)
COMMENT 'Which reader sees which brand, for the row policies';

CREATE ROLE IF NOT EXISTS grapevine_brand_reader;
-- A filter that a reader sets would be asked of the tables behind the views, before any policy. readonly = 2: clients set a time limit of their own.
ALTER ROLE grapevine_brand_reader
SETTINGS additional_table_filters CONST, readonly = 2, max_memory_usage = 4294967296 MAX 4294967296, max_execution_time = 120 MAX 120;
-- By name: a view that an upgrade brings is closed until it has its policy here.
GRANT SELECT ON grapevine.activity, SELECT ON grapevine.activity_daily, SELECT ON grapevine.answer_times, SELECT ON grapevine.backtest,
    SELECT ON grapevine.brand, SELECT ON grapevine.buzz, SELECT ON grapevine.carriers, SELECT ON grapevine.cascade_growth,
    SELECT ON grapevine.cascade_peak, SELECT ON grapevine.cascade_shape, SELECT ON grapevine.cascade_speed,
    SELECT ON grapevine.click_lag, SELECT ON grapevine.community_conversation, SELECT ON grapevine.comparison,
    SELECT ON grapevine.coverage, SELECT ON grapevine.credit, SELECT ON grapevine.credit_by_rule, SELECT ON grapevine.customers,
    SELECT ON grapevine.experiments, SELECT ON grapevine.freshness, SELECT ON grapevine.gaps, SELECT ON grapevine.immediacy,
    SELECT ON grapevine.losses, SELECT ON grapevine.money, SELECT ON grapevine.path_credit, SELECT ON grapevine.people,
    SELECT ON grapevine.places, SELECT ON grapevine.progress, SELECT ON grapevine.report_row, SELECT ON grapevine.reproduction, SELECT ON grapevine.response,
    SELECT ON grapevine.response_times, SELECT ON grapevine.roi, SELECT ON grapevine.roi_by_rule, SELECT ON grapevine.roi_campaign,
    SELECT ON grapevine.roi_channel, SELECT ON grapevine.roi_cohort, SELECT ON grapevine.roi_place, SELECT ON grapevine.roots,
    SELECT ON grapevine.run, SELECT ON grapevine.sides, SELECT ON grapevine.sources, SELECT ON grapevine.thread_dialogue,
    SELECT ON grapevine.thread_shape, SELECT ON grapevine.traffic, SELECT ON grapevine_rows.brand_reader
TO grapevine_brand_reader;
CREATE ROW POLICY OR REPLACE own_brands ON grapevine_rows.brand_reader USING reader = currentUser() TO grapevine_brand_reader;

CREATE ROW POLICY OR REPLACE own_brands
ON grapevine.activity, grapevine.activity_daily, grapevine.answer_times, grapevine.backtest, grapevine.brand, grapevine.buzz, grapevine.carriers,
    grapevine.cascade_shape, grapevine.cascade_speed, grapevine.click_lag, grapevine.community_conversation, grapevine.comparison,
    grapevine.coverage, grapevine.credit, grapevine.credit_by_rule, grapevine.customers, grapevine.experiments, grapevine.freshness,
    grapevine.immediacy, grapevine.money, grapevine.path_credit, grapevine.people, grapevine.places, grapevine.report_row,
    grapevine.reproduction, grapevine.response, grapevine.response_times, grapevine.roi, grapevine.roi_by_rule, grapevine.roi_campaign,
    grapevine.roi_channel, grapevine.roi_cohort, grapevine.roi_place, grapevine.roots, grapevine.sides, grapevine.thread_dialogue,
    grapevine.thread_shape, grapevine.traffic
USING brand IN (SELECT brand FROM grapevine_rows.brand_reader WHERE reader = currentUser())
TO grapevine_brand_reader;

-- Views that name a root and no brand.
CREATE ROW POLICY OR REPLACE own_brands
ON grapevine.cascade_growth, grapevine.cascade_peak
USING root IN (
    SELECT root FROM grapevine.roots
    WHERE brand IN (SELECT brand FROM grapevine_rows.brand_reader WHERE reader = currentUser()))
TO grapevine_brand_reader;

-- What is of all brands together: ranks and numbers among everybody's cascades, copies of everybody's facts, the bytes of anybody's records.
CREATE ROW POLICY OR REPLACE own_brands
ON grapevine.cascade_ranking, grapevine.conservation, grapevine.fact_copies, grapevine.rejects, grapevine.rejects_summary
USING 0
TO grapevine_brand_reader;

-- How far the data reach is read by everybody: progress, sources, gaps, losses, run.

-- What has a policy may hide its rows from whom no policy names: from administrators, and from whoever reads all brands.
CREATE ROW POLICY OR REPLACE everything
ON grapevine.activity, grapevine.activity_daily, grapevine.answer_times, grapevine.backtest, grapevine.brand, grapevine.buzz, grapevine.carriers,
    grapevine.cascade_growth, grapevine.cascade_peak, grapevine.cascade_ranking, grapevine.cascade_shape, grapevine.cascade_speed,
    grapevine.click_lag, grapevine.community_conversation, grapevine.comparison, grapevine.conservation, grapevine.coverage,
    grapevine.credit, grapevine.credit_by_rule, grapevine.customers, grapevine.experiments, grapevine.fact_copies, grapevine.freshness,
    grapevine.immediacy, grapevine.money, grapevine.path_credit, grapevine.people, grapevine.places, grapevine.rejects,
    grapevine.rejects_summary, grapevine.report_row, grapevine.reproduction, grapevine.response, grapevine.response_times, grapevine.roi,
    grapevine.roi_by_rule, grapevine.roi_campaign, grapevine.roi_channel, grapevine.roi_cohort, grapevine.roi_place, grapevine.roots,
    grapevine.sides, grapevine.thread_dialogue, grapevine.thread_shape, grapevine.traffic, grapevine_rows.brand_reader
USING 1
TO ALL EXCEPT grapevine_brand_reader;
