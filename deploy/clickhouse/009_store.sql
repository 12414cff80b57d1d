-- Which store this is. `grapevine migrate` puts 32 random hexadecimal digits in the place of {store}, once; copies, backups and
-- replicas keep them. A worker writes only to the store that its checkpoints name.
CREATE TABLE IF NOT EXISTS store (
    made DateTime64(3, 'UTC') COMMENT 'Left empty: the comment of the table is the id'
) ENGINE = MergeTree
ORDER BY tuple()
COMMENT '{store}';
