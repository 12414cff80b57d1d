-- Tables. The worker writes root, activity_window, cascade, thread, rejects and progress; the tables of facts
-- (click to report) are there for what passes through it as rows.
--
-- Every key holds identity only, nothing that can be learned later: rows of one key replace each other and
-- the greatest `version` stands. Brand, campaign, channel and community come from the root post, which may
-- arrive after its shares: they stand once a life, in `root`, and (source, opened, epoch) leads to them from every
-- other row of the life, because an offset opens one life. Times are the events' own, declared times, in UTC. Ids
-- of people are keyed 64-bit hashes. Analysts query the views of 002_views.sql, which hide FINAL, epochs and lives.
--
-- No table is partitioned: an insert becomes a part a partition, and a history of many months would be many parts.

-- What the post of one life says. A life whose post was not seen has no row here.
CREATE TABLE IF NOT EXISTS root (
    root          String COMMENT 'The id of the root post, as it was in the events',
    epoch         UInt16 COMMENT 'Under which rules the row was computed; views read the active epoch of each source',
    source        LowCardinality(String) COMMENT 'The log and its partition: log/partition',
    opened        UInt64 COMMENT 'Offset of the first event of this life of the root',
    version       UInt64 COMMENT 'First offset that the row does not cover; the row with the greatest one stands',
    root_seen     Bool COMMENT 'Whether this life saw the root post',
    root_time     DateTime64(3, 'UTC') COMMENT 'Time of the root post',
    root_is_brand Bool COMMENT 'Whether the brand itself wrote the root post',
    root_to_brand Bool COMMENT 'Whether the root post is a message to the brand: it mentions it, and somebody known outside the brand wrote it',
    brand         LowCardinality(String) COMMENT 'Brand of the root post',
    campaign      LowCardinality(String) COMMENT 'Campaign of the root post',
    channel       LowCardinality(String) COMMENT 'Channel of the root post',
    platform      LowCardinality(String) COMMENT 'Platform of the root post',
    community     LowCardinality(String) COMMENT 'Group, forum or server in which the root post stands',
    experiment    LowCardinality(String) COMMENT 'Experiment of the root post',
    arm           LowCardinality(String) COMMENT 'Arm of the experiment',
    tags          Array(String) COMMENT 'Tags of the root post',
    url           String COMMENT 'Address of the root post; empty: it names none'
) ENGINE = ReplacingMergeTree(version)
ORDER BY (root, source, opened, epoch)
COMMENT 'What the post of one life says. A life whose post was not seen has no row here';

-- What happened in one window of one life of a root, by the events' own times. Never closes while the root lives.
CREATE TABLE IF NOT EXISTS activity_window (
    window_start        DateTime('UTC') COMMENT 'Start of the window',
    root                String COMMENT 'The id of the root post, as it was in the events',
    epoch               UInt16 COMMENT 'Under which rules the row was computed; views read the active epoch of each source',
    source              LowCardinality(String) COMMENT 'The log and its partition: log/partition',
    opened              UInt64 COMMENT 'Offset of the first event of this life of the root',
    version             UInt64 COMMENT 'First offset that the row does not cover; the row with the greatest one stands',
    posts               UInt32 COMMENT '1 in the window of the root post',
    shares              UInt32 COMMENT 'Shares of all kinds',
    quotes              UInt32 COMMENT 'Shares that are quotes',
    replies             UInt32 COMMENT 'Replies of everybody',
    brand_replies       UInt32 COMMENT 'Replies by the brand',
    mentions            UInt32 COMMENT 'Posts, shares and replies that mention the brand',
    reactions           UInt32 COMMENT 'Reactions to the post or to anything below it',
    deletes             UInt32 COMMENT 'Deletes; they lower no other number',
    clicks              UInt32 COMMENT 'Clicks on links of the post or of anything below it',
    sharers             Array(UInt64) COMMENT 'Distinct known people who shared in this window',
    repliers            Array(UInt64) COMMENT 'Distinct known people who replied in this window',
    share_minutes       Array(UInt8) COMMENT 'Minute of the window of each share, sorted',
    reply_minutes       Array(UInt8) COMMENT 'Minute of the window of each reply, sorted',
    brand_reply_minutes Array(UInt8) COMMENT 'Minute of the window of each reply by the brand, sorted',
    samples             Map(String, Float64) COMMENT 'Last value of each gauge in this window'
) ENGINE = ReplacingMergeTree(version)
ORDER BY (window_start, root, epoch, source, opened)
COMMENT 'What happened in one window of one life of a root, by the events'' own times. Never closes while the root lives';

-- The tree of shares of one life of a root, as it is now. One row a life with at least one share.
CREATE TABLE IF NOT EXISTS cascade (
    root              String COMMENT 'The id of the root post, as it was in the events',
    epoch             UInt16 COMMENT 'Under which rules the row was computed; views read the active epoch of each source',
    source            LowCardinality(String) COMMENT 'The log and its partition: log/partition',
    opened            UInt64 COMMENT 'Offset of the first event of this life of the root',
    version           UInt64 COMMENT 'First offset that the row does not cover; the row with the greatest one stands',
    size              UInt64 COMMENT 'Shares and the root post, seen or not',
    max_depth         UInt32 COMMENT 'Greatest distance from the root, in edges',
    levels            Array(UInt64) COMMENT 'Nodes at depth 0, 1, 2 ...; the last of 65536 entries holds the rest',
    s1                UInt64 COMMENT 'Sum of the depths of all nodes',
    s2                UInt128 COMMENT 'Sum of the squared subtree sizes below the root; Wiener index = size * s1 - s2',
    inferred          UInt64 COMMENT 'Nodes that hang from the root because their parent is unknown, elsewhere, themselves or closes a cycle',
    cycles_cut        UInt32 COMMENT 'Links that would have closed a cycle',
    self_edges        UInt32 COMMENT 'Nodes that named themselves as parent',
    reported_inferred UInt64 COMMENT 'Shares whose own edge_source says that the parent was guessed',
    unique_actors     UInt64 COMMENT 'Distinct known people, the author of the root included',
    deleted_actors    UInt64 COMMENT 'Nodes of deleted accounts',
    repeat_shares     UInt64 COMMENT 'Shares by people who were in the tree already',
    self_shares       UInt64 COMMENT 'Shares of what the same person had posted or shared',
    quotes            UInt64 COMMENT 'Shares that are quotes',
    deletes           UInt64 COMMENT 'Delete events under the root, whatever their target (the same on both shapes); no total shrinks',
    max_children      UInt64 COMMENT 'Most children of one node',
    reach             UInt64 COMMENT 'Followers summed over the first share of each person: potential, an upper bound',
    reach_known       UInt64 COMMENT 'People whose followers are known',
    first_time        DateTime64(3, 'UTC') COMMENT 'Earliest time in the tree, root post included',
    last_time         DateTime64(3, 'UTC') COMMENT 'Latest time in the tree, root post included',
    ages_from_post    Bool COMMENT 'Whether ages below count from the root post; if not, from the earliest share',
    age_hist          Map(Int16, UInt64) COMMENT 'Shares by their age since the root post, by log bucket of seconds: bucket k is about 0.99 * pow(1.01/0.99, k)',
    delay_hist        Map(Int16, UInt64) COMMENT 'Shares by their delay after their parent, inferred left out, by log bucket of seconds: bucket k is about 0.99 * pow(1.01/0.99, k)',
    depth_first_ms    Array(UInt64) COMMENT 'Milliseconds from the root post to the first node at depth 0, 1, 2 ...',
    users_first_ms    Map(UInt32, UInt64) COMMENT 'Milliseconds from the root post until k distinct people, for k = 10, 20, 50, 100 ...',
    spreaders         UInt64 COMMENT 'Shares that were shared on; where there are more than 32, top_nodes lacks some',
    top_nodes         Array(Tuple(actor UInt64, children UInt32, descendants UInt64, depth UInt32, is_brand Bool)) COMMENT 'The shares with most descendants, at most 32 and only those with one; of equals the earliest first. Actor 0: a deleted account. is_brand: the actor wrote the post or a reply under the root as the brand; a share itself does not say'
) ENGINE = ReplacingMergeTree(version)
ORDER BY (root, epoch, source, opened)
COMMENT 'The tree of shares of one life of a root, as it is now. One row a life with at least one share';

-- The tree of replies of one life of a root and its dialogue, as they are now. One row a life with at least one reply.
CREATE TABLE IF NOT EXISTS thread (
    root                       String COMMENT 'The id of the root post, as it was in the events',
    epoch                      UInt16 COMMENT 'Under which rules the row was computed; views read the active epoch of each source',
    source                     LowCardinality(String) COMMENT 'The log and its partition: log/partition',
    opened                     UInt64 COMMENT 'Offset of the first event of this life of the root',
    version                    UInt64 COMMENT 'First offset that the row does not cover; the row with the greatest one stands',
    size                       UInt64 COMMENT 'Replies and the root post, seen or not',
    max_depth                  UInt32 COMMENT 'Greatest distance from the root, in edges',
    levels                     Array(UInt64) COMMENT 'Nodes at depth 0, 1, 2 ...; the last of 65536 entries holds the rest',
    s1                         UInt64 COMMENT 'Sum of the depths of all nodes',
    s2                         UInt128 COMMENT 'Sum of the squared subtree sizes below the root; Wiener index = size * s1 - s2',
    inferred                   UInt64 COMMENT 'Nodes that hang from the root because their parent is unknown, elsewhere, themselves or closes a cycle; not those whose parent is a quote of the root',
    cycles_cut                 UInt32 COMMENT 'Links that would have closed a cycle',
    self_edges                 UInt32 COMMENT 'Nodes that named themselves as parent',
    unique_actors              UInt64 COMMENT 'Distinct known people, the author of the root included',
    deleted_actors             UInt64 COMMENT 'Nodes of deleted accounts',
    deletes                    UInt64 COMMENT 'Delete events under the root, whatever their target (the same on both shapes); no total shrinks',
    h_index                    UInt32 COMMENT 'Greatest h such that each depth i from 1 to h holds at least i replies',
    brand_replies              UInt64 COMMENT 'Replies by the brand',
    audience_replies           UInt64 COMMENT 'Replies by everybody else',
    nonself_replies            UInt64 COMMENT 'Replies to somebody else, both known, parent not inferred; a reply to a quote answers the author of the quote',
    two_way_replies            UInt64 COMMENT 'Those of them between two people who both replied to the other',
    dyads                      UInt64 COMMENT 'Unordered pairs of people with at least one reply between them',
    reciprocal_pairs           UInt64 COMMENT 'Those of them with replies in both directions',
    dyad_fwd                   Array(UInt64) COMMENT 'Hashes of the pairs in which the lower id replied to the higher',
    dyad_rev                   Array(UInt64) COMMENT 'Hashes of the pairs in which the higher id replied to the lower',
    aba                        UInt64 COMMENT 'Replies by the author of the grandparent to somebody else: a turn taken',
    aba_eligible               UInt64 COMMENT 'Replies that could have been one',
    longest_exchange           UInt32 COMMENT 'Messages of the longest path on which two people alternate',
    reentrants                 UInt64 COMMENT 'People with at least two messages',
    sessions                   UInt32 COMMENT 'Bursts of messages separated by a gap',
    longest_session_ms         UInt64 COMMENT 'Length of the longest of them',
    longest_session_messages   UInt32 COMMENT 'Its messages',
    last_session_start         DateTime64(3, 'UTC') COMMENT 'Start of the last of them',
    first_time                 DateTime64(3, 'UTC') COMMENT 'Earliest time in the tree, root post included',
    last_time                  DateTime64(3, 'UTC') COMMENT 'Latest time in the tree, root post included',
    latency_hist               Map(Int16, UInt64) COMMENT 'Replies to somebody else by their delay after their parent, by log bucket of seconds: bucket k is about 0.99 * pow(1.01/0.99, k)',
    first_response_hist        Map(Int16, UInt64) COMMENT 'Messages, quotes among them, by the delay of the first reply of somebody else, by log bucket of seconds: bucket k is about 0.99 * pow(1.01/0.99, k)',
    brand_response_hist        Map(Int16, UInt64) COMMENT 'Messages addressed to the brand by the delay of its first reply, by log bucket of seconds: bucket k is about 0.99 * pow(1.01/0.99, k)',
    customer_messages          UInt64 COMMENT 'Messages addressed to the brand',
    customer_messages_answered UInt64 COMMENT 'Those of them that the brand answered',
    customer_quarters          Array(Tuple(quarter DateTime('UTC'), messages UInt32, within_15_minutes UInt32, within_1_hour UInt32, within_24_hours UInt32)) COMMENT 'Messages addressed to the brand by the quarter of an hour in which they were written, sorted, and those of them whose first answer by the brand came within 15 minutes, 1 hour and 24 hours'
) ENGINE = ReplacingMergeTree(version)
ORDER BY (root, epoch, source, opened)
COMMENT 'The tree of replies of one life of a root and its dialogue, as they are now. One row a life with at least one reply';

-- A click on a link of a post, share or reply.
CREATE TABLE IF NOT EXISTS click (
    id              String COMMENT 'Id of the event',
    epoch           UInt16 COMMENT 'Under which rules the row was written',
    source          LowCardinality(String) COMMENT 'The log and its partition: log/partition',
    key_source      LowCardinality(String) COMMENT 'The source again, as a part of the key: no source overwrites the row of another, whatever ids their producers chose',
    version         UInt64 COMMENT 'Largest UInt64 less the offset, so that the first copy stands',
    time            DateTime64(3, 'UTC') COMMENT 'Declared time',
    root            String COMMENT 'Root post',
    target          String COMMENT 'What held the link',
    target_kind     Enum8('unknown' = 0, 'post' = 1, 'share' = 2, 'reply' = 3) COMMENT 'Its kind, as known when the click was read',
    target_time     Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was written, as known then; NULL: not known',
    target_inferred Bool COMMENT 'Whether its parent was inferred then',
    path            Array(String) COMMENT 'Root first, then the nearest 31 nodes towards the target',
    path_actors     Array(UInt64) COMMENT 'Keyed hashes of their authors',
    path_is_brand   Array(Bool) COMMENT 'Whether each of them was written by the brand; a share never says so',
    depth           UInt32 COMMENT 'Depth of the target',
    path_inferred   UInt32 COMMENT 'Edges of the whole path whose parent was inferred here or guessed by the producer',
    visitor         UInt64 COMMENT 'Keyed hash of the visitor',
    has_visitor     Bool COMMENT 'Whether the event named a visitor',
    utm_source      LowCardinality(String) COMMENT 'utm_source',
    utm_medium      LowCardinality(String) COMMENT 'utm_medium',
    utm_campaign    LowCardinality(String) COMMENT 'utm_campaign',
    utm_content     String COMMENT 'utm_content',
    utm_term        String COMMENT 'utm_term',
    brand           LowCardinality(String) COMMENT 'Brand of the root post',
    campaign        LowCardinality(String) COMMENT 'Campaign of the root post',
    channel         LowCardinality(String) COMMENT 'Channel of the root post',
    platform        LowCardinality(String) COMMENT 'Platform of the root post',
    community       LowCardinality(String) COMMENT 'Group, forum or server in which the root post stands'
) ENGINE = ReplacingMergeTree(version)
ORDER BY (id, epoch, key_source)
COMMENT 'A click on a link of a post, share or reply';

-- A visit to a page of the brand.
CREATE TABLE IF NOT EXISTS visit (
    id            String COMMENT 'Id of the event',
    epoch         UInt16 COMMENT 'Under which rules the row was written',
    source        LowCardinality(String) COMMENT 'The log and its partition: log/partition',
    key_source    LowCardinality(String) COMMENT 'The source again, as a part of the key: no source overwrites the row of another, whatever ids their producers chose',
    version       UInt64 COMMENT 'Largest UInt64 less the offset, so that the first copy stands',
    time          DateTime64(3, 'UTC') COMMENT 'Declared time',
    visitor       UInt64 COMMENT 'Keyed hash of the visitor',
    has_visitor   Bool COMMENT 'Whether the event named a visitor',
    click         String COMMENT 'Id of the click that led here',
    brand         LowCardinality(String) COMMENT 'Brand',
    landing_host  LowCardinality(String) COMMENT 'Host of the page',
    landing_path  String COMMENT 'Path of the page',
    referrer_host LowCardinality(String) COMMENT 'Host that referred',
    utm_source    LowCardinality(String) COMMENT 'utm_source',
    utm_medium    LowCardinality(String) COMMENT 'utm_medium',
    utm_campaign  LowCardinality(String) COMMENT 'utm_campaign',
    utm_content   String COMMENT 'utm_content',
    utm_term      String COMMENT 'utm_term'
) ENGINE = ReplacingMergeTree(version)
ORDER BY (id, epoch, key_source)
COMMENT 'A visit to a page of the brand';

-- A conversion, or its refund.
CREATE TABLE IF NOT EXISTS conversion (
    id          String COMMENT 'Id of the event',
    epoch       UInt16 COMMENT 'Under which rules the row was written',
    source      LowCardinality(String) COMMENT 'The log and its partition: log/partition',
    key_source  LowCardinality(String) COMMENT 'The source again, as a part of the key: no source overwrites the row of another, whatever ids their producers chose',
    version     UInt64 COMMENT 'Largest UInt64 less the offset, so that the first copy stands',
    time        DateTime64(3, 'UTC') COMMENT 'Declared time',
    visitor     UInt64 COMMENT 'Keyed hash of the visitor',
    has_visitor Bool COMMENT 'Whether the event named a visitor',
    brand       LowCardinality(String) COMMENT 'Brand',
    kind        LowCardinality(String) COMMENT 'Kind of the conversion',
    amount      Decimal(38, 6) COMMENT 'Amount, in its currency',
    currency    LowCardinality(String) COMMENT 'ISO 4217 code',
    margin_rate Nullable(Decimal(9, 6)) COMMENT 'Margin as a share of the amount',
    refund_of   String COMMENT 'Conversion that this one takes back',
    relates_to  String COMMENT 'Event that it relates to'
) ENGINE = ReplacingMergeTree(version)
ORDER BY (id, epoch, key_source)
COMMENT 'A conversion, or its refund';

-- What was spent: money or time.
CREATE TABLE IF NOT EXISTS cost (
    id           String COMMENT 'Id of the event',
    epoch        UInt16 COMMENT 'Under which rules the row was written',
    source       LowCardinality(String) COMMENT 'The log and its partition: log/partition',
    key_source   LowCardinality(String) COMMENT 'The source again, as a part of the key: no source overwrites the row of another, whatever ids their producers chose',
    version      UInt64 COMMENT 'Largest UInt64 less the offset, so that the first copy stands',
    time         DateTime64(3, 'UTC') COMMENT 'Declared time',
    kind         LowCardinality(String) COMMENT 'Kind of the cost',
    amount       Nullable(Decimal(38, 6)) COMMENT 'Money, in its currency',
    currency     LowCardinality(String) COMMENT 'ISO 4217 code',
    seconds      Nullable(Int64) COMMENT 'Time, in seconds; below zero it takes back',
    seconds_low  Nullable(Int64) COMMENT 'Its lower bound; of a correction the difference of the lower bounds',
    seconds_high Nullable(Int64) COMMENT 'Its upper bound; of a correction the difference of the upper bounds',
    role         LowCardinality(String) COMMENT 'Whose time it was',
    estimated    Bool COMMENT 'Whether it was estimated',
    brand        LowCardinality(String) COMMENT 'Brand',
    campaign     LowCardinality(String) COMMENT 'Campaign',
    channel      LowCardinality(String) COMMENT 'Channel',
    community    LowCardinality(String) COMMENT 'Community',
    side         LowCardinality(String) COMMENT 'broadcast, conversation or other',
    period_start Nullable(DateTime64(3, 'UTC')) COMMENT 'Start of the period it covers',
    period_end   Nullable(DateTime64(3, 'UTC')) COMMENT 'End of the period it covers'
) ENGINE = ReplacingMergeTree(version)
ORDER BY (id, epoch, key_source)
COMMENT 'What was spent: money or time';

-- Who was assigned to which arm of an experiment.
CREATE TABLE IF NOT EXISTS assignment (
    id         String COMMENT 'Id of the event',
    epoch      UInt16 COMMENT 'Under which rules the row was written',
    source     LowCardinality(String) COMMENT 'The log and its partition: log/partition',
    key_source LowCardinality(String) COMMENT 'The source again, as a part of the key: no source overwrites the row of another, whatever ids their producers chose',
    version    UInt64 COMMENT 'Largest UInt64 less the offset, so that the first copy stands',
    time       DateTime64(3, 'UTC') COMMENT 'Declared time',
    experiment LowCardinality(String) COMMENT 'Experiment',
    arm        LowCardinality(String) COMMENT 'Arm',
    unit       String COMMENT 'What was assigned',
    unit_type  LowCardinality(String) COMMENT 'What kind of unit it is'
) ENGINE = ReplacingMergeTree(version)
ORDER BY (id, epoch, key_source)
COMMENT 'Who was assigned to which arm of an experiment';

-- Figures reported by platforms; never summed with our own.
CREATE TABLE IF NOT EXISTS report (
    id           String COMMENT 'Id of the event',
    epoch        UInt16 COMMENT 'Under which rules the row was written',
    source       LowCardinality(String) COMMENT 'The log and its partition: log/partition',
    key_source   LowCardinality(String) COMMENT 'The source again, as a part of the key: no source overwrites the row of another, whatever ids their producers chose',
    version      UInt64 COMMENT 'Largest UInt64 less the offset, so that the first copy stands',
    time         DateTime64(3, 'UTC') COMMENT 'Declared time',
    origin       LowCardinality(String) COMMENT 'Who reports',
    metric       LowCardinality(String) COMMENT 'What',
    value        Decimal(38, 6) COMMENT 'How much',
    grain        LowCardinality(String) COMMENT 'Grain of the figure',
    period_start Nullable(DateTime64(3, 'UTC')) COMMENT 'Start of the period it covers',
    period_end   Nullable(DateTime64(3, 'UTC')) COMMENT 'End of the period it covers',
    brand        LowCardinality(String) COMMENT 'Brand',
    campaign     LowCardinality(String) COMMENT 'Campaign',
    channel      LowCardinality(String) COMMENT 'Channel'
) ENGINE = ReplacingMergeTree(version)
ORDER BY (id, epoch, key_source)
COMMENT 'Figures reported by platforms; never summed with our own';

-- Records that are no events: where they came from, why, and their bytes. Holds raw ids.
CREATE TABLE IF NOT EXISTS rejects (
    epoch     UInt16 COMMENT 'Under which rules the row was computed; views read the active epoch of each source',
    source    LowCardinality(String) COMMENT 'The log and its partition: log/partition',
    offset    UInt64 COMMENT 'Offset of the record',
    version   UInt64 COMMENT 'The row with the greatest one stands',
    received  DateTime64(3, 'UTC') COMMENT 'Time that the broker gave the record',
    reason    LowCardinality(String) COMMENT 'Why, out of a short list',
    detail    String COMMENT 'What exactly, for people',
    key       String COMMENT 'Key of the record, its bytes',
    payload   String COMMENT 'Value of the record, its bytes',
    headers   Map(String, String) COMMENT 'Headers of the record, their bytes',
    truncated Bool COMMENT 'Whether the payload was cut',
    replayed  Bool COMMENT 'Whether the record was published again'
) ENGINE = ReplacingMergeTree(version)
ORDER BY (source, offset, epoch)
COMMENT 'Records that are no events: where they came from, why, and their bytes. Holds raw ids';

-- How far the tables are complete, per source. Written last in each batch: everything below version is in the tables.
CREATE TABLE IF NOT EXISTS progress (
    epoch              UInt16 COMMENT 'Under which rules the row was computed; views read the active epoch of each source',
    source             LowCardinality(String) COMMENT 'The log and its partition: log/partition',
    first              UInt64 COMMENT 'First offset that was counted',
    version            UInt64 COMMENT 'First offset that is not in the tables yet',
    watermark          DateTime64(3, 'UTC') COMMENT 'How far the data reach, by event time',
    read               UInt64 COMMENT 'Records since first; read = accepted + duplicates + rejected',
    accepted           UInt64 COMMENT 'Events that counted',
    duplicates         UInt64 COMMENT 'Copies of events of the same life; not counted again',
    conflicting_copies UInt64 COMMENT 'Those copies that say something else',
    rejected           UInt64 COMMENT 'Records that are no events',
    accepted_by_type   Map(LowCardinality(String), UInt64) COMMENT 'Events that counted, by type; a type of which there was none is left out',
    log_end            UInt64 COMMENT 'Where the log ended by then, as far as known: a source that has read as far is at rest, not behind; left out of comparisons',
    written            DateTime64(3, 'UTC') COMMENT 'When the row was written, also if nothing was read since the one before: the one clock in the tables, left out of comparisons'
) ENGINE = ReplacingMergeTree(version)
ORDER BY (epoch, source)
COMMENT 'How far the tables are complete, per source. Written last in each batch: everything below version is in the tables';

-- Which epoch the views read, per source. No row: epoch 0.
CREATE TABLE IF NOT EXISTS active_epoch (
    source  LowCardinality(String) COMMENT 'The log and its partition: log/partition',
    epoch   UInt16 COMMENT 'The epoch',
    version UInt64 COMMENT 'The row with the greatest one stands'
) ENGINE = ReplacingMergeTree(version)
ORDER BY source
COMMENT 'Which epoch the views read, per source. No row: epoch 0';

-- Which migrations have been applied.
CREATE TABLE IF NOT EXISTS schema_migrations (
    number   UInt32 COMMENT 'Number of the file',
    name     String COMMENT 'Name of the file',
    checksum UInt64 COMMENT 'Check value of its text',
    applied  DateTime64(3, 'UTC') COMMENT 'When it was applied'
) ENGINE = ReplacingMergeTree(applied)
ORDER BY number
COMMENT 'Which migrations have been applied';
