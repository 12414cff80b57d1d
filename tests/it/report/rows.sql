-- Eight weeks of a brand that posts three times a day in six communities, answers, spends, sells and refunds; every
-- number is a hash of its place, so that the rows are the same each time. Monday 2026-03-02 to Sunday 2026-04-26.

INSERT INTO brand (valid_from, brand, margin_rate, timezone, base_currency, landing_hosts)
VALUES ('2020-01-01', 'acme', 0.4, 'Europe/Berlin', 'EUR', ['shop.acme.example']);

INSERT INTO fx VALUES ('2020-01-01', 'EUR', 1), ('2020-01-01', 'USD', 0.9);

INSERT INTO labour_rate VALUES ('2020-01-01', 'community', 48, 'EUR');

INSERT INTO place
SELECT '2020-01-01', if(number < 3, 'forum', 'feed'), concat('c', toString(number)),
    ['Bread & butter', 'Night shift', 'First steps', 'Showcase', 'Deals', 'Offcuts'][number + 1], if(number < 3, 'forum', 'feed'), 1000 * (number + 1)
FROM numbers(6);

INSERT INTO utm_side VALUES ('utm_medium', 'social-conversation', 'conversation'), ('utm_medium', 'social-broadcast', 'broadcast');

INSERT INTO calendar VALUES ('2026-03-17 09:00:00', 'acme', 'mail', 'Spring letter'), ('2026-04-14 09:00:00', 'acme', 'mail', 'Easter letter');

-- Post i of three a day.
INSERT INTO root (root, epoch, source, opened, version, root_seen, root_time, root_is_brand, brand, campaign, channel, platform, community, url)
SELECT
    concat('post-', toString(number)), 0, 't/0', number + 1, 1000 + number, 1,
    toDateTime('2026-03-02 05:00:00', 'UTC') + intDiv(number, 3) * 86400 + (number % 3) * 14400 + (cityHash64(number, 'minute') % 90) * 60, 1, 'acme',
    ['spring', 'summer'][1 + (number >= 84)], if(number % 6 < 3, 'forum', 'feed'), 'web', concat('c', toString(number % 6)),
    if(number % 2 = 0, concat('https://feed.example/', toString(number)), '')
FROM numbers(168);

-- Shares and replies halve from window to window; post 100 is the hit.
INSERT INTO activity_window (
    window_start, root, epoch, source, opened, version,
    posts, shares, replies, brand_replies, mentions, reactions, clicks, sharers, repliers, share_minutes, reply_minutes, brand_reply_minutes)
WITH
    toUInt32(if(i = 100, 900, least(260, 6 / pow(1 - cityHash64(i, 'shares') / 18446744073709551616., 0.8)))) AS wanted_shares,
    toUInt32(4 + (cityHash64(i, 'replies') % 5) * (1 + (i % 6 < 3) * 3)) AS wanted_replies,
    toUInt32(intDiv(wanted_shares, pow(2, w + 1))) AS n_shares,
    toUInt32(intDiv(wanted_replies, pow(2, w + 1))) AS n_replies,
    toUInt32(intDiv(n_replies + 1, 3)) AS n_brand
SELECT
    toStartOfFifteenMinutes(posted) + w * 900 * (1 + w) AS window_start, root, 0, 't/0', i + 1, 1000 + i,
    w = 0, n_shares, n_replies, n_brand, intDiv(n_shares, 20), n_shares * 3, n_shares * 2,
    arrayDistinct(arrayMap(k -> cityHash64(i, w, k) % 4000 + 1, range(n_shares))), arrayDistinct(arrayMap(k -> cityHash64(i, w, k, 'r') % 800 + 1, range(n_replies))),
    arraySort(arrayMap(k -> toUInt8(cityHash64(i, w, k, 's') % 15), range(n_shares))),
    arraySort(arrayMap(k -> toUInt8(cityHash64(i, w, k, 'm') % 15), range(n_replies))),
    arraySort(arrayMap(k -> toUInt8(cityHash64(i, w, k, 'm') % 15), range(n_brand)))
FROM (SELECT opened - 1 AS i, root, toDateTime(root_time) AS posted FROM root) AS p CROSS JOIN (SELECT number AS w FROM numbers(8)) AS k
WHERE w = 0 OR n_shares + n_replies > 0;

-- Two thirds of the shares hang from the post, the others two to four steps below it.
INSERT INTO cascade (
    root, epoch, source, opened, version,
    size, max_depth, levels, s1, s2, inferred, unique_actors, max_children, reach, first_time, last_time)
SELECT
    root, 0, 't/0', opened, version,
    n + 1, length(found) - 1, found, n + second + 2 * third + 3 * fourth, n + 3 * second + 5 * third + 7 * fourth, intDiv(n, 12),
    n - intDiv(n, 9) + 1, found[2], n * 140, root_time, root_time + 86400
FROM (
    SELECT
        w.root AS root, any(w.opened) AS opened, max(w.version) AS version, any(r.root_time) AS root_time,
        sum(shares) AS n, intDiv(n, 5) AS second, intDiv(n, 12) AS third, intDiv(n, 40) AS fourth,
        arrayFilter(x -> x > 0, [1, n - second - third - fourth, second, third, fourth]) AS found
    FROM activity_window AS w INNER JOIN root AS r ON r.opened = w.opened
    GROUP BY root
)
WHERE n > 0;

-- Half of the replies answer the post, the others go on below.
INSERT INTO thread (
    root, epoch, source, opened, version,
    size, max_depth, levels, s1, s2, unique_actors, h_index, brand_replies, audience_replies, nonself_replies, two_way_replies,
    dyads, reciprocal_pairs, aba, aba_eligible, longest_exchange, reentrants, sessions, first_time, last_time)
SELECT
    root, 0, 't/0', opened, version,
    n + 1, length(found) - 1, found, n + second + 2 * third, n + 3 * second + 5 * third, intDiv(n, 2) + 2, length(found) - 1, by_brand, n - by_brand,
    n - intDiv(n, 10), intDiv(n, 2), intDiv(n, 2) + 1, intDiv(n, 4), intDiv(n, 5), intDiv(n, 3), length(found), intDiv(n, 6), 1, root_time, root_time + 86400
FROM (
    SELECT
        w.root AS root, any(w.opened) AS opened, max(w.version) AS version, any(r.root_time) AS root_time,
        sum(replies) AS n, sum(brand_replies) AS by_brand, intDiv(n, 3) AS second, intDiv(n, 6) AS third,
        arrayFilter(x -> x > 0, [1, n - second - third, second, third]) AS found
    FROM activity_window AS w INNER JOIN root AS r ON r.opened = w.opened
    GROUP BY root
)
WHERE n > 0;

-- A click for most shares and replies, on the post, a share two steps down or a reply; each brings a visit within minutes. Replies are
-- clicked within a quarter of an hour, shares in the ten hours after them.
INSERT INTO click (
    id, epoch, source, version, time, root, target, target_kind, target_time, path, path_actors, depth, path_inferred, visitor, has_visitor,
    utm_source, utm_medium, brand, campaign, channel, platform, community)
SELECT
    concat(root, '/click-', toString(window_start - assumeNotNull(root_time)), '-', toString(k)), 0, 't/0', 18446744073709551615 - rowNumberInAllBlocks(),
    window_start + 60 * (cityHash64(root, window_start, k) % 15) + 5, root, if(kind = 1, root, concat(root, '/', toString(k))), kind,
    if(kind = 1, toDateTime64(assumeNotNull(root_time), 3, 'UTC'), toDateTime64(window_start + 60 * (cityHash64(root, window_start, k) % 15) + 5, 3, 'UTC') - 60 * (1 + cityHash64(root, k, 'age') % if(kind = 3, 14, 600))),
    if(kind = 2, [root, 'a', 'b'], [root]), if(kind = 2, [toUInt64(1), k % 7 + 2, k % 40 + 20], [toUInt64(1)]), if(kind = 2, 2, 0), if(k % 11 = 0, 2, 0),
    cityHash64(root, k, 'visitor') % 3000 + 1, 1, channel, '', brand, campaign, channel, platform, community
FROM (SELECT *, arrayJoin(range(intDiv(shares, 2) + replies)) AS k, [1, 2, 3][1 + (k >= intDiv(shares, 4)) + (k >= intDiv(shares, 2))] AS kind FROM activity_row);

INSERT INTO visit (id, epoch, source, version, time, visitor, has_visitor, click, brand, landing_host, landing_path, referrer_host, utm_source, utm_medium)
SELECT concat('v/', id), 0, 't/0', version, time + 20 + cityHash64(id) % 200, visitor, cityHash64(id, 'consent') % 8 > 0, id, brand, 'shop.acme.example', '/', '', '', ''
FROM click WHERE cityHash64(id, 'arrives') % 10 < 8;

INSERT INTO visit (id, epoch, source, version, time, visitor, has_visitor, click, brand, landing_host, landing_path, referrer_host, utm_source, utm_medium)
SELECT
    concat('d/', toString(number)), 0, 't/0', 18446744073709551615 - number,
    toDateTime('2026-03-01 23:00:00', 'UTC') + number * 241 + cityHash64(number) % 900, cityHash64(number, 'who') % 3000 + 1, 1, '', 'acme',
    'shop.acme.example', '/', '', '', if(number % 9 = 0, 'social-conversation', '')
FROM numbers(20000);

INSERT INTO conversion (id, epoch, source, version, time, visitor, has_visitor, brand, kind, amount, currency, margin_rate, refund_of)
SELECT
    concat('sale/', id), 0, 't/0', version, time + 600 + cityHash64(id, 'later') % 400000, visitor, has_visitor, brand, 'order',
    toDecimal64(18 + cityHash64(id, 'amount') % 6500 / 100, 2), if(cityHash64(id) % 9 = 0, 'USD', 'EUR'), NULL, ''
FROM visit WHERE cityHash64(id, 'buys') % 100 < if(click = '', 1, 14);

INSERT INTO conversion (id, epoch, source, version, time, visitor, has_visitor, brand, kind, amount, currency, margin_rate, refund_of)
SELECT concat('back/', id), 0, 't/0', version, time + 400000, visitor, has_visitor, brand, 'refund', -amount, currency, NULL, id
FROM conversion WHERE cityHash64(id, 'returns') % 25 = 0;

INSERT INTO cost (id, epoch, source, version, time, kind, amount, currency, seconds, role, estimated, brand, campaign, channel, community, side)
SELECT
    concat('c/', toString(number)), 0, 't/0', 18446744073709551615 - number, toDateTime('2026-03-02 10:00:00', 'UTC') + intDiv(number, 12) * 86400,
    if(number % 12 < 6, 'content', 'replies'), if(number % 12 < 6, 4 + cityHash64(number) % 9, NULL), if(number % 12 < 6, 'EUR', ''),
    400 + cityHash64(number, 's') % 500, 'community', 0, 'acme', ['spring', 'summer'][1 + (number >= 336)], if(number % 6 < 3, 'forum', 'feed'),
    concat('c', toString(number % 6)), if(number % 12 < 6, 'broadcast', 'conversation')
FROM numbers(672);

INSERT INTO cost (id, epoch, source, version, time, kind, amount, currency, seconds, role, estimated, brand, side)
SELECT concat('tools/', toString(number)), 0, 't/0', 18446744073709551615 - 1000 - number, toDateTime('2026-03-02 10:00:00', 'UTC') + number * 604800, 'tools', 90, 'EUR', NULL, '', 0, 'acme', ''
FROM numbers(8);

INSERT INTO assignment (id, epoch, source, version, time, experiment, arm, unit, unit_type)
SELECT concat('a/', toString(number)), 0, 't/0', 18446744073709551615 - number, toDateTime('2026-03-02 00:00:00', 'UTC'), 'answer-within-an-hour',
    if(cityHash64(number, 'arm') % 2, 'control', 'fast'), concat('post-', toString(number)), 'root'
FROM numbers(168);

INSERT INTO progress (epoch, source, first, version, watermark, read, accepted, duplicates, conflicting_copies, rejected, written)
VALUES (0, 't/0', 0, 60000, '2026-05-04 00:00:00', 60000, 59900, 80, 0, 20, 0);
