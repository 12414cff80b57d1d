-- Answers, and the record of the runs that made them. `grapevine rollup` writes these tables; people read the views of
-- 011_public.sql, which show the newest run that is whole.
--
-- One run is one partition of each answer's table, and goes as a whole. A run is published by its row in `run`, written last:
-- what a killed run left behind is never read.

-- One run of `grapevine rollup` that was published.
CREATE TABLE IF NOT EXISTS run (
    run         UInt64 COMMENT 'Number of the run: unix milliseconds of the server when it began, and greater than every earlier one',
    published   DateTime64(3, 'UTC') COMMENT 'When it was published',
    seconds     Float64 COMMENT 'How long it took',
    program     LowCardinality(String) COMMENT 'Version of the program',
    as_of       Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached: the least watermark of the sources that had more to read, else the newest; NULL: none had reported',
    next        Map(String, UInt64) COMMENT 'First offset of each source that is not in its facts; trees and windows may be ahead of it',
    definitions UInt64 COMMENT 'Check value of what the models and answers of this program mean',
    dimensions  UInt64 COMMENT 'Check value of the dimension tables and active epochs that it read',
    rows        Map(String, UInt64) COMMENT 'Rows of each answer'
) ENGINE = MergeTree
ORDER BY run
COMMENT 'Runs of grapevine rollup that were published';

-- How long after a post, share or reply the clicks on it came.
CREATE TABLE IF NOT EXISTS click_lag_run (
    run              UInt64 COMMENT 'Number of the run',
    as_of            Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    brand            LowCardinality(String) COMMENT 'Brand of the root post',
    side             LowCardinality(String) COMMENT 'conversation for clicks on replies, broadcast for clicks on posts and shares',
    channel          LowCardinality(String) COMMENT 'Channel of the root post',
    community        LowCardinality(String) COMMENT 'Community of the root post',
    target_kind      LowCardinality(String) COMMENT 'What was clicked',
    bin              LowCardinality(String) COMMENT 'Time from the target to the click, or empty: what is in no bin',
    clicks           UInt64 COMMENT 'Clicks that led to a visit, one a visitor and target',
    unconfirmed      UInt64 COMMENT 'Other clicks on the same targets',
    participant      UInt64 COMMENT 'Clicks of people who wrote in the thread or cascade before',
    target_unknown   UInt64 COMMENT 'Clicks whose target had not been seen',
    late             UInt64 COMMENT 'Clicks 24 hours or more after the target',
    shares           UInt64 COMMENT 'Shares in the same days',
    clicks_per_share Nullable(Float64) COMMENT 'Clicks on shares / shares',
    visits_per_share Nullable(Float64) COMMENT 'Visits from clicks on shares / shares'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (brand, side, channel, community, target_kind, bin)
COMMENT 'How long after a post, share or reply the clicks on it came, by run';

-- What happened per day, brand, channel, community and side, beside the week and the year before.
CREATE TABLE IF NOT EXISTS activity_daily_run (
    run                              UInt64 COMMENT 'Number of the run',
    as_of                            Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    day                              Date COMMENT 'The brand''s own day',
    brand                            LowCardinality(String) COMMENT 'Brand of the root post',
    channel                          String COMMENT 'Channel of the root post; empty on the rows that keep every day present',
    community                        String COMMENT 'Community of the root post; empty on the rows that keep every day present',
    side                             String COMMENT 'Side of what happened',
    posts                            Int64 COMMENT 'Posts: root posts',
    shares                           Int64 COMMENT 'Shares: shares of all kinds',
    quotes                           Int64 COMMENT 'Quotes: shares that are quotes',
    replies                          Int64 COMMENT 'Replies: audience_replies + brand_replies; on the side broadcast those below posts of the brand where nobody else has replied',
    brand_replies                    Int64 COMMENT 'Replies by the brand: replies that the brand wrote',
    audience_replies                 Int64 COMMENT 'Replies of the audience: replies of everybody but the brand',
    reactions                        Int64 COMMENT 'Reactions: reactions to posts and to what is below them',
    clicks                           Int64 COMMENT 'Clicks: clicks on links of posts and of what is below them',
    impressions                      Float64 COMMENT 'Impressions: growth of the platform''s own gauge',
    sharers                          Int64 COMMENT 'People who shared: distinct known people who shared',
    repliers                         Int64 COMMENT 'People who replied: distinct known people who replied',
    posts_previous_period            Nullable(Int64) COMMENT 'Posts a week before: posts of the same place seven days before',
    shares_previous_period           Nullable(Int64) COMMENT 'Shares a week before: shares of the same place seven days before',
    audience_replies_previous_period Nullable(Int64) COMMENT 'Replies of the audience a week before: audience_replies seven days before',
    brand_replies_previous_period    Nullable(Int64) COMMENT 'Replies by the brand a week before: brand_replies seven days before',
    reactions_previous_period        Nullable(Int64) COMMENT 'Reactions a week before: reactions seven days before',
    clicks_previous_period           Nullable(Int64) COMMENT 'Clicks a week before: clicks seven days before',
    posts_usual                      Nullable(Float64) COMMENT 'Posts usually: mean of the same weekday of the 28 days before, of the same place',
    shares_usual                     Nullable(Float64) COMMENT 'Shares usually: mean of the same weekday of the 28 days before, of the same place',
    audience_replies_usual           Nullable(Float64) COMMENT 'Replies of the audience usually: mean of the same weekday of the 28 days before, of the same place',
    brand_replies_usual              Nullable(Float64) COMMENT 'Replies by the brand usually: mean of the same weekday of the 28 days before, of the same place',
    reactions_usual                  Nullable(Float64) COMMENT 'Reactions usually: mean of the same weekday of the 28 days before, of the same place',
    clicks_usual                     Nullable(Float64) COMMENT 'Clicks usually: mean of the same weekday of the 28 days before, of the same place',
    posts_previous_year              Nullable(Int64) COMMENT 'Posts a year before: posts of the same place 364 days before',
    shares_previous_year             Nullable(Int64) COMMENT 'Shares a year before: shares 364 days before',
    audience_replies_previous_year   Nullable(Int64) COMMENT 'Replies of the audience a year before: audience_replies 364 days before',
    brand_replies_previous_year      Nullable(Int64) COMMENT 'Replies by the brand a year before: brand_replies 364 days before',
    reactions_previous_year          Nullable(Int64) COMMENT 'Reactions a year before: reactions 364 days before',
    clicks_previous_year             Nullable(Int64) COMMENT 'Clicks a year before: clicks 364 days before',
    brand_posts                      Int64 COMMENT 'Posts of the brand: root posts that the brand wrote',
    conversation_rate                Nullable(Float64) COMMENT 'Conversation rate: replies of the audience to posts of the brand / posts of the brand',
    amplification_rate               Nullable(Float64) COMMENT 'Amplification rate: shares of posts of the brand / posts of the brand',
    applause_rate                    Nullable(Float64) COMMENT 'Applause rate: reactions to posts of the brand / posts of the brand',
    emv_shares                       Nullable(Decimal(38, 6)) COMMENT 'Media price of the shares: shares * price of one share as of the day',
    emv_replies                      Nullable(Decimal(38, 6)) COMMENT 'Media price of the replies: audience_replies * price of one reply as of the day',
    emv_reactions                    Nullable(Decimal(38, 6)) COMMENT 'Media price of the reactions: reactions * price of one reaction as of the day',
    emv_clicks                       Nullable(Decimal(38, 6)) COMMENT 'Media price of the clicks: clicks * price of one click as of the day',
    emv_impressions                  Nullable(Decimal(38, 6)) COMMENT 'Media price of the impressions: impressions * price of one impression as of the day',
    emv                              Nullable(Decimal(38, 6)) COMMENT 'Earned media value: emv_shares + emv_replies + emv_reactions + emv_clicks + emv_impressions',
    emv_currency                     LowCardinality(String) COMMENT 'Currency of the emv columns, the brand''s base currency; empty is the reference currency',
    emv_reason                       String COMMENT 'Why emv is NULL'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (brand, day)
COMMENT 'What happened per day, brand, channel, community and side, beside the week and the year before, by run';

-- When people address a brand, and how soon it answers: messages by the hour and weekday of its own clock.
CREATE TABLE IF NOT EXISTS answer_times_run (
    run               UInt64 COMMENT 'Number of the run',
    as_of             Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    brand             LowCardinality(String) COMMENT 'Brand of the root post',
    channel           LowCardinality(String) COMMENT 'Channel of the root post',
    weekday           UInt8 COMMENT 'Weekday of the message on the brand''s own clock, 1 is Monday',
    hour              UInt8 COMMENT 'Hour of the message on the brand''s own clock, 0 to 23',
    messages          UInt64 COMMENT 'Messages to the brand',
    within_15_minutes UInt64 COMMENT 'Those of them whose first answer by the brand came within 15 minutes',
    within_1_hour     UInt64 COMMENT 'Those of them whose first answer by the brand came within an hour',
    within_24_hours   UInt64 COMMENT 'Those of them whose first answer by the brand came within 24 hours'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (brand, channel, weekday, hour)
COMMENT 'When people address a brand, and how soon it answers: messages by the hour and weekday of its own clock, by run';

-- Mentions per brand and day against the brand''s own baseline: the same weekday of the four weeks before, with a robust spread.
CREATE TABLE IF NOT EXISTS buzz_run (
    run          UInt64 COMMENT 'Number of the run',
    as_of        Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    brand        LowCardinality(String) COMMENT 'Brand, as in the events',
    day          Date COMMENT 'The brand''s own day',
    mentions     Int64 COMMENT 'Mentions: posts + shares + replies that mention the brand',
    day_complete Bool COMMENT 'Whether every living source has been read to the end of the day',
    reason       String COMMENT 'Why z is NULL',
    baseline     Nullable(Float64) COMMENT 'Baseline: median of the same weekday in the four weeks before',
    spread       Nullable(Float64) COMMENT 'Spread: 2.32 * median distance of those weeks'' days from the medians of their weekdays; at least the noise of a count',
    ratio        Nullable(Float64) COMMENT 'Times the usual: mentions / baseline',
    z            Nullable(Float64) COMMENT 'Distance from the usual: (mentions - baseline) / spread',
    verdict      Nullable(String) COMMENT 'high above 3 spreads, low below -3, else usual; NULL where z is'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (brand, day)
COMMENT 'Mentions per brand and day against the brand''s own baseline: the same weekday of the four weeks before, with a robust spread, by run';

-- Who carried it over 91 days: what each person's shares set off, and what they brought.
CREATE TABLE IF NOT EXISTS carriers_run (
    run             UInt64 COMMENT 'Number of the run',
    as_of           Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    brand           LowCardinality(String) COMMENT 'Brand of the root posts, and of the sales',
    actor           UInt64 COMMENT 'Keyed hash of the account; none of the brand''s own',
    children        UInt64 COMMENT 'Shares that hang directly from shares of this person',
    largest_subtree UInt64 COMMENT 'Shares below one share of this person, of that with most',
    truncated       Bool COMMENT 'Whether one of these cascades lists only 32 of the shares that were shared on: children is a lower bound',
    credit_base     Nullable(Decimal(38, 6)) COMMENT 'Revenue credited up the reshare path by decay_path, refunds taken off',
    margin_base     Nullable(Decimal(38, 6)) COMMENT 'Its margin',
    sales           UInt64 COMMENT 'Sales of which some is credited to this person',
    buyers          UInt64 COMMENT 'People who bought them',
    posts           UInt64 COMMENT 'Root posts whose clicks led to them',
    reason          LowCardinality(String) COMMENT 'few_buyers: fewer than five bought, so that chance decides'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (brand, actor)
COMMENT 'Who carried it over 91 days: what each person''s shares set off, and what they brought, by run';

-- How much of a brand's week can be trusted and what is missing, in plain words.
CREATE TABLE IF NOT EXISTS coverage_run (
    run                            UInt64 COMMENT 'Number of the run',
    as_of                          Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    brand                          LowCardinality(String) COMMENT 'Brand, as in the events',
    week                           Date COMMENT 'Monday of the week, of the brand''s own days',
    week_complete                  Bool COMMENT 'Whether the data reach to the end of the week',
    sources                        Nullable(UInt64) COMMENT 'Partitions that have written rows',
    sources_behind                 Nullable(UInt64) COMMENT 'Those more than a day behind the newest, with something left to read or without a sign of life',
    rejected_share                 Nullable(Float64) COMMENT 'Records that were no events / records read',
    gaps                           UInt64 COMMENT 'Resumptions that left offsets in no count',
    gap_records                    UInt64 COMMENT 'Offsets in no count',
    events                         UInt64 COMMENT 'Posts, shares, replies, reactions and clicks',
    edges                          UInt64 COMMENT 'Shares and replies of the trees whose post is of the week',
    inferred_share                 Nullable(Float64) COMMENT 'Edges hung from the root because their parent is unknown / edges',
    clicks                         UInt64 COMMENT 'Click events',
    clicks_with_target_share       Nullable(Float64) COMMENT 'Clicks on a known post, share or reply / clicks',
    visits                         UInt64 COMMENT 'Visit events',
    visits_with_visitor_share      Nullable(Float64) COMMENT 'Visits that name a visitor / visits',
    visits_with_click_share        Nullable(Float64) COMMENT 'Visits that name a click / visits',
    visits_with_utm_share          Nullable(Float64) COMMENT 'Visits with a utm value / visits',
    conversions                    UInt64 COMMENT 'Conversion events and refunds',
    conversions_with_visitor_share Nullable(Float64) COMMENT 'Conversions that name a visitor / conversions',
    conversions_without_margin     UInt64 COMMENT 'Conversions with no margin rate of their own and none in the table brand',
    costs                          UInt64 COMMENT 'Cost events',
    costs_with_place_share         Nullable(Float64) COMMENT 'Costs that name a channel or community / costs',
    active_days                    UInt64 COMMENT 'Days on which the brand posted or replied',
    active_days_with_time          UInt64 COMMENT 'Those on which time was logged and not all taken back',
    active_days_with_time_share    Nullable(Float64) COMMENT 'active_days_with_time / active_days',
    time_by_rule                   Bool COMMENT 'Whether the table brand gives a handling time per reply',
    labour_known                   Nullable(Bool) COMMENT 'Whether the week has time, logged or by rule; NULL in a week without activity',
    labour_coverage                Nullable(Float64) COMMENT 'The brand''s active weeks with time / its active weeks',
    missing_rates                  String COMMENT 'Exchange rates and hourly rates that are missing, by name',
    missing                        String COMMENT 'Everything that is missing, in words'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (brand, week)
COMMENT 'How much of a brand''s week can be trusted and what is missing, in plain words, by run';

-- Whose credit each conversion is by the last touch that is not direct, within 30 days: one row per conversion and touch with a share; credit adds up to the amount exactly.
CREATE TABLE IF NOT EXISTS credit_run (
    run           UInt64 COMMENT 'Number of the run',
    as_of         Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    model         String COMMENT 'Rule of credit',
    lookback_days UInt8 COMMENT 'Days before the sale in which a touch counts',
    conversion    String COMMENT 'Id of the conversion or refund',
    at            DateTime64(3, 'UTC') COMMENT 'Time of the conversion',
    day           Date COMMENT 'The brand''s own day of the conversion',
    brand         String COMMENT 'Brand of the conversion',
    kind          LowCardinality(String) COMMENT 'Kind of the conversion',
    currency      LowCardinality(String) COMMENT 'Currency of credit',
    margin_rate   Nullable(Decimal(9, 6)) COMMENT 'Margin rate: of the conversion; else of its sale; else of the brand as of the sale',
    refund_of     String COMMENT 'Sale that this takes back; it stands on the touches of the sale',
    sold_at       DateTime64(3, 'UTC') COMMENT 'Time of the sale; that of the conversion itself where it takes nothing back',
    touched       DateTime64(3, 'UTC') COMMENT 'Time of the touch',
    touched_day   Date COMMENT 'The brand''s own day of the touch; of the sale where there was none',
    visit         String COMMENT 'Id of the visit that was the touch; empty where there was none',
    side          String COMMENT 'Side of the touch; unattributed where no visitor or no touch is known',
    channel       String COMMENT 'Channel of the touch',
    community     String COMMENT 'Community of the touch',
    campaign      String COMMENT 'Campaign of the touch',
    root          String COMMENT 'Root post of the touch',
    click         String COMMENT 'Click of the touch',
    direct        Bool COMMENT 'Whether the touch was direct',
    tracked       Bool COMMENT 'Whether a click or a map tells the side of the touch',
    before_direct UInt8 COMMENT 'Model last: whether a direct touch followed, which is passed over',
    share         Float64 COMMENT 'Part of the conversion: weight of the touch / weights of all its touches',
    credit        Decimal(38, 6) COMMENT 'Credit: amount * share; the last units by largest remainder so that it adds up exactly',
    margin        Nullable(Decimal(38, 12)) COMMENT 'Margin: credit * margin_rate',
    base_currency LowCardinality(String) COMMENT 'Currency of the base columns; empty is the reference currency',
    credit_base   Nullable(Decimal(38, 6)) COMMENT 'Credit in the base currency: credit * exchange rate as of the day',
    margin_base   Nullable(Decimal(38, 6)) COMMENT 'Margin in the base currency: credit * margin_rate * exchange rate as of the day'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (brand, conversion)
COMMENT 'Whose credit each conversion is by the last touch that is not direct, within 30 days: one row per conversion and touch with a share; credit adds up to the amount exactly, by run';

-- Whose credit each conversion is: one row per conversion, touch of it, model and look-back; credit adds up to the amount exactly.
CREATE TABLE IF NOT EXISTS credit_by_rule_run (
    run           UInt64 COMMENT 'Number of the run',
    as_of         Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    model         String COMMENT 'Rule of credit',
    lookback_days UInt8 COMMENT 'Days before the sale in which a touch counts',
    conversion    String COMMENT 'Id of the conversion or refund',
    at            DateTime64(3, 'UTC') COMMENT 'Time of the conversion',
    day           Date COMMENT 'The brand''s own day of the conversion',
    brand         String COMMENT 'Brand of the conversion',
    kind          LowCardinality(String) COMMENT 'Kind of the conversion',
    currency      LowCardinality(String) COMMENT 'Currency of credit',
    margin_rate   Nullable(Decimal(9, 6)) COMMENT 'Margin rate: of the conversion; else of its sale; else of the brand as of the sale',
    refund_of     String COMMENT 'Sale that this takes back; it stands on the touches of the sale',
    sold_at       DateTime64(3, 'UTC') COMMENT 'Time of the sale; that of the conversion itself where it takes nothing back',
    touched       DateTime64(3, 'UTC') COMMENT 'Time of the touch',
    touched_day   Date COMMENT 'The brand''s own day of the touch; of the sale where there was none',
    visit         String COMMENT 'Id of the visit that was the touch; empty where there was none',
    side          String COMMENT 'Side of the touch; unattributed where no visitor or no touch is known',
    channel       String COMMENT 'Channel of the touch',
    community     String COMMENT 'Community of the touch',
    campaign      String COMMENT 'Campaign of the touch',
    root          String COMMENT 'Root post of the touch',
    click         String COMMENT 'Click of the touch',
    direct        Bool COMMENT 'Whether the touch was direct',
    tracked       Bool COMMENT 'Whether a click or a map tells the side of the touch',
    before_direct UInt8 COMMENT 'Model last: whether a direct touch followed, which is passed over',
    share         Float64 COMMENT 'Part of the conversion: weight of the touch / weights of all its touches',
    credit        Decimal(38, 6) COMMENT 'Credit: amount * share; the last units by largest remainder so that it adds up exactly',
    margin        Nullable(Decimal(38, 12)) COMMENT 'Margin: credit * margin_rate',
    base_currency LowCardinality(String) COMMENT 'Currency of the base columns; empty is the reference currency',
    credit_base   Nullable(Decimal(38, 6)) COMMENT 'Credit in the base currency: credit * exchange rate as of the day',
    margin_base   Nullable(Decimal(38, 6)) COMMENT 'Margin in the base currency: credit * margin_rate * exchange rate as of the day'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (model, lookback_days, brand, conversion)
COMMENT 'Whose credit each conversion is: one row per conversion, touch of it, model and look-back; credit adds up to the amount exactly, by run';

-- Who bought for the first time and who came back, per month and side.
CREATE TABLE IF NOT EXISTS customers_run (
    run                   UInt64 COMMENT 'Number of the run',
    as_of                 Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    brand                 LowCardinality(String) COMMENT 'Brand of the sale',
    month                 Date COMMENT 'First day of the month of the sale, of the brand''s own days',
    side                  LowCardinality(String) COMMENT 'Side that the sale is credited to; unattributed: none',
    new_customers         UInt64 COMMENT 'People whose first sale ever to the brand is among these',
    returning_customers   UInt64 COMMENT 'People who had bought from the brand before',
    sales                 UInt64 COMMENT 'Sales',
    sales_without_visitor UInt64 COMMENT 'Those of which it is not known who bought',
    revenue_base          Nullable(Decimal(38, 6)) COMMENT 'Their revenue, what was ever given back of it taken off',
    reason                LowCardinality(String) COMMENT 'Why revenue_base is NULL: other_currency, missing_exchange_rate'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (brand, month, side)
COMMENT 'Who bought for the first time and who came back, per month and side, by run';

-- What each arm of an experiment sold per assigned unit against the control arm, in the reference currency: Welch''s test, zeros included.
CREATE TABLE IF NOT EXISTS experiments_run (
    run                UInt64 COMMENT 'Number of the run',
    as_of              Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    experiment         String COMMENT 'Experiment',
    brand              String COMMENT 'Brand whose posts carry it; empty if none does. Each has the same figures, those of the whole experiment',
    unit_type          String COMMENT 'What kind of unit was assigned',
    arm                String COMMENT 'Arm',
    control_arm        String COMMENT 'Arm that it is compared with',
    control_rule       String COMMENT 'Why that is the control arm',
    units              UInt64 COMMENT 'Units: units by their first assignment',
    control_units      UInt64 COMMENT 'Units of the control arm: units of control_arm',
    units_with_sales   Nullable(UInt64) COMMENT 'Units with sales: units whose value is not 0',
    mean               Nullable(Float64) COMMENT 'Sales per unit: sales after the assignment (of a time slot: those touched within it) / units; zeros included',
    control_mean       Nullable(Float64) COMMENT 'Sales per unit of the control arm: mean of control_arm',
    difference         Nullable(Float64) COMMENT 'Difference: mean - control_mean',
    standard_error     Nullable(Float64) COMMENT 'Standard error: of the difference after Welch; after Student where that is wider, fewer than ten units of an arm sold anything and the other has more than one and a half times as many',
    t                  Nullable(Float64) COMMENT 't: difference / standard_error',
    degrees_of_freedom Nullable(Float64) COMMENT 'Degrees of freedom: after Welch, or units + control_units - 2 (Student)',
    p_value            Nullable(Float64) COMMENT 'p value: two-sided, by t and degrees_of_freedom',
    low                Nullable(Float64) COMMENT 'At least: lower end of the 95 % interval',
    high               Nullable(Float64) COMMENT 'At most: upper end of the 95 % interval',
    verdict            String COMMENT 'higher, lower or undecided, at 5 % for all arms of the experiment together; empty on the control arm',
    reason             String COMMENT 'Why a figure is NULL, or that the row is the control arm'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (experiment, brand, arm)
COMMENT 'What each arm of an experiment sold per assigned unit against the control arm, in the reference currency: Welch''s test, zeros included, by run';

-- Which types of events come as usual, and which have stopped.
CREATE TABLE IF NOT EXISTS freshness_run (
    run               UInt64 COMMENT 'Number of the run',
    as_of             Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    brand             LowCardinality(String) COMMENT 'Brand of the events; empty: they name none',
    type              LowCardinality(String) COMMENT 'Type of event',
    newest            DateTime('UTC') COMMENT 'Start of the newest quarter of an hour with such an event',
    gaps              UInt64 COMMENT 'Distances between quarters of an hour with such an event, in the 90 days up to the newest',
    usual_gap_seconds Nullable(Float64) COMMENT 'Their median over time: half of the time lies within distances of at most this',
    silent_seconds    UInt64 COMMENT 'Time from newest to as_of',
    late              Nullable(Bool) COMMENT 'Whether that is more than five usual gaps',
    reason            LowCardinality(String) COMMENT 'Why late is NULL: few_events, fewer than five distances'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (brand, type)
COMMENT 'Which types of events come as usual, and which have stopped, by run';

-- The ledger: what was spent and what came back, on the day of the money.
CREATE TABLE IF NOT EXISTS money_run (
    run           UInt64 COMMENT 'Number of the run',
    as_of         Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    day           Date COMMENT 'The brand''s own day of the money',
    brand         String COMMENT 'Brand; of a cost without one, the campaign''s',
    campaign      String COMMENT 'Campaign, of the cost or of the touch, in one spelling (lower case); a cost without one is (unallocated)',
    channel       String COMMENT 'Channel; a cost without a place is (unallocated)',
    community     String COMMENT 'Community',
    side          String COMMENT 'Side of the cost or of the credited touch',
    entry         String COMMENT 'Kind of the line',
    currency      String COMMENT 'Currency of amount',
    amount        Nullable(Decimal(38, 12)) COMMENT 'Amount: sum in its own currency; a refund is negative',
    base_currency LowCardinality(String) COMMENT 'Currency of amount_base; empty is the reference currency',
    amount_base   Nullable(Decimal(38, 6)) COMMENT 'Amount in the base currency: amount * exchange rate as of the day',
    seconds       Int64 COMMENT 'Seconds worked: seconds of the cost_time lines',
    estimated     Bool COMMENT 'Whether the time was estimated',
    owner         LowCardinality(String) COMMENT 'Who answers for the campaign, as of the day',
    reason        String COMMENT 'Why amount or amount_base is NULL'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (brand, day)
COMMENT 'The ledger: what was spent and what came back, on the day of the money, by run';

-- Credit up the reshare path, per sharer and generation (-1: the middle that the click left out): accounting rules, not causes; filter by model.
CREATE TABLE IF NOT EXISTS path_credit_run (
    run        UInt64 COMMENT 'Number of the run',
    as_of      Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    model      String COMMENT 'equal_path: the same to every node; decay_path: half as much for each step away from the target',
    conversion String COMMENT 'Id of the conversion or refund',
    at         DateTime64(3, 'UTC') COMMENT 'Time of the conversion',
    day        Date COMMENT 'The brand''s own day of the conversion',
    brand      String COMMENT 'Brand of the conversion',
    currency   LowCardinality(String) COMMENT 'Currency of credit',
    root       String COMMENT 'Root post of the click',
    click      String COMMENT 'The click',
    actor      UInt64 COMMENT 'Keyed hash of the author of the node; 0: a deleted account, or the middle',
    is_brand   Bool COMMENT 'Whether it is an account of the brand: it wrote under its flag, or the table actor says so',
    generation Int32 COMMENT 'Depth of the node, 0 the root; -1: the middle that the click left out',
    credit     Nullable(Decimal(38, 6)) COMMENT 'Part of the credit; NULL with a reason',
    reason     String COMMENT 'Why credit is NULL: target_unknown, path_inferred'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (model, brand, conversion)
COMMENT 'Credit up the reshare path, per sharer and generation (-1: the middle that the click left out): accounting rules, not causes; filter by model, by run';

-- Who takes part, comes back and carries it, per week: grain brand over everything of a brand, grain place per channel and community.
CREATE TABLE IF NOT EXISTS people_run (
    run                    UInt64 COMMENT 'Number of the run',
    as_of                  Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    grain                  String COMMENT 'brand: over everything of a brand; place: per channel and community',
    week                   Date COMMENT 'Monday of the week, of the brand''s own days',
    brand                  String COMMENT 'Brand of the root post',
    channel                String COMMENT 'Channel of the root post; empty in the grain brand',
    community              String COMMENT 'Community of the root post; empty in the grain brand',
    people                 UInt64 COMMENT 'People: distinct known people who shared or replied',
    sharers                UInt64 COMMENT 'People who shared: distinct known people who shared',
    repliers               UInt64 COMMENT 'People who replied: distinct known people who replied',
    on_both_sides          Int64 COMMENT 'People on both sides: sharers + repliers - people',
    bots                   UInt64 COMMENT 'Bots: distinct accounts of the class bot that took part',
    new_people             Nullable(Int64) COMMENT 'New people: people not seen in any week before; NULL in the brand''s first week',
    people_week_before     Nullable(UInt64) COMMENT 'People of the week before: people one week earlier',
    returned               Nullable(UInt64) COMMENT 'Returned: people of the week before who took part again',
    returning_share        Nullable(Float64) COMMENT 'Returning share: returned / people_week_before',
    appearances            UInt64 COMMENT 'Appearances: once per person and root and window',
    appearances_per_person Nullable(Float64) COMMENT 'Appearances per person: appearances / people',
    top_1_percent_share    Nullable(Float64) COMMENT 'Carried by one percent: appearances of the most active percent / appearances',
    top_10_percent_share   Nullable(Float64) COMMENT 'Carried by ten percent: appearances of the most active tenth / appearances',
    top_sharer_share       Nullable(Float64) COMMENT 'Carried by one person: appearances of the most active sharer / appearances of sharers',
    dyads                  UInt64 COMMENT 'Pairs: pairs of people with a reply between them in threads begun in the week',
    reciprocal_pairs       Int64 COMMENT 'Mutual pairs: pairs with replies in both directions',
    dyad_reciprocity       Nullable(Float64) COMMENT 'Reciprocity of pairs: reciprocal_pairs / dyads',
    edge_reciprocity       Nullable(Float64) COMMENT 'Reciprocity of edges: 2 * reciprocal_pairs / directed pairs',
    two_way_share          Nullable(Float64) COMMENT 'Two-way share: replies within mutual pairs / replies to somebody else'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (grain, brand, week)
COMMENT 'Who takes part, comes back and carries it, per week: grain brand over everything of a brand, grain place per channel and community, by run';

-- Which places deserve the next hour: what each returned, pooled with the brand's other places, and what a reply and a post there bring.
CREATE TABLE IF NOT EXISTS places_run (
    run                   UInt64 COMMENT 'Number of the run',
    as_of                 Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    brand                 String COMMENT 'Brand',
    channel               String COMMENT 'Channel; empty is what names no place',
    community             String COMMENT 'Community',
    name                  String COMMENT 'Name of the place for people, from the table place',
    members               Nullable(UInt64) COMMENT 'Members of the place, from the table place',
    base_currency         LowCardinality(String) COMMENT 'Currency of the figures; empty is the reference currency',
    period_start          Nullable(Date) COMMENT 'First day of the period, that of all in roi_place',
    period_end            Nullable(Date) COMMENT 'Day after its last one',
    margin_base           Nullable(Decimal(38, 6)) COMMENT 'Margin: margin credited to touches in the place, all its sides together',
    cost_base             Nullable(Decimal(38, 6)) COMMENT 'Cost: money and time of the place, with a side or without',
    hours                 Float64 COMMENT 'Hours: seconds / 3600',
    average_roi           Nullable(Float64) COMMENT 'Average ROI: margin_base / cost_base - 1',
    roi_low               Nullable(Float64) COMMENT 'ROI at least: lower end of the 95 % interval by units, as in roi',
    roi_high              Nullable(Float64) COMMENT 'ROI at most: upper end of the 95 % interval by units, as in roi',
    units                 UInt64 COMMENT 'Units: units with credit: posts, days of a channel where no post is known, or weeks',
    effective_units       Nullable(Float64) COMMENT 'Units that count: (sum of margin)^2 / sum of margin^2 over units',
    top1_share            Nullable(Float64) COMMENT 'Share of the best unit: largest margin of a unit / margin',
    roi_pooled            Nullable(Float64) COMMENT 'Pooled ROI: average ROI drawn towards the brand''s mean by how uncertain it is',
    sd                    Nullable(Float64) COMMENT 'Uncertainty of the pooled ROI: posterior standard deviation',
    p_positive            Nullable(Float64) COMMENT 'Probability of a gain: P(ROI > 0) under the pooled estimate',
    p_top10               Nullable(Float64) COMMENT 'Probability of the ten best: P(among the ten best) under the pooled estimates; ties by chance',
    place_rank            Nullable(UInt64) COMMENT 'Rank: by roi_pooled; NULL where tied',
    tied                  Bool COMMENT 'Whether the place may be the first and the first is not known',
    rank_low              Nullable(UInt64) COMMENT 'Best rank it may have: places surely better + 1',
    rank_high             Nullable(UInt64) COMMENT 'Worst rank it may have: places ranked - places surely worse',
    reason                String COMMENT 'The first thing that is missing of the return or its rank',
    replies               UInt64 COMMENT 'Replies: replies of the brand in the 91 days that end a day before the data do',
    visits_per_reply      Nullable(Float64) COMMENT 'Visits per reply: visits by clicks on these replies / replies',
    visits_per_reply_low  Nullable(Float64) COMMENT 'Visits per reply at least: lower end of the 95 % interval by posts',
    visits_per_reply_high Nullable(Float64) COMMENT 'Visits per reply at most: upper end of the 95 % interval by posts',
    replies_reason        String COMMENT 'What is missing of visits per reply',
    posts                 UInt64 COMMENT 'Posts: posts of the brand in the same 91 days',
    visits_per_post       Nullable(Float64) COMMENT 'Visits per post: visits by clicks on these posts / posts',
    visits_per_post_low   Nullable(Float64) COMMENT 'Visits per post at least: lower end of the 95 % interval by posts',
    visits_per_post_high  Nullable(Float64) COMMENT 'Visits per post at most: upper end of the 95 % interval by posts',
    posts_reason          String COMMENT 'What is missing of visits per post',
    busy_less_quiet       Nullable(Float64) COMMENT 'Busy less quiet: visits per reply in weeks with more replies than the place''s median week, less that in its other weeks, on average over the brand''s places',
    busy_less_quiet_low   Nullable(Float64) COMMENT 'Busy less quiet at least: lower end of the 95 % interval by places',
    busy_less_quiet_high  Nullable(Float64) COMMENT 'Busy less quiet at most: upper end of the 95 % interval by places',
    busy_reason           String COMMENT 'Why there is no busy_less_quiet'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (brand, channel, community)
COMMENT 'Which places deserve the next hour: what each returned, pooled with the brand''s other places, and what a reply and a post there bring, by run';

-- How many visits follow a reply of the brand within 15 and 60 minutes: a regression by minute, with intervals by day and leads; never a cause.
CREATE TABLE IF NOT EXISTS response_run (
    run              UInt64 COMMENT 'Number of the run',
    as_of            Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    brand            String COMMENT 'Brand',
    minutes          UInt8 COMMENT 'Minutes after the reply: 15 or 60',
    visits_per_reply Nullable(Float64) COMMENT 'Visits per reply: sum of the coefficients of the lags up to that many minutes, each times its minutes',
    low              Nullable(Float64) COMMENT 'At least: lower end of the 95 % interval by days',
    high             Nullable(Float64) COMMENT 'At most: upper end of the 95 % interval by days',
    lead             Nullable(Float64) COMMENT 'Effect of later replies: effect of replies 6 to 30 minutes later; should be 0',
    lead_low         Nullable(Float64) COMMENT 'Effect of later replies at least: lower end of the 90 % interval by days',
    lead_high        Nullable(Float64) COMMENT 'Effect of later replies at most: upper end of the 90 % interval by days',
    lead_verdict     Nullable(String) COMMENT 'What later replies say of the model: flagged (something moves both), not_flagged_at_20pct or undecided',
    beside_immediacy String COMMENT 'Beside the clicks of immediacy: agrees, contradicts or cannot_tell',
    days             UInt64 COMMENT 'Days: whole days used',
    replies          UInt64 COMMENT 'Replies: replies of the brand on those days, monologues left out',
    reply_days       UInt64 COMMENT 'Days with replies: whole days with at least one',
    reason           String COMMENT 'Why a figure is NULL'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (brand, minutes)
COMMENT 'How many visits follow a reply of the brand within 15 and 60 minutes: a regression by minute, with intervals by day and leads; never a cause, by run';

-- What each cohort of posts returned: posts of a week, the cost of the days of that week, conversions up to the look-back after each post, credited to it by the configured rule.
CREATE TABLE IF NOT EXISTS roi_cohort_run (
    run                  UInt64 COMMENT 'Number of the run',
    as_of                Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    brand                String COMMENT 'Brand, of the posts',
    cohort               Date COMMENT 'Monday of the week of the posts, of the brand''s own days',
    side                 String COMMENT 'Side of cost and touches; all is the whole',
    posts                UInt64 COMMENT 'Posts: posts of the week that the brand wrote or answered under',
    cost_base            Nullable(Decimal(38, 6)) COMMENT 'Cost: money_base + time_base',
    money_base           Nullable(Decimal(38, 6)) COMMENT 'Money spent: money of the days of the week at the rates of those days',
    time_base            Nullable(Decimal(38, 6)) COMMENT 'Cost of the time: seconds / 3600 * hourly rate as of the day',
    hours                Float64 COMMENT 'Hours: seconds of the days of the week / 3600',
    revenue_base         Nullable(Decimal(38, 6)) COMMENT 'Revenue: credit_base of sales within the look-back after each post and of their refunds',
    margin_base          Nullable(Decimal(38, 6)) COMMENT 'Margin: margin_base of sales within the look-back after each post and of their refunds',
    margin_without_post  Nullable(Decimal(38, 6)) COMMENT 'Margin without a post: margin_base of touches of the week that have no post',
    conversions          Nullable(Float64) COMMENT 'Conversions: parts of sales credited to the posts',
    roi                  Nullable(Float64) COMMENT 'ROI: margin_base / cost_base - 1',
    roi_low              Nullable(Float64) COMMENT 'ROI at least: lower end of the 95 % interval by posts with the high estimate of the time',
    roi_high             Nullable(Float64) COMMENT 'ROI at most: upper end of the 95 % interval by posts with the low estimate of the time',
    roi_lowest_model     Nullable(Float64) COMMENT 'ROI of the lowest model: least ROI over the five models',
    roi_highest_model    Nullable(Float64) COMMENT 'ROI of the highest model: greatest ROI over the five models',
    roi_direct_0         Nullable(Float64) COMMENT 'ROI without what a direct visit followed: (margin - margin of touches that a direct one followed) / cost - 1',
    roi_direct_100       Nullable(Float64) COMMENT 'ROI with all direct margin: ROI if the brand''s direct margin were of the posts in proportion to what is traced',
    roas                 Nullable(Float64) COMMENT 'Return on ad spend: revenue_base / money_base',
    effective_roots      Nullable(Float64) COMMENT 'Posts that count: (sum of margin)^2 / sum of margin^2 over posts',
    top1_share           Nullable(Float64) COMMENT 'Share of the best post: largest margin of a post / margin',
    traced_share         Nullable(Float64) COMMENT 'Traced share: revenue credited to posts of the brand / revenue of the brand',
    labour_coverage      Nullable(Float64) COMMENT 'Labour coverage: the brand''s active weeks whose work is known / its active weeks',
    engagements          Nullable(UInt64) COMMENT 'Engagements: shares + replies of others + reactions within the look-back after each post',
    clicks               Nullable(UInt64) COMMENT 'Clicks: clicks within the look-back after each post',
    cost_per_engagement  Nullable(Float64) COMMENT 'Cost per engagement: cost / engagements',
    cost_per_click       Nullable(Float64) COMMENT 'Cost per click: cost / clicks',
    cost_per_acquisition Nullable(Float64) COMMENT 'Cost per acquisition: cost / conversions',
    mature               Bool COMMENT 'Whether the look-back after the newest post has passed',
    basis                String COMMENT 'The best evidence among the brand''s conversions of the time, one of clicks, utm, visits, none',
    reason               String COMMENT 'Why roi or its interval is NULL',
    base_currency        String COMMENT 'Currency of the figures; empty is the reference currency'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (brand, cohort)
COMMENT 'What each cohort of posts returned: posts of a week, the cost of the days of that week, conversions up to the look-back after each post, credited to it by the configured rule, by run';

-- How many came, from which side and place, and how much of it can be told: visits and clicks per brand and day.
CREATE TABLE IF NOT EXISTS traffic_run (
    run                       UInt64 COMMENT 'Number of the run',
    as_of                     Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    brand                     String COMMENT 'Brand of the visit',
    day                       Date COMMENT 'The brand''s own day',
    side                      String COMMENT 'Side of what was clicked; else of the link parameters or the referring host; else other',
    channel                   String COMMENT 'Channel of the post that was clicked',
    community                 String COMMENT 'Community of the post that was clicked',
    campaign                  String COMMENT 'Campaign of the post that was clicked, else utm_campaign, in one spelling (lower case)',
    visits                    UInt64 COMMENT 'Visits: visit events',
    visits_with_visitor       UInt64 COMMENT 'Visits with a visitor: visits that name a visitor',
    visitors                  UInt64 COMMENT 'Visitors: distinct visitors',
    tracked                   UInt64 COMMENT 'Tracked visits: visits whose side a click or a map tells',
    untracked                 Int64 COMMENT 'Untracked visits: visits - tracked',
    direct                    UInt64 COMMENT 'Direct visits: visits without click and link parameters and referrer',
    self_referrals            UInt64 COMMENT 'Self-referrals: visits referred by the brand''s own hosts',
    visits_from_clicks        UInt64 COMMENT 'Visits from clicks: visits whose click is known',
    clicks                    UInt64 COMMENT 'Clicks: click events',
    visits_per_click          Nullable(Float64) COMMENT 'Visits per click: visits_from_clicks / clicks',
    median_seconds_from_click Nullable(Float64) COMMENT 'Seconds from click to visit: median of visit time - click time',
    dark_candidates           Int64 COMMENT 'Dark candidates: untracked visits of the brand''s day that are no self-referrals',
    dark_share                Nullable(Float64) COMMENT 'Dark share: of the side''s visits the part that nothing tracks; NULL unless it is known to be 0',
    dark_share_low            Nullable(Float64) COMMENT 'Dark share at least: 0; none of the candidates belongs to the side',
    dark_share_high           Nullable(Float64) COMMENT 'Dark share at most: dark_candidates / (tracked + dark_candidates)',
    dark_share_reason         String COMMENT 'Why dark_share is NULL'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (brand, day)
COMMENT 'How many came, from which side and place, and how much of it can be told: visits and clicks per brand and day, by run';

-- What each side of a brand returned in a period.
CREATE TABLE IF NOT EXISTS roi_run (
    run                     UInt64 COMMENT 'Number of the run',
    as_of                   Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    brand                   LowCardinality(String) COMMENT 'Brand of the sale and of the cost',
    side                    LowCardinality(String) COMMENT 'Side of the credited touch or of the cost; unattributed: margin without a touch; (unallocated): cost without a side',
    period                  LowCardinality(String) COMMENT 'week, month, quarter, last_4_weeks, last_13_weeks or all',
    period_start            Date COMMENT 'First day of the period, of the brands own',
    period_end              Date COMMENT 'The day after its last',
    complete                Bool COMMENT 'Whether every sale that may credit the period has come',
    margin_base             Nullable(Decimal(38, 6)) COMMENT 'Margin credited to touches on the days of the period, refunds taken off',
    cost_base               Nullable(Decimal(38, 6)) COMMENT 'Cost of those days',
    roi                     Nullable(Float64) COMMENT 'margin_base / cost_base - 1',
    roi_low                 Nullable(Float64) COMMENT 'Lower end of where as much effort of the same kind would lie with 95 %: sampling, the cost taken as known',
    roi_high                Nullable(Float64) COMMENT 'Upper end',
    roi_from                Nullable(Float64) COMMENT 'The least ROI over the five rules, direct traffic left out or shared out, seconds low or high, cost without a side left out or shared out',
    roi_to                  Nullable(Float64) COMMENT 'The greatest',
    verdict                 LowCardinality(Nullable(String)) COMMENT 'positive, negative or cannot_tell: whether the interval, moved to the nearer end of the range, is clear of 0',
    units                   UInt64 COMMENT 'Posts, days of a channel where no post is known, or weeks, with credit',
    effective_units         Nullable(Float64) COMMENT 'How many units of equal size would spread as they do',
    conversions             Float64 COMMENT 'Credited sales: the sum of their parts',
    margin_traced           Nullable(Decimal(38, 6)) COMMENT 'Margin whose touch names a post; NULL where the side has no click',
    margin_of_earlier_posts Nullable(Decimal(38, 6)) COMMENT 'Margin of posts that are older than the period: what it harvests from before',
    cost_without_side_share Nullable(Float64) COMMENT 'Cost without a side / cost of the brand in the period',
    roi_so_far              Nullable(Float64) COMMENT 'Before it is complete: margin so far / cost - 1, not scaled',
    expected_share          Nullable(Float64) COMMENT 'Share of the margin that usually has come by now',
    reason                  LowCardinality(String) COMMENT 'Why something is NULL, the first that holds; empty beside a number',
    notes                   Array(LowCardinality(String)) COMMENT 'partly_traced, partly_allocated, few_sales, no_clicks'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (brand, period, period_start, side)
COMMENT 'What each side of a brand returned in a period, by run';

-- What each side of a channel returned in a period.
CREATE TABLE IF NOT EXISTS roi_channel_run (
    run                     UInt64 COMMENT 'Number of the run',
    as_of                   Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    brand                   LowCardinality(String) COMMENT 'Brand of the sale and of the cost',
    channel                 LowCardinality(String) COMMENT 'Channel',
    side                    LowCardinality(String) COMMENT 'Side of the credited touch or of the cost; unattributed: margin without a touch; (unallocated): cost without a side',
    period                  LowCardinality(String) COMMENT 'week, month, quarter, last_4_weeks, last_13_weeks or all',
    period_start            Date COMMENT 'First day of the period, of the brands own',
    period_end              Date COMMENT 'The day after its last',
    complete                Bool COMMENT 'Whether every sale that may credit the period has come',
    margin_base             Nullable(Decimal(38, 6)) COMMENT 'Margin credited to touches on the days of the period, refunds taken off',
    cost_base               Nullable(Decimal(38, 6)) COMMENT 'Cost of those days',
    roi                     Nullable(Float64) COMMENT 'margin_base / cost_base - 1',
    roi_low                 Nullable(Float64) COMMENT 'Lower end of where as much effort of the same kind would lie with 95 %: sampling, the cost taken as known',
    roi_high                Nullable(Float64) COMMENT 'Upper end',
    roi_from                Nullable(Float64) COMMENT 'The least ROI over the five rules, direct traffic left out or shared out, seconds low or high, cost without a side left out or shared out',
    roi_to                  Nullable(Float64) COMMENT 'The greatest',
    verdict                 LowCardinality(Nullable(String)) COMMENT 'positive, negative or cannot_tell: whether the interval, moved to the nearer end of the range, is clear of 0',
    units                   UInt64 COMMENT 'Posts, days of a channel where no post is known, or weeks, with credit',
    effective_units         Nullable(Float64) COMMENT 'How many units of equal size would spread as they do',
    conversions             Float64 COMMENT 'Credited sales: the sum of their parts',
    margin_traced           Nullable(Decimal(38, 6)) COMMENT 'Margin whose touch names a post; NULL where the side has no click',
    margin_of_earlier_posts Nullable(Decimal(38, 6)) COMMENT 'Margin of posts that are older than the period: what it harvests from before',
    cost_without_side_share Nullable(Float64) COMMENT 'Cost without a side / cost of the brand in the period',
    roi_so_far              Nullable(Float64) COMMENT 'Before it is complete: margin so far / cost - 1, not scaled',
    expected_share          Nullable(Float64) COMMENT 'Share of the margin that usually has come by now',
    reason                  LowCardinality(String) COMMENT 'Why something is NULL, the first that holds; empty beside a number',
    notes                   Array(LowCardinality(String)) COMMENT 'partly_traced, partly_allocated, few_sales, no_clicks'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (brand, period, period_start, channel, side)
COMMENT 'What each side of a channel returned in a period, by run';

-- What each side of a campaign returned in a period.
CREATE TABLE IF NOT EXISTS roi_campaign_run (
    run                     UInt64 COMMENT 'Number of the run',
    as_of                   Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    brand                   LowCardinality(String) COMMENT 'Brand of the sale and of the cost',
    campaign                LowCardinality(String) COMMENT 'Campaign',
    side                    LowCardinality(String) COMMENT 'Side of the credited touch or of the cost; unattributed: margin without a touch; (unallocated): cost without a side',
    period                  LowCardinality(String) COMMENT 'week, month, quarter, last_4_weeks, last_13_weeks or all',
    period_start            Date COMMENT 'First day of the period, of the brands own',
    period_end              Date COMMENT 'The day after its last',
    complete                Bool COMMENT 'Whether every sale that may credit the period has come',
    margin_base             Nullable(Decimal(38, 6)) COMMENT 'Margin credited to touches on the days of the period, refunds taken off',
    cost_base               Nullable(Decimal(38, 6)) COMMENT 'Cost of those days',
    roi                     Nullable(Float64) COMMENT 'margin_base / cost_base - 1',
    roi_low                 Nullable(Float64) COMMENT 'Lower end of where as much effort of the same kind would lie with 95 %: sampling, the cost taken as known',
    roi_high                Nullable(Float64) COMMENT 'Upper end',
    roi_from                Nullable(Float64) COMMENT 'The least ROI over the five rules, direct traffic left out or shared out, seconds low or high, cost without a side left out or shared out',
    roi_to                  Nullable(Float64) COMMENT 'The greatest',
    verdict                 LowCardinality(Nullable(String)) COMMENT 'positive, negative or cannot_tell: whether the interval, moved to the nearer end of the range, is clear of 0',
    units                   UInt64 COMMENT 'Posts, days of a channel where no post is known, or weeks, with credit',
    effective_units         Nullable(Float64) COMMENT 'How many units of equal size would spread as they do',
    conversions             Float64 COMMENT 'Credited sales: the sum of their parts',
    margin_traced           Nullable(Decimal(38, 6)) COMMENT 'Margin whose touch names a post; NULL where the side has no click',
    margin_of_earlier_posts Nullable(Decimal(38, 6)) COMMENT 'Margin of posts that are older than the period: what it harvests from before',
    cost_without_side_share Nullable(Float64) COMMENT 'Cost without a side / cost of the brand in the period',
    roi_so_far              Nullable(Float64) COMMENT 'Before it is complete: margin so far / cost - 1, not scaled',
    expected_share          Nullable(Float64) COMMENT 'Share of the margin that usually has come by now',
    reason                  LowCardinality(String) COMMENT 'Why something is NULL, the first that holds; empty beside a number',
    notes                   Array(LowCardinality(String)) COMMENT 'partly_traced, partly_allocated, few_sales, no_clicks'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (brand, period, period_start, campaign, side)
COMMENT 'What each side of a campaign returned in a period, by run';

-- What each side of a place returned in a period.
CREATE TABLE IF NOT EXISTS roi_place_run (
    run                     UInt64 COMMENT 'Number of the run',
    as_of                   Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    brand                   LowCardinality(String) COMMENT 'Brand of the sale and of the cost',
    channel                 LowCardinality(String) COMMENT 'Channel',
    community               LowCardinality(String) COMMENT 'Community of the channel',
    side                    LowCardinality(String) COMMENT 'Side of the credited touch or of the cost; unattributed: margin without a touch; (unallocated): cost without a side',
    period                  LowCardinality(String) COMMENT 'week, month, quarter, last_4_weeks, last_13_weeks or all',
    period_start            Date COMMENT 'First day of the period, of the brands own',
    period_end              Date COMMENT 'The day after its last',
    complete                Bool COMMENT 'Whether every sale that may credit the period has come',
    margin_base             Nullable(Decimal(38, 6)) COMMENT 'Margin credited to touches on the days of the period, refunds taken off',
    cost_base               Nullable(Decimal(38, 6)) COMMENT 'Cost of those days',
    roi                     Nullable(Float64) COMMENT 'margin_base / cost_base - 1',
    roi_low                 Nullable(Float64) COMMENT 'Lower end of where as much effort of the same kind would lie with 95 %: sampling, the cost taken as known',
    roi_high                Nullable(Float64) COMMENT 'Upper end',
    roi_from                Nullable(Float64) COMMENT 'The least ROI over the five rules, direct traffic left out or shared out, seconds low or high, cost without a side left out or shared out',
    roi_to                  Nullable(Float64) COMMENT 'The greatest',
    verdict                 LowCardinality(Nullable(String)) COMMENT 'positive, negative or cannot_tell: whether the interval, moved to the nearer end of the range, is clear of 0',
    units                   UInt64 COMMENT 'Posts, days of a channel where no post is known, or weeks, with credit',
    effective_units         Nullable(Float64) COMMENT 'How many units of equal size would spread as they do',
    conversions             Float64 COMMENT 'Credited sales: the sum of their parts',
    margin_traced           Nullable(Decimal(38, 6)) COMMENT 'Margin whose touch names a post; NULL where the side has no click',
    margin_of_earlier_posts Nullable(Decimal(38, 6)) COMMENT 'Margin of posts that are older than the period: what it harvests from before',
    cost_without_side_share Nullable(Float64) COMMENT 'Cost without a side / cost of the brand in the period',
    roi_so_far              Nullable(Float64) COMMENT 'Before it is complete: margin so far / cost - 1, not scaled',
    expected_share          Nullable(Float64) COMMENT 'Share of the margin that usually has come by now',
    reason                  LowCardinality(String) COMMENT 'Why something is NULL, the first that holds; empty beside a number',
    notes                   Array(LowCardinality(String)) COMMENT 'partly_traced, partly_allocated, few_sales, no_clicks'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (brand, period, period_start, channel, community, side)
COMMENT 'What each side of a place returned in a period, by run';

-- What each side of a channel returned in a period under each rule of credit and look-back.
CREATE TABLE IF NOT EXISTS roi_by_rule_run (
    run           UInt64 COMMENT 'Number of the run',
    as_of         Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    brand         LowCardinality(String) COMMENT 'Brand of the sale and of the cost',
    channel       LowCardinality(String) COMMENT 'Channel; empty: none',
    side          LowCardinality(String) COMMENT 'Side of the credited touch or of the cost; unattributed: margin without a touch; (unallocated): cost without a side',
    period        LowCardinality(String) COMMENT 'week, month, quarter, last_4_weeks, last_13_weeks or all',
    period_start  Date COMMENT 'First day of the period, of the brands own',
    period_end    Date COMMENT 'The day after its last',
    model         LowCardinality(String) COMMENT 'Rule of credit',
    lookback_days UInt16 COMMENT 'Days before the sale in which a touch counts',
    complete      Bool COMMENT 'Whether every sale that may credit the period under that look-back has come',
    margin_base   Nullable(Decimal(38, 6)) COMMENT 'Credited margin',
    cost_base     Nullable(Decimal(38, 6)) COMMENT 'Cost',
    roi           Nullable(Float64) COMMENT 'margin_base / cost_base - 1',
    reason        LowCardinality(String) COMMENT 'Why there is none, the first that holds'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (brand, period, period_start, model, lookback_days, channel, side)
COMMENT 'What each side of a channel returned in a period under each rule of credit and look-back, by run';

-- Which of two returns is higher: sides, places, periods.
CREATE TABLE IF NOT EXISTS comparison_run (
    run                UInt64 COMMENT 'Number of the run',
    as_of              Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    brand              LowCardinality(String) COMMENT 'Brand of the sale and of the cost',
    kind               LowCardinality(String) COMMENT 'sides: broadcast against conversation; place: against the rest of the brand; period: against the one before',
    period             LowCardinality(String) COMMENT 'week, month, quarter, last_4_weeks, last_13_weeks or all',
    period_start       Date COMMENT 'First day of the period, of the brands own',
    period_end         Date COMMENT 'The day after its last',
    channel            LowCardinality(String) COMMENT 'Channel, of a place',
    community          LowCardinality(String) COMMENT 'Community, of a place',
    side               LowCardinality(String) COMMENT 'Side, of a period',
    first_margin_base  Nullable(Decimal(38, 6)) COMMENT 'Margin of the first',
    first_cost_base    Nullable(Decimal(38, 6)) COMMENT 'Cost of the first',
    second_margin_base Nullable(Decimal(38, 6)) COMMENT 'Margin of the second',
    second_cost_base   Nullable(Decimal(38, 6)) COMMENT 'Cost of the second',
    log_ratio          Nullable(Float64) COMMENT 'log(margin / cost) of the first less that of the second',
    log_ratio_low      Nullable(Float64) COMMENT 'Lower end of where it lies with 95 %',
    log_ratio_high     Nullable(Float64) COMMENT 'Upper end',
    times              Nullable(Float64) COMMENT 'How many times as much of each unit of cost came back of the first',
    p_first            Nullable(Float64) COMMENT 'Probability that the first returned more',
    verdict            LowCardinality(Nullable(String)) COMMENT 'first, second or cannot_tell, corrected for the other rows of the brand, kind and period',
    reason             LowCardinality(String) COMMENT 'Why nothing is said, the first that holds'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (brand, kind, period, period_start)
COMMENT 'Which of two returns is higher: sides, places, periods, by run';

-- Whether people come at once to conversation and later to broadcast.
CREATE TABLE IF NOT EXISTS immediacy_run (
    run             UInt64 COMMENT 'Number of the run',
    as_of           Nullable(DateTime64(3, 'UTC')) COMMENT 'How far the data reached',
    brand           LowCardinality(String) COMMENT 'Brand of the root posts',
    p_conversation  Nullable(Float64) COMMENT 'Of clicks on replies from 10 seconds to 24 hours after them, the share within 15 minutes',
    p_broadcast     Nullable(Float64) COMMENT 'The same of clicks on posts and shares',
    difference      Nullable(Float64) COMMENT 'The first less the second',
    difference_low  Nullable(Float64) COMMENT 'Lower end of where it lies with 95 %',
    difference_high Nullable(Float64) COMMENT 'Upper end',
    verdict         LowCardinality(Nullable(String)) COMMENT 'supported, refuted or undecided: whether people come at once to conversation and later to broadcast',
    reason          LowCardinality(String) COMMENT 'few_roots: fewer than 20 on a side'
) ENGINE = MergeTree
PARTITION BY run
ORDER BY (brand)
COMMENT 'Whether people come at once to conversation and later to broadcast, by run';
