-- Facts as analysts read them, and the dimensions that an operator loads.
--
-- Facts (click, visit, conversion, cost, assignment, report) stand once per id: the first copy in the log, of copies in
-- several sources the one with the least offset. Their rows
-- hold only what their own events say. Exchange rates, hourly rates, margins, prices, owners of campaigns and the like
-- are dimensions: dated tables that are joined in views as of the day, so that a corrected row restates history without
-- a replay. Load them with INSERT; a second row under the same key replaces the first.

-- Exchange rates.
CREATE TABLE IF NOT EXISTS fx (
    valid_from Date COMMENT 'First day on which the rate holds; it holds until the next row of the currency',
    currency   LowCardinality(String) COMMENT 'ISO 4217 code',
    to_base    Decimal(18, 8) COMMENT 'What one unit of the currency is worth in the reference currency, which has the rate 1'
) ENGINE = ReplacingMergeTree
ORDER BY (currency, valid_from)
COMMENT 'Exchange rates, dated: what one unit of a currency is worth in the reference currency';

-- What an hour of work costs.
CREATE TABLE IF NOT EXISTS labour_rate (
    valid_from Date COMMENT 'First day on which the rate holds; it holds until the next row of the role',
    role       LowCardinality(String) COMMENT 'Role, as in the cost events',
    rate       Decimal(18, 4) COMMENT 'Loaded cost of an hour',
    currency   LowCardinality(String) COMMENT 'ISO 4217 code'
) ENGINE = ReplacingMergeTree
ORDER BY (role, valid_from)
COMMENT 'What an hour of work costs, by role, dated';

-- What the same attention would have cost as advertising. Never enters ROI.
CREATE TABLE IF NOT EXISTS media_price (
    valid_from Date COMMENT 'First day on which the price holds; it holds until the next row of the metric and channel',
    metric     LowCardinality(String) COMMENT 'impression, reaction, reply, share or click',
    channel    LowCardinality(String) COMMENT 'Channel; empty: every channel without a price of its own',
    price      Decimal(18, 8) COMMENT 'Price of one',
    currency   LowCardinality(String) COMMENT 'ISO 4217 code'
) ENGINE = ReplacingMergeTree
ORDER BY (metric, channel, valid_from)
COMMENT 'Media prices for the earned media value, dated; they never enter ROI';

-- Brands.
CREATE TABLE IF NOT EXISTS brand (
    valid_from    Date COMMENT 'First day on which the row holds; it holds until the next row of the brand',
    brand         LowCardinality(String) COMMENT 'Brand, as in the events',
    margin_rate   Nullable(Decimal(9, 6)) COMMENT 'Margin as a share of revenue, where the conversion does not say; NULL: not known',
    timezone      LowCardinality(String) DEFAULT 'UTC' COMMENT 'Name of the time zone of the brand''s business days',
    base_currency LowCardinality(String) DEFAULT '' COMMENT 'Currency in which the brand''s figures are shown; empty: the reference currency',
    landing_hosts Array(String) DEFAULT [] COMMENT 'The brand''s own hosts: a referrer among them is no touch',
    seconds_per_reply Nullable(UInt32) COMMENT 'Handling time of one reply of the brand by rule, where time is not logged; NULL: no rule',
    seconds_per_reply_low Nullable(UInt32) COMMENT 'Its lower bound',
    seconds_per_reply_high Nullable(UInt32) COMMENT 'Its upper bound',
    reply_role    LowCardinality(String) DEFAULT '' COMMENT 'Role whose hourly rate that time costs'
) ENGINE = ReplacingMergeTree
ORDER BY (brand, valid_from)
COMMENT 'Brands, dated: margin, time zone, base currency, own hosts, handling time by rule';

-- Campaigns.
CREATE TABLE IF NOT EXISTS campaign (
    valid_from Date COMMENT 'First day on which the row holds; it holds until the next row of the campaign',
    campaign   LowCardinality(String) COMMENT 'Campaign, as in the events',
    brand      LowCardinality(String) COMMENT 'Brand that it belongs to',
    owner      LowCardinality(String) COMMENT 'Who answers for it',
    objective  LowCardinality(String) COMMENT 'What it is for'
) ENGINE = ReplacingMergeTree
ORDER BY (campaign, valid_from)
COMMENT 'Campaigns, dated: brand, owner, objective';

-- Places: a community of a channel.
CREATE TABLE IF NOT EXISTS place (
    valid_from Date COMMENT 'First day on which the row holds; it holds until the next row of the place',
    channel    LowCardinality(String) COMMENT 'Channel, as in the events',
    community  LowCardinality(String) COMMENT 'Community, as in the events',
    name       String COMMENT 'Name for people',
    kind       LowCardinality(String) COMMENT 'Kind of place, such as forum or feed',
    members    Nullable(UInt64) COMMENT 'How many members it has; NULL: not known'
) ENGINE = ReplacingMergeTree
ORDER BY (channel, community, valid_from)
COMMENT 'Places (channel and community), dated: name, kind, members';

-- What a link parameter or a referrer says of the side, where no click tells.
CREATE TABLE IF NOT EXISTS utm_side (
    field LowCardinality(String) COMMENT 'utm_medium, utm_source or referrer_host',
    value String COMMENT 'Its value, in lower case',
    side  LowCardinality(String) COMMENT 'broadcast, conversation or other'
) ENGINE = ReplacingMergeTree
ORDER BY (field, value)
COMMENT 'Which side a link parameter or a referring host stands for, where no click tells';

-- Classes of accounts.
CREATE TABLE IF NOT EXISTS actor (
    valid_from Date COMMENT 'First day on which the row holds; it holds until the next row of the account',
    actor      UInt64 COMMENT 'Keyed hash of the account, as in the tables: grapevine pseudonym actor',
    class      LowCardinality(String) COMMENT 'Such as bot, staff, partner',
    cluster    LowCardinality(String) COMMENT 'Accounts of one hand; empty: on its own',
    brand      LowCardinality(String) DEFAULT '' COMMENT 'Brand whose account it is; empty: nobody''s',
    name       String DEFAULT '' COMMENT 'Name for people'
) ENGINE = ReplacingMergeTree
ORDER BY (actor, valid_from)
COMMENT 'Classes and clusters of accounts, dated';

-- Who a visitor is.
CREATE TABLE IF NOT EXISTS identity (
    valid_from Date COMMENT 'First day on which the row holds; it holds until the next row of the visitor',
    visitor    UInt64 COMMENT 'Keyed hash of the visitor, as in the tables: grapevine pseudonym visitor',
    person     String COMMENT 'One person over devices and browsers; for experiments on persons: grapevine pseudonym visitor',
    account    String COMMENT 'Account or customer that the person belongs to; empty: none',
    actor      UInt64 DEFAULT 0 COMMENT 'Keyed hash of the social account of the same person, as in the tables: grapevine pseudonym actor; 0: not known'
) ENGINE = ReplacingMergeTree
ORDER BY (visitor, valid_from)
COMMENT 'Visitors, persons and accounts, dated';

-- What else moved traffic.
CREATE TABLE IF NOT EXISTS calendar (
    time  DateTime64(3, 'UTC') COMMENT 'When it happened',
    brand LowCardinality(String) COMMENT 'Brand; empty: every brand',
    kind  LowCardinality(String) COMMENT 'Such as mail, ad, launch, news',
    name  String COMMENT 'Name for people'
) ENGINE = ReplacingMergeTree
ORDER BY (brand, time, kind, name)
COMMENT 'Mails, ads, launches and other events that moved traffic';

-- Link parameters and campaigns are written as people like, and sent decoded or as the link holds them. The tables keep what was sent;
-- `decoded` is what was meant: a + before another character is a blank (c++ and google+ keep theirs), percent sequences are decoded unless
-- that is no text, and blanks at the ends go. Sources, media and campaigns are compared in lower case; contents and terms may be ids and keep
-- their case. A function would belong to the whole server and not to this database, so each view spells `decoded` out; a test compares them.

-- Rows of the table click under the active epoch: one per id, the first copy. Link parameters and campaign in one spelling.
CREATE OR REPLACE VIEW click_row AS
WITH text -> trim(BOTH ' \t\r\n' FROM if(isValidUTF8(decodeURLComponent(replaceRegexpAll(text, '[+]([^+\\s])', ' \\1'))), decodeURLComponent(replaceRegexpAll(text, '[+]([^+\\s])', ' \\1')), text)) AS decoded
SELECT * REPLACE (
    toLowCardinality(lowerUTF8(decoded(utm_source))) AS utm_source, toLowCardinality(lowerUTF8(decoded(utm_medium))) AS utm_medium,
    toLowCardinality(lowerUTF8(decoded(utm_campaign))) AS utm_campaign, decoded(utm_content) AS utm_content, decoded(utm_term) AS utm_term,
    toLowCardinality(lowerUTF8(decoded(campaign))) AS campaign)
FROM click FINAL
WHERE ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
        OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
ORDER BY id, version DESC, source
LIMIT 1 BY id
COMMENT 'Rows of the table click under the active epoch: one per id, the first copy. Link parameters and campaign in one spelling';

-- Rows of the table visit under the active epoch: one per id, the first copy. Link parameters in one spelling.
CREATE OR REPLACE VIEW visit_row AS
WITH text -> trim(BOTH ' \t\r\n' FROM if(isValidUTF8(decodeURLComponent(replaceRegexpAll(text, '[+]([^+\\s])', ' \\1'))), decodeURLComponent(replaceRegexpAll(text, '[+]([^+\\s])', ' \\1')), text)) AS decoded
SELECT * REPLACE (
    toLowCardinality(lowerUTF8(decoded(utm_source))) AS utm_source, toLowCardinality(lowerUTF8(decoded(utm_medium))) AS utm_medium,
    toLowCardinality(lowerUTF8(decoded(utm_campaign))) AS utm_campaign, decoded(utm_content) AS utm_content, decoded(utm_term) AS utm_term)
FROM visit FINAL
WHERE ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
        OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
ORDER BY id, version DESC, source
LIMIT 1 BY id
COMMENT 'Rows of the table visit under the active epoch: one per id, the first copy. Link parameters in one spelling';

-- Rows of the table conversion under the active epoch: one per id, the first copy. A refund takes back, whatever sign was sent.
CREATE OR REPLACE VIEW conversion_row AS
SELECT * REPLACE (if(refund_of != '', -abs(amount), amount) AS amount) FROM conversion FINAL
WHERE ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
        OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
ORDER BY id, version DESC, source
LIMIT 1 BY id
COMMENT 'Rows of the table conversion under the active epoch: one per id, the first copy';

-- Rows of the table cost under the active epoch: one per id, the first copy. Campaigns in one spelling.
CREATE OR REPLACE VIEW cost_row AS
WITH text -> trim(BOTH ' \t\r\n' FROM if(isValidUTF8(decodeURLComponent(replaceRegexpAll(text, '[+]([^+\\s])', ' \\1'))), decodeURLComponent(replaceRegexpAll(text, '[+]([^+\\s])', ' \\1')), text)) AS decoded
SELECT * REPLACE (toLowCardinality(lowerUTF8(decoded(campaign))) AS campaign) FROM cost FINAL
WHERE ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
        OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
ORDER BY id, version DESC, source
LIMIT 1 BY id
COMMENT 'Rows of the table cost under the active epoch: one per id, the first copy. Campaigns in one spelling';

-- Rows of the table assignment under the active epoch: one per id, the first copy.
CREATE OR REPLACE VIEW assignment_row AS
SELECT * FROM assignment FINAL
WHERE ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
        OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
ORDER BY id, version DESC, source
LIMIT 1 BY id
COMMENT 'Rows of the table assignment under the active epoch: one per id, the first copy';

-- Rows of the table report under the active epoch: one per id, the first copy. Campaigns in one spelling.
CREATE OR REPLACE VIEW report_row AS
WITH text -> trim(BOTH ' \t\r\n' FROM if(isValidUTF8(decodeURLComponent(replaceRegexpAll(text, '[+]([^+\\s])', ' \\1'))), decodeURLComponent(replaceRegexpAll(text, '[+]([^+\\s])', ' \\1')), text)) AS decoded
SELECT * REPLACE (toLowCardinality(lowerUTF8(decoded(campaign))) AS campaign) FROM report FINAL
WHERE ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
        OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
ORDER BY id, version DESC, source
LIMIT 1 BY id
COMMENT 'Rows of the table report under the active epoch: one per id, the first copy. Campaigns in one spelling';

-- The table campaign with its campaigns in one spelling; of two rows that say the same the first by name stands. A building block.
CREATE OR REPLACE VIEW campaign_row AS
WITH text -> trim(BOTH ' \t\r\n' FROM if(isValidUTF8(decodeURLComponent(replaceRegexpAll(text, '[+]([^+\\s])', ' \\1'))), decodeURLComponent(replaceRegexpAll(text, '[+]([^+\\s])', ' \\1')), text)) AS decoded
SELECT k.valid_from AS valid_from, toLowCardinality(lowerUTF8(decoded(k.campaign))) AS campaign, k.brand AS brand, k.owner AS owner, k.objective AS objective
FROM campaign AS k FINAL
ORDER BY k.campaign
LIMIT 1 BY campaign, valid_from
COMMENT 'The table campaign with its campaigns in one spelling; of two rows that say the same the first by name stands. A building block of money and roi';

-- Copies of facts: events that were accepted and stand in no view, because their id was there before, in any source; what they say is lost.
CREATE OR REPLACE VIEW fact_copies AS
WITH
    counted AS (
        SELECT reached.source AS source, reached.first AS first, reached.version AS next, reached.accepted_by_type AS accepted_by_type, lost.holes AS holes
        FROM progress AS reached FINAL
        LEFT JOIN (SELECT epoch, source, groupArray((first, next)) AS holes FROM gap FINAL GROUP BY epoch, source) AS lost USING (epoch, source)
        WHERE ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
                OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
        SETTINGS distributed_product_mode = 'local'
    ),
    -- The version of a fact counts its offset down from the largest number.
    standing AS (
        SELECT 'click' AS type, source, bitNot(version) AS place FROM click_row
        UNION ALL SELECT 'visit' AS type, source, bitNot(version) AS place FROM visit_row
        UNION ALL SELECT 'conversion' AS type, source, bitNot(version) AS place FROM conversion_row
        UNION ALL SELECT 'cost' AS type, source, bitNot(version) AS place FROM cost_row
        UNION ALL SELECT 'assign' AS type, source, bitNot(version) AS place FROM assignment_row
        UNION ALL SELECT 'report' AS type, source, bitNot(version) AS place FROM report_row
    )
SELECT type, accepted, kept, toUInt64(greatest(0, toInt64(accepted) - toInt64(kept))) AS copies
FROM (
    SELECT type, sum(accepted_by_type[type]) AS accepted
    FROM counted ARRAY JOIN ['click', 'visit', 'conversion', 'cost', 'assign', 'report'] AS type
    GROUP BY type
) AS heard
LEFT JOIN (
    -- Only what is in the counts: rows may be there before their progress is, and from the gap before a resumption.
    SELECT type, countIf(place >= first AND place < next AND NOT arrayExists(hole -> place >= hole.1 AND place < hole.2, holes)) AS kept
    FROM standing INNER JOIN counted USING (source)
    GROUP BY type
) AS found USING (type)
ORDER BY type
SETTINGS join_use_nulls = 0
COMMENT 'Copies of facts, by type: accepted, of all brands; kept, of those the ones that stand in the views; copies, the rest: their id was there before, in any source, and what they say is lost. Rows that were deleted count as copies, too';
