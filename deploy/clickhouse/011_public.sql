-- The answers as people read them: of each the newest run that was published with it. The row of a run in `run` is written
-- last, so nobody reads half of one; and a program that knows an answer less does not empty it. A run whose rows are not there, although
-- `run` counts some, is passed over: they may have been dropped, or not have come to this replica yet. Which runs are there is what the parts
-- say of themselves (GROUP BY, not DISTINCT, which would read them).

-- How long after a post, share or reply the clicks on it came, over 91 days.
CREATE OR REPLACE VIEW click_lag AS
SELECT * FROM click_lag_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'click_lag') AND (rows['click_lag'] = 0 OR run IN (SELECT run FROM click_lag_run GROUP BY run)))
COMMENT 'How long after a post, share or reply the clicks on it came, over 91 days: clicks that led to a visit, one a visitor and target, by side, place, kind of target and time from the target to the click. Rows without a bin hold what is in none';

-- What happened per day, brand, channel, community and side, beside the week and the year before.
CREATE OR REPLACE VIEW activity_daily AS
SELECT * FROM activity_daily_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'activity_daily') AND (rows['activity_daily'] = 0 OR run IN (SELECT run FROM activity_daily_run GROUP BY run)))
COMMENT 'What happened per day, brand, channel, community and side, beside the week and the year before. The emv_* columns are media price equivalents, not value, and never enter ROI';

-- When people address a brand, and how soon it answers: messages of 91 days by the hour and weekday of its own clock.
CREATE OR REPLACE VIEW answer_times AS
SELECT * FROM answer_times_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'answer_times') AND (rows['answer_times'] = 0 OR run IN (SELECT run FROM answer_times_run GROUP BY run)))
COMMENT 'When people address a brand, and how soon it answers: the messages of the 91 days that end a day before the data do, by the hour and weekday of the brand''s own clock. A message is a post that mentions the brand, or a reply that mentions it or answers it, by somebody known outside it; hours without one have no row';

-- What a week, month or quarter of roi was expected to return a week after its end, and what it returned once it was complete.
CREATE OR REPLACE VIEW backtest AS
WITH
    -- A minimum passes NULLs over, so each figure stands in a tuple.
    paired AS (
        SELECT
            r.brand AS brand, r.side AS side, r.period AS period, r.period_start AS period_start, max(r.period_end) AS period_end,
            -- Nearest to a week after the end.
            argMinIf((r.run, r.as_of, k.definitions, k.dimensions, r.roi_so_far, r.expected_share, toString(r.reason)),
                (abs(dateDiff('second', toDateTime(r.period_end + 7, 'UTC'), assumeNotNull(r.as_of))), r.run), NOT r.complete) AS early,
            -- The first that found the period complete.
            argMinIf((r.run, r.as_of, k.definitions, k.dimensions, r.roi, r.roi_low, r.roi_high, toString(r.reason)), r.run, r.complete) AS late
        FROM roi_run AS r INNER JOIN run AS k ON k.run = r.run
        WHERE r.period IN ('week', 'month', 'quarter') AND r.side IN ('broadcast', 'conversation', 'other') AND r.as_of >= toDateTime64(r.period_end, 3, 'UTC')
        GROUP BY brand, side, period, period_start
        HAVING max(r.complete) AND min(r.complete) = 0
    )
SELECT
    p.brand AS brand, p.side AS side, p.period AS period, p.period_start AS period_start, p.period_end AS period_end,
    p.early.1 AS early_run, p.early.2 AS early_as_of, p.late.1 AS late_run, p.late.2 AS late_as_of,
    p.early.5 AS roi_so_far, p.early.6 AS expected_share, (1 + roi_so_far) / nullIf(expected_share, 0) - 1 AS roi_expected,
    p.late.5 AS roi, p.late.6 AS roi_low, p.late.7 AS roi_high,
    multiIf(
        p.early.3 != p.late.3, 'definitions_changed', p.early.4 != p.late.4, 'dimensions_changed',
        roi_so_far IS NULL, p.early.7, roi_expected IS NULL, 'few_sales', roi IS NULL OR roi_low IS NULL, p.late.8, '') AS reason,
    if(reason IN ('definitions_changed', 'dimensions_changed'), NULL, roi_expected - roi) AS error,
    if(reason = '', toBool(roi_low <= roi_expected AND roi_expected <= roi_high), NULL) AS hit
FROM paired AS p
COMMENT 'What a complete week, month or quarter of roi was expected to return by the run nearest to a week after its end (roi_so_far, scaled by expected_share), and what the first run that found it complete said. Periods of which no run was kept before they were complete have no row. reason: definitions_changed (another program), dimensions_changed (rates or other tables that people load), few_sales (too few to say what share usually has come), else why one of the two says nothing';

-- Mentions per brand and day against the brand's own baseline: the same weekday of the four weeks before, with a robust spread.
CREATE OR REPLACE VIEW buzz AS
SELECT * FROM buzz_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'buzz') AND (rows['buzz'] = 0 OR run IN (SELECT run FROM buzz_run GROUP BY run)))
COMMENT 'Mentions per brand and day against the brand''s own baseline: the same weekday of the four weeks before, with a robust spread';

-- Who carried it over 91 days: what each person's shares set off, and what they brought.
CREATE OR REPLACE VIEW carriers AS
SELECT * FROM carriers_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'carriers') AND (rows['carriers'] = 0 OR run IN (SELECT run FROM carriers_run GROUP BY run)))
COMMENT 'Who carried it over 91 days: what each person''s shares set off, and what they brought. The brand''s own accounts are left out. Order by children, which adds up; credit is a rule, no cause';

-- How much of a brand's week can be trusted and what is missing, in plain words, beside the age of the run that says so.
CREATE OR REPLACE VIEW coverage AS
WITH
    (SELECT (max(run), argMax(published, run)) FROM run
        WHERE mapContains(rows, 'coverage') AND (rows['coverage'] = 0 OR run IN (SELECT run FROM coverage_run GROUP BY run))) AS newest,
    (SELECT any(c.complete_to) FROM completeness AS c) AS reached
SELECT *, if(run = 0, NULL, toUInt64(greatest(0, dateDiff('second', newest.2, now64(3))))) AS run_age_seconds, reached AS complete_to
FROM (
    SELECT * FROM coverage_run WHERE run = newest.1
    UNION ALL
    -- Before the first run, every brand that is known to be there, and this week.
    SELECT c.* REPLACE (b.brand AS brand, toMonday(today()) AS week, 'no run yet' AS missing)
    FROM (
        SELECT DISTINCT brand
        FROM (SELECT brand FROM brand UNION ALL SELECT brand FROM root UNION ALL SELECT brand FROM visit UNION ALL SELECT brand FROM conversion UNION ALL SELECT brand FROM cost)
        WHERE brand != '' AND newest.1 = 0
    ) AS b
    LEFT JOIN (SELECT * FROM coverage_run WHERE false) AS c ON c.brand = b.brand
)
SETTINGS join_use_nulls = 0
COMMENT 'How much of a brand''s week can be trusted and what is missing, in plain words, beside the age of the run that says so. Side by side by ROI needs a labour_coverage of at least 0.8. Before the first run: one row a brand, with missing = no run yet';

-- Whose credit each conversion is by the last touch that is not direct, within 30 days: one row per conversion and touch with a share, so counting rows and adding credit is right; credit adds up to the amount exactly.
CREATE OR REPLACE VIEW credit AS
SELECT * FROM credit_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'credit') AND (rows['credit'] = 0 OR run IN (SELECT run FROM credit_run GROUP BY run)))
COMMENT 'Whose credit each conversion is by the last touch that is not direct, within 30 days: one row per conversion and touch with a share, so counting rows and adding credit is right; credit adds up to the amount exactly. A conversion without a visitor or a touch has side unattributed. The sums under other rules are in roi_by_rule, row by row they are in credit_by_rule';

-- Whose credit each conversion is: one row per conversion, touch of it, model and look-back; credit adds up to the amount exactly.
CREATE OR REPLACE VIEW credit_by_rule AS
SELECT * FROM credit_by_rule_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'credit_by_rule') AND (rows['credit_by_rule'] = 0 OR run IN (SELECT run FROM credit_by_rule_run GROUP BY run)))
COMMENT 'Whose credit each conversion is: one row per conversion, touch of it, model and look-back; credit adds up to the amount exactly. Filter by model and lookback_days: sums over them count each conversion again. A conversion without a visitor or a touch has side unattributed. last is the last touch that is not direct (before_direct: a direct one followed); share is the part of the conversion, 1 in all. Made by grapevine rollup --credit-by-rule alone: shows the newest run that made it until two others were published, then nothing';

-- Who bought for the first time and who came back, per month and side.
CREATE OR REPLACE VIEW customers AS
SELECT * FROM customers_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'customers') AND (rows['customers'] = 0 OR run IN (SELECT run FROM customers_run GROUP BY run)))
COMMENT 'Who bought for the first time and who came back, per month and side. First is the first sale ever of the person to the brand, of those that are kept; a refund counts with its sale';

-- What each arm of an experiment sold per assigned unit against the control arm, in the reference currency: Welch's test, zeros included.
CREATE OR REPLACE VIEW experiments AS
SELECT * FROM experiments_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'experiments') AND (rows['experiments'] = 0 OR run IN (SELECT run FROM experiments_run GROUP BY run)))
COMMENT 'What each arm of an experiment sold per assigned unit against the control arm, in the reference currency: Welch''s test, zeros included';

-- Which types of events come as usual, and which have stopped.
CREATE OR REPLACE VIEW freshness AS
SELECT * FROM freshness_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'freshness') AND (rows['freshness'] = 0 OR run IN (SELECT run FROM freshness_run GROUP BY run)))
COMMENT 'Which types of events come as usual, and which have stopped: late is what has been silent for five usual gaps, as far as the data reach';

-- The ledger: what was spent and what came back, on the day of the money.
CREATE OR REPLACE VIEW money AS
SELECT * FROM money_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'money') AND (rows['money'] = 0 OR run IN (SELECT run FROM money_run GROUP BY run)))
COMMENT 'The ledger: what was spent and what came back, on the day of the money. entry: cost_money, cost_time, revenue, refund (negative), margin (of revenue and refunds; do not add it to them). Revenue goes to the last touch that is not direct, within 30 days; what has none is side unattributed, cost without a place, campaign or side is (unallocated). reason: why amount or amount_base is NULL: missing_hourly_rate, missing_margin_rate, missing_exchange_rate. The cash view: never call a ratio of it ROI';

-- Credit up the reshare path, per sharer and generation (-1: the middle that the click left out): accounting rules, not causes; filter by model.
CREATE OR REPLACE VIEW path_credit AS
SELECT * FROM path_credit_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'path_credit') AND (rows['path_credit'] = 0 OR run IN (SELECT run FROM path_credit_run GROUP BY run)))
COMMENT 'Credit up the reshare path, per sharer and generation (-1: the middle that the click left out): accounting rules, not causes; filter by model. NULL with a reason where the path is not known: target_unknown, path_inferred (more than half of its edges)';

-- Who takes part, comes back and carries it, per week: grain brand over everything of a brand, grain place per channel and community.
CREATE OR REPLACE VIEW people AS
SELECT * FROM people_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'people') AND (rows['people'] = 0 OR run IN (SELECT run FROM people_run GROUP BY run)))
COMMENT 'Who takes part, comes back and carries it, per week: grain brand over everything of a brand, grain place per channel and community. Never add people over rows';

-- Which places deserve the next hour: what each returned, pooled with the brand's other places, and what a reply and a post there bring.
CREATE OR REPLACE VIEW places AS
SELECT * FROM places_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'places') AND (rows['places'] = 0 OR run IN (SELECT run FROM places_run GROUP BY run)))
COMMENT 'Which places deserve the next hour: what each returned, pooled with the brand''s other places, and what a reply and a post there bring. average_roi and what stands on it are of the days from period_start to period_end under the configured rule, and say what was done, not what one more hour brings: only an experiment does. rank_low to rank_high: the ranks a place may have; tied: it may be the first, and the first is not known (place_rank is NULL). reason as in roi; also no_place (the row of what names no place), no_spread (too few units to say how much places vary), no_difference (no further apart than chance puts them: all are ties), tied. replies_reason, posts_reason: none_written, no_visits, few_roots (fewer than 20 posts), few_units. busy_reason: few_places (fewer than 20)';

-- How many visits follow a reply of the brand within 15 and 60 minutes: a regression by minute, with intervals by day and leads; never a cause.
CREATE OR REPLACE VIEW response AS
SELECT * FROM response_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'response') AND (rows['response'] = 0 OR run IN (SELECT run FROM response_run GROUP BY run)))
COMMENT 'How many visits follow a reply of the brand within 15 and 60 minutes: a regression by minute, with intervals by day and leads; never a cause. beside_immediacy: agrees where clicks come sooner to conversation and low is above 0, contradicts where they do and high is below 0.1, else cannot_tell. reason: fewer than 14 whole days, no brand replies, replies on fewer than 10 days, the lags cannot be told apart';

-- What each cohort of posts returned: posts of a week, the cost of the days of that week, conversions up to the look-back after each post, credited to it by the configured rule.
CREATE OR REPLACE VIEW roi_cohort AS
SELECT * FROM roi_cohort_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'roi_cohort') AND (rows['roi_cohort'] = 0 OR run IN (SELECT run FROM roi_cohort_run GROUP BY run)))
COMMENT 'What each cohort of posts returned: posts of a week, the cost of the days of that week, conversions up to the look-back after each post, credited to it by the configured rule. The side all is the whole: do not add it to the others. Margin of touches without a post is in margin_without_post, by the week of the touch, and in no other column. A refund counts with its sale, however late it comes. engagements: shares, replies of others and reactions. basis: the best evidence among the brand''s conversions of the time: clicks, utm, visits, none. reason, of roi or of its interval: unallocated_cost (cost without a side), no_posts, not_mature, no_conversions, no_touch (no visitor or no visit known), no_clicks (visits known, but not from which post), missing_hourly_rate, other_currency (part of it was sold by a brand with another base currency), missing_exchange_rate, missing_margin_rate, labour_coverage (side by side needs known work in 80 % of the brand''s active weeks), no_cost; of the interval alone: no_value (nothing or less came back), few_roots (value from fewer than two effective roots), unbounded_estimate (estimated seconds without low and high), no_cost_at_low_estimate';

-- How many came, from which side and place, and how much of it can be told: visits and clicks per brand and day.
CREATE OR REPLACE VIEW traffic AS
SELECT * FROM traffic_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'traffic') AND (rows['traffic'] = 0 OR run IN (SELECT run FROM traffic_run GROUP BY run)))
COMMENT 'How many came, from which side and place, and how much of it can be told: visits and clicks per brand and day';

-- What each side of a brand returned in a period.
CREATE OR REPLACE VIEW roi AS
SELECT * FROM roi_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'roi') AND (rows['roi'] = 0 OR run IN (SELECT run FROM roi_run GROUP BY run)))
COMMENT 'What each side of a brand returned in a period. Margin credited to touches on the brands days of the period, less the cost of those days, over that cost, by the last touch that is not direct, within 30 days. What is credited is not what is caused: only experiments say that. Rows of one kind of period add up in margin_base and cost_base';

-- What each side of a channel returned in a period.
CREATE OR REPLACE VIEW roi_channel AS
SELECT * FROM roi_channel_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'roi_channel') AND (rows['roi_channel'] = 0 OR run IN (SELECT run FROM roi_channel_run GROUP BY run)))
COMMENT 'What each side of a channel returned in a period';

-- What each side of a campaign returned in a period.
CREATE OR REPLACE VIEW roi_campaign AS
SELECT * FROM roi_campaign_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'roi_campaign') AND (rows['roi_campaign'] = 0 OR run IN (SELECT run FROM roi_campaign_run GROUP BY run)))
COMMENT 'What each side of a campaign returned in a period';

-- What each side of a place returned in a period.
CREATE OR REPLACE VIEW roi_place AS
SELECT * FROM roi_place_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'roi_place') AND (rows['roi_place'] = 0 OR run IN (SELECT run FROM roi_place_run GROUP BY run)))
COMMENT 'What each side of a place returned in a period';

-- What each side of a channel returned in a period under each rule of credit and look-back.
CREATE OR REPLACE VIEW roi_by_rule AS
SELECT * FROM roi_by_rule_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'roi_by_rule') AND (rows['roi_by_rule'] = 0 OR run IN (SELECT run FROM roi_by_rule_run GROUP BY run)))
COMMENT 'What each side of a channel returned in a period under each rule of credit and look-back. Sums over channels are the brands; never add over rules or look-backs';

-- Which of two returns is higher: sides, places, periods.
CREATE OR REPLACE VIEW comparison AS
SELECT * FROM comparison_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'comparison') AND (rows['comparison'] = 0 OR run IN (SELECT run FROM comparison_run GROUP BY run)))
COMMENT 'Which of two returns is higher: sides, places, periods. What both share, demand and season, drops out, so a difference can be told where a single return cannot';

-- Whether people come at once to conversation and later to broadcast.
CREATE OR REPLACE VIEW immediacy AS
SELECT * FROM immediacy_run
WHERE run = (SELECT max(run) FROM run WHERE mapContains(rows, 'immediacy') AND (rows['immediacy'] = 0 OR run IN (SELECT run FROM immediacy_run GROUP BY run)))
COMMENT 'Whether people come at once to conversation and later to broadcast. From clicks alone, those of machines and of people in the thread left out';
