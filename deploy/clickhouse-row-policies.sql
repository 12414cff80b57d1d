-- Readers who see the rows of their own brands and nothing else, through every view. A template for a ClickHouse server
-- with Grapevine's database `grapevine`: run it as an administrator after `grapevine migrate`, and again after an
-- upgrade that brings tables. It is no migration: Grapevine neither needs nor runs it.
--
-- Views read with the rights of whoever asks (SQL SECURITY INVOKER, ClickHouse's default for plain views), so a policy
-- on a table holds in every view over it. A view made with DEFINER would pass its maker's rows on: make none.
--
-- A row belongs to the brand that it names. One that names none (a cost that names only its campaign, a visit that
-- names only its click, the life of a root that never saw its post) is seen by nobody with this role: too little,
-- never too much. Let producers name the brand.
--
--     CREATE USER alice IDENTIFIED BY '...' DEFAULT ROLE grapevine_reader;
--     INSERT INTO grapevine.brand_reader VALUES ('alice', 'acme');

-- Which reader sees which brand. A reader without a row sees nothing.
CREATE TABLE IF NOT EXISTS grapevine.brand_reader (
    reader String COMMENT 'Name of the user',
    brand  LowCardinality(String) COMMENT 'Brand, as in the events'
) ENGINE = ReplacingMergeTree
ORDER BY (reader, brand)
COMMENT 'Which reader sees which brand, for the row policies';

CREATE ROLE IF NOT EXISTS grapevine_reader;
GRANT SELECT ON grapevine.* TO grapevine_reader;
-- It sets what a reader sees of the facts against those of all brands.
REVOKE SELECT ON grapevine.fact_copies FROM grapevine_reader;

-- Tables whose rows name a brand. `root` names that of a life: its row may be replaced by one that names another, so leave
-- `apply_row_policy_after_final` at 1, or readers see what was replaced.
CREATE ROW POLICY OR REPLACE own_brands
ON grapevine.root, grapevine.click, grapevine.visit, grapevine.conversion,
    grapevine.cost, grapevine.report, grapevine.brand, grapevine.campaign
USING brand IN (SELECT brand FROM grapevine.brand_reader WHERE reader = currentUser())
TO grapevine_reader;

-- What happened in a life is of the brand that its post names. Each table by itself: a policy on `root` alone would leave
-- everybody's windows to a LEFT JOIN.
CREATE ROW POLICY OR REPLACE own_brands
ON grapevine.activity_window, grapevine.cascade, grapevine.thread
USING (source, opened, epoch) IN (
    SELECT source, opened, epoch FROM grapevine.root FINAL
    WHERE brand IN (SELECT brand FROM grapevine.brand_reader WHERE reader = currentUser()))
TO grapevine_reader;

-- What holds for every brand is of every reader.
CREATE ROW POLICY OR REPLACE own_brands
ON grapevine.calendar, grapevine.actor
USING brand = '' OR brand IN (SELECT brand FROM grapevine.brand_reader WHERE reader = currentUser())
TO grapevine_reader;

-- Tables that name no brand, by what ties them to one: experiments by the posts that carry them, persons by their visits.
CREATE ROW POLICY OR REPLACE own_brands
ON grapevine.assignment
USING experiment IN (SELECT experiment FROM grapevine.root WHERE experiment != '')
TO grapevine_reader;
CREATE ROW POLICY OR REPLACE own_brands
ON grapevine.identity
USING visitor IN (SELECT visitor FROM grapevine.visit WHERE has_visitor)
TO grapevine_reader;

-- Rejects hold the bytes of anybody's records.
CREATE ROW POLICY OR REPLACE own_brands ON grapevine.rejects USING 0 TO grapevine_reader;
CREATE ROW POLICY OR REPLACE own_brands ON grapevine.brand_reader USING reader = currentUser() TO grapevine_reader;

-- Answers, which a run of `grapevine rollup` makes of everybody's rows: a reader sees the lines of her brands. The models that a
-- run works with stand in a database of their own, `grapevine_models`: grant nobody anything there. An experiment that posts of two brands
-- carry shows readers of either the sums of both: give each brand its own.
CREATE ROW POLICY OR REPLACE own_brands
ON grapevine.activity_daily_run, grapevine.buzz_run, grapevine.carriers_run, grapevine.click_lag_run, grapevine.coverage_run,
    grapevine.credit_run, grapevine.credit_by_rule_run, grapevine.customers_run, grapevine.experiments_run, grapevine.freshness_run,
    grapevine.money_run, grapevine.path_credit_run, grapevine.people_run, grapevine.places_run, grapevine.response_run,
    grapevine.roi_cohort_run, grapevine.traffic_run, grapevine.comparison_run, grapevine.immediacy_run, grapevine.roi_run,
    grapevine.roi_by_rule_run, grapevine.roi_campaign_run, grapevine.roi_channel_run, grapevine.roi_place_run
USING brand IN (SELECT brand FROM grapevine.brand_reader WHERE reader = currentUser())
TO grapevine_reader;

-- The rest is read by everybody, hourly rates among it: fx, labour_rate, media_price, place, utm_side, progress, gap,
-- active_epoch, schema_migrations, store, run.

-- A table with a policy may hide its rows from whom no policy names: from the worker, from administrators.
CREATE ROW POLICY OR REPLACE everything
ON grapevine.root, grapevine.activity_window, grapevine.cascade, grapevine.thread, grapevine.click, grapevine.visit, grapevine.conversion,
    grapevine.cost, grapevine.report, grapevine.brand, grapevine.campaign, grapevine.calendar, grapevine.actor, grapevine.assignment,
    grapevine.identity, grapevine.rejects, grapevine.brand_reader,
    grapevine.activity_daily_run, grapevine.buzz_run, grapevine.carriers_run, grapevine.click_lag_run, grapevine.coverage_run,
    grapevine.credit_run, grapevine.credit_by_rule_run, grapevine.customers_run, grapevine.experiments_run,
    grapevine.freshness_run, grapevine.money_run, grapevine.path_credit_run, grapevine.people_run, grapevine.places_run,
    grapevine.response_run, grapevine.roi_cohort_run, grapevine.traffic_run, grapevine.comparison_run, grapevine.immediacy_run,
    grapevine.roi_run, grapevine.roi_by_rule_run, grapevine.roi_campaign_run, grapevine.roi_channel_run, grapevine.roi_place_run
USING 1
TO ALL EXCEPT grapevine_reader;
