-- How long rows are kept: rules that the server carries out by itself. A template: choose the days, delete the lines of
-- what is to be kept for ever, and run it as somebody with ALTER TABLE on these tables, once, after `grapevine migrate`:
--
--     clickhouse-client --database grapevine_rows --queries-file deploy/clickhouse-retention.sql
--
-- clickhouse.layout = "sharded": the rows lie in grapevine_rows_local; give that database, and write ON CLUSTER and its name behind each table.
--
-- It is no migration: `grapevine migrate` neither sets rules nor takes them away. Write days as toIntervalDay(...): by that `coverage` knows
-- what was removed on purpose. Workers go on: the marks by which they notice a loss lie in the year 2090, so up to 5,000 days are safe. To
-- end a rule: ALTER TABLE click REMOVE TTL. Trees and posts (cascade, thread, root) have none: they are one row a life, and say whose the
-- rest is. A rule is carried out on what is there as soon as it is set.

-- Records that were no events, with their raw bytes, by the time of the record: where producers give it, those of an archive go at once, unless they are
-- replayed before. Records without a time stay.
ALTER TABLE rejects MODIFY TTL toDateTime(received) + toIntervalDay(30) DELETE WHERE received > toDateTime64(0, 3, 'UTC');

-- Facts, by their own time, or the end of the period that they are for. Whoever was assigned is needed for as long as the experiment is read.
ALTER TABLE click MODIFY TTL toDateTime(time) + toIntervalDay(400);
ALTER TABLE visit MODIFY TTL toDateTime(time) + toIntervalDay(400);
ALTER TABLE conversion MODIFY TTL toDateTime(time) + toIntervalDay(800);
ALTER TABLE cost MODIFY TTL toDateTime(greatest(time, ifNull(period_end, time))) + toIntervalDay(800);
ALTER TABLE assignment MODIFY TTL toDateTime(time) + toIntervalDay(800);
ALTER TABLE report MODIFY TTL toDateTime(greatest(time, ifNull(period_end, time))) + toIntervalDay(800);

-- Windows, by their start. Longer than rules.root_retention_days: a life that goes on writes its windows again.
ALTER TABLE activity_window MODIFY TTL window_start + toIntervalDay(800);
