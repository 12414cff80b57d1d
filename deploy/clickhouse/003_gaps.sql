-- Gaps: offsets that no count covers, because `grapevine resume` went on without the state that was lost. From `next` on
-- everything is counted again, in trees that began empty there.

CREATE TABLE IF NOT EXISTS gap (
    epoch    UInt16 COMMENT 'Under which rules it was resumed; views read the active epoch of each source',
    source   LowCardinality(String) COMMENT 'The log and its partition: log/partition',
    first    UInt64 COMMENT 'First offset that is in no count',
    next     UInt64 COMMENT 'First offset that is counted again; equal to first: nothing is missing but the trees began anew',
    recorded DateTime64(3, 'UTC') COMMENT 'When it was resumed',
    reason   String COMMENT 'Why, for people'
) ENGINE = ReplacingMergeTree(next)
ORDER BY (epoch, source, first)
COMMENT 'Offsets that no count covers, because a source was resumed without the state that was lost';

-- Where a source was resumed without its state: offsets in no count, and trees that began anew.
CREATE OR REPLACE VIEW gaps AS
SELECT source, epoch, first, next, toUInt64(next - first) AS records, recorded, reason
FROM gap FINAL
WHERE ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
        OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
ORDER BY source, first
COMMENT 'Where a source was resumed without its state: offsets in no count, and trees that began anew';

-- Losses: what `grapevine rewrite` could not have again after the store had lost it. Nothing is counted or shown less because of a row
-- here: it says where numbers of before are too small. Noted again, what reaches further stands: no note ever becomes narrower.

CREATE TABLE IF NOT EXISTS loss (
    epoch    UInt16 COMMENT 'Under which rules it was written; views read the active epoch of each source',
    source   LowCardinality(String) COMMENT 'The log and its partition: log/partition',
    table    LowCardinality(String) COMMENT 'The table that lacks rows',
    first    UInt64 COMMENT 'Rows of events from this offset on may be missing',
    next     UInt64 COMMENT 'Up to before this offset',
    lives    Nullable(UInt64) COMMENT 'Roots of which lives are known to be lost; NULL: the log does not reach back far enough to count them, or the table holds none',
    reason   String COMMENT 'What was lost, for people',
    recorded DateTime64(3, 'UTC') COMMENT 'When it was rewritten'
) ENGINE = ReplacingMergeTree(next)
ORDER BY (epoch, source, table, first)
COMMENT 'What could not be had again after the store had lost it';

-- What could not be had again after the store had lost it: lives that had left memory, records that the log no longer holds.
CREATE OR REPLACE VIEW losses AS
SELECT source, epoch, table, first, next, lives, recorded, reason
FROM loss FINAL
WHERE ((source, epoch) IN (SELECT source, epoch FROM active_epoch FINAL)
        OR (epoch = 0 AND source NOT IN (SELECT source FROM active_epoch)))
ORDER BY source, table, first
COMMENT 'What could not be had again after the store had lost it: lives that had left memory, records that the log no longer holds';
