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
--     CREATE USER alice IDENTIFIED BY '...' DEFAULT ROLE grapevine_reader;
--     INSERT INTO grapevine_rows.brand_reader VALUES ('alice', 'acme');

-- Which reader sees which brand. A reader without a row sees nothing.
CREATE TABLE IF NOT EXISTS grapevine_rows.brand_reader (
    reader String COMMENT 'Name of the user',
    brand  LowCardinality(String) COMMENT 'Brand, as in the events'
) ENGINE = ReplacingMergeTree
ORDER BY (reader, brand)
COMMENT 'Which reader sees which brand, for the row policies';

-- A filter that a reader sets would be asked of the tables behind the views, before any policy.
CREATE ROLE IF NOT EXISTS grapevine_reader SETTINGS additional_table_filters CONST;
GRANT SELECT ON grapevine.* TO grapevine_reader;
GRANT SELECT ON grapevine_rows.brand_reader TO grapevine_reader;
CREATE ROW POLICY OR REPLACE own_brands ON grapevine_rows.brand_reader USING reader = currentUser() TO grapevine_reader;

CREATE ROW POLICY OR REPLACE own_brands
ON grapevine.activity, grapevine.activity_daily, grapevine.answer_times, grapevine.backtest, grapevine.brand, grapevine.buzz, grapevine.carriers,
    grapevine.cascade_shape, grapevine.cascade_speed, grapevine.click_lag, grapevine.community_conversation, grapevine.comparison,
    grapevine.coverage, grapevine.credit, grapevine.credit_by_rule, grapevine.customers, grapevine.experiments, grapevine.freshness,
    grapevine.immediacy, grapevine.money, grapevine.path_credit, grapevine.people, grapevine.places, grapevine.report_row,
    grapevine.reproduction, grapevine.response, grapevine.response_times, grapevine.roi, grapevine.roi_by_rule, grapevine.roi_campaign,
    grapevine.roi_channel, grapevine.roi_cohort, grapevine.roi_place, grapevine.roots, grapevine.sides, grapevine.thread_dialogue,
    grapevine.thread_shape, grapevine.traffic
USING brand IN (SELECT brand FROM grapevine_rows.brand_reader WHERE reader = currentUser())
TO grapevine_reader;

-- Views that name a root and no brand.
CREATE ROW POLICY OR REPLACE own_brands
ON grapevine.cascade_growth, grapevine.cascade_peak
USING root IN (
    SELECT root FROM grapevine.roots
    WHERE brand IN (SELECT brand FROM grapevine_rows.brand_reader WHERE reader = currentUser()))
TO grapevine_reader;

-- What is of all brands together: ranks and numbers among everybody's cascades, copies of everybody's facts, the bytes of anybody's records.
CREATE ROW POLICY OR REPLACE own_brands
ON grapevine.cascade_ranking, grapevine.conservation, grapevine.fact_copies, grapevine.rejects, grapevine.rejects_summary
USING 0
TO grapevine_reader;

-- How far the data reach is read by everybody: progress, sources, gaps, run.

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
TO ALL EXCEPT grapevine_reader;
