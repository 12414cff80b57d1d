-- What was removed on purpose: `grapevine retain` writes a row before it removes anything, and `coverage` says so.
CREATE TABLE IF NOT EXISTS removal (
    brand   LowCardinality(String) COMMENT 'Whose windows and facts',
    before  DateTime64(3, 'UTC') COMMENT 'What happened before this is gone, or going',
    since   DateTime64(3, 'UTC') COMMENT 'When the first of all that was ever removed of the brand happened',
    removed DateTime64(3, 'UTC') COMMENT 'When the removal began'
) ENGINE = ReplacingMergeTree(removed)
ORDER BY (brand, before)
COMMENT 'What was removed on purpose, by brand: grapevine retain';
