-- What people read, in the database that is theirs: each a view of the same name over the database of rows, with its maker's rights, so
-- that readers need none there. `grapevine migrate` puts the name of the database in the place of {people}. Made from deploy/metrics.yml by `make metrics`; change that file instead.

CREATE OR REPLACE VIEW {people}.coverage SQL SECURITY DEFINER AS
SELECT * FROM coverage
COMMENT 'How much of a brand''s week can be trusted and what is missing, in plain words, beside the age of the run that says so. Side by side by ROI needs a labour_coverage of at least 0.8. Before the first run: one row a brand, with missing = no run yet';
ALTER TABLE {people}.coverage
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN brand 'Brand, as in the events',
    COMMENT COLUMN week 'Monday of the week, of the brand''s own days',
    COMMENT COLUMN sources 'Sources = partitions that have written rows. Unit: sources. Adds: none.',
    COMMENT COLUMN sources_behind 'Sources behind = sources whose watermark is more than a day behind the newest, with something left to read or without a sign of life for three hours. Unit: sources. Adds: none.',
    COMMENT COLUMN rejected_share 'Rejected records = records that were no events / records read. Unit: share. Adds: ratio.',
    COMMENT COLUMN gaps 'Gaps = resumptions that left offsets in no count. Unit: gaps. Adds: none.',
    COMMENT COLUMN gap_records 'Records in gaps = offsets in no count. Unit: records. Adds: none.',
    COMMENT COLUMN events 'Events = posts + shares + replies + reactions + clicks. Unit: events. Adds: additive, over brands and weeks.',
    COMMENT COLUMN edges 'Edges = shares and replies of the trees whose post is of the week. Unit: edges. Adds: additive, over brands and weeks.',
    COMMENT COLUMN inferred_share 'Inferred edges = edges hung from the root because their parent is unknown / edges. Unit: share. Adds: ratio.',
    COMMENT COLUMN clicks 'Clicks = click events. Unit: clicks. Adds: additive, over brands and weeks.',
    COMMENT COLUMN clicks_with_target_share 'Clicks whose target is known = clicks on a known post share or reply / clicks. Unit: share. Adds: ratio.',
    COMMENT COLUMN visits 'Visits = visit events. Unit: visits. Adds: additive, over brands and weeks.',
    COMMENT COLUMN visits_with_visitor_share 'Visits with a visitor = visits that name a visitor / visits. Unit: share. Adds: ratio.',
    COMMENT COLUMN visits_with_click_share 'Visits with a click = visits that name a click / visits. Unit: share. Adds: ratio.',
    COMMENT COLUMN visits_with_utm_share 'Visits with link parameters = visits with a utm value / visits. Unit: share. Adds: ratio.',
    COMMENT COLUMN conversions 'Conversions = conversion events and refunds. Unit: conversions. Adds: additive, over brands and weeks.',
    COMMENT COLUMN conversions_with_visitor_share 'Conversions with a visitor = conversions that name a visitor / conversions. Unit: share. Adds: ratio.',
    COMMENT COLUMN conversions_without_margin 'Conversions without a margin = conversions with no margin rate of their own and none in the table brand. Unit: conversions. Adds: additive, over brands and weeks.',
    COMMENT COLUMN costs 'Costs = cost events. Unit: events. Adds: additive, over brands and weeks.',
    COMMENT COLUMN costs_with_place_share 'Costs with a place = costs that name a channel or community / costs. Unit: share. Adds: ratio.',
    COMMENT COLUMN active_days 'Active days = days on which the brand posted or replied. Unit: days. Adds: additive, over brands and weeks.',
    COMMENT COLUMN active_days_with_time 'Active days with time = active days on which time was logged and not all taken back. Unit: days. Adds: additive, over brands and weeks.',
    COMMENT COLUMN active_days_with_time_share 'Share of active days with time = active_days_with_time / active_days. Unit: share. Adds: ratio.',
    COMMENT COLUMN labour_coverage 'Labour coverage = the brand''s active weeks with time logged or given by a rule / its active weeks. Unit: share. Adds: ratio. Never: below 0.8 no ROI side by side.',
    COMMENT COLUMN run_age_seconds 'Age of the run = time since the run was published; NULL before the first one. Unit: seconds. Adds: none.',
    COMMENT COLUMN week_complete 'Whether the data of the run reach to the end of the week',
    COMMENT COLUMN complete_to 'How far the data reach now, the least watermark of the sources that are alive, no more than a day behind the newest',
    COMMENT COLUMN time_by_rule 'Whether the table brand gives a handling time per reply',
    COMMENT COLUMN labour_known 'Whether the week has time, logged or by rule; NULL in a week without activity',
    COMMENT COLUMN missing_rates 'Exchange rates and hourly rates that are missing, by name',
    COMMENT COLUMN missing 'Everything that is missing, in words; no run yet, in one row a brand, before the first run';

CREATE OR REPLACE VIEW {people}.activity_daily SQL SECURITY DEFINER AS
SELECT * FROM activity_daily
COMMENT 'What happened per day, brand, channel, community and side, beside the week and the year before. The emv_* columns are media price equivalents, not value, and never enter ROI';
ALTER TABLE {people}.activity_daily
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN day 'The brand''s own day',
    COMMENT COLUMN brand 'Brand of the root post',
    COMMENT COLUMN channel 'Channel of the root post; empty on the rows that keep every day present',
    COMMENT COLUMN community 'Community of the root post; empty on the rows that keep every day present',
    COMMENT COLUMN side 'Side of what happened (broadcast, conversation, other)',
    COMMENT COLUMN posts 'Posts = root posts. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN shares 'Shares = shares of all kinds. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN quotes 'Quotes = shares that are quotes. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN replies 'Replies = audience_replies + brand_replies; on the side broadcast those below posts of the brand where nobody else has replied. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN brand_replies 'Replies by the brand = replies that the brand wrote. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN audience_replies 'Replies of the audience = replies of everybody but the brand. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN reactions 'Reactions = reactions to posts and to what is below them. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN clicks 'Clicks = clicks on links of posts and of what is below them. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN impressions 'Impressions = growth of the platform''s own gauge. Unit: impressions. Adds: additive, over every key. Never: the platform''s figure; never the denominator of our own counts.',
    COMMENT COLUMN sharers 'People who shared = distinct known people who shared. Unit: people. Adds: set.',
    COMMENT COLUMN repliers 'People who replied = distinct known people who replied. Unit: people. Adds: set.',
    COMMENT COLUMN posts_previous_period 'Posts a week before = posts of the same place seven days before. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN shares_previous_period 'Shares a week before = shares of the same place seven days before. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN audience_replies_previous_period 'Replies of the audience a week before = audience_replies seven days before. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN brand_replies_previous_period 'Replies by the brand a week before = brand_replies seven days before. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN reactions_previous_period 'Reactions a week before = reactions seven days before. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN clicks_previous_period 'Clicks a week before = clicks seven days before. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN posts_usual 'Posts usually = mean of the same weekday of the 28 days before, of the same place. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN shares_usual 'Shares usually = mean of the same weekday of the 28 days before, of the same place. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN audience_replies_usual 'Replies of the audience usually = mean of the same weekday of the 28 days before, of the same place. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN brand_replies_usual 'Replies by the brand usually = mean of the same weekday of the 28 days before, of the same place. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN reactions_usual 'Reactions usually = mean of the same weekday of the 28 days before, of the same place. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN clicks_usual 'Clicks usually = mean of the same weekday of the 28 days before, of the same place. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN posts_previous_year 'Posts a year before = posts of the same place 364 days before. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN shares_previous_year 'Shares a year before = shares 364 days before. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN audience_replies_previous_year 'Replies of the audience a year before = audience_replies 364 days before. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN brand_replies_previous_year 'Replies by the brand a year before = brand_replies 364 days before. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN reactions_previous_year 'Reactions a year before = reactions 364 days before. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN clicks_previous_year 'Clicks a year before = clicks 364 days before. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN brand_posts 'Posts of the brand = root posts that the brand wrote. Unit: events. Adds: additive, over every key.',
    COMMENT COLUMN conversation_rate 'Conversation rate = replies of the audience to posts of the brand / posts of the brand. Unit: replies per post. Adds: ratio. Never: of a day; a post of yesterday is answered today. For cohorts of posts use roi_cohort.',
    COMMENT COLUMN amplification_rate 'Amplification rate = shares of posts of the brand / posts of the brand. Unit: shares per post. Adds: ratio.',
    COMMENT COLUMN applause_rate 'Applause rate = reactions to posts of the brand / posts of the brand. Unit: reactions per post. Adds: ratio.',
    COMMENT COLUMN emv_shares 'Media price of the shares = shares * price of one share as of the day. Unit: money. Adds: additive, over every key within one emv_currency. Never: never in ROI; a media price equivalent is no value.',
    COMMENT COLUMN emv_replies 'Media price of the replies = audience_replies * price of one reply as of the day. Unit: money. Adds: additive, over every key within one emv_currency. Never: never in ROI.',
    COMMENT COLUMN emv_reactions 'Media price of the reactions = reactions * price of one reaction as of the day. Unit: money. Adds: additive, over every key within one emv_currency. Never: never in ROI.',
    COMMENT COLUMN emv_clicks 'Media price of the clicks = clicks * price of one click as of the day. Unit: money. Adds: additive, over every key within one emv_currency. Never: never in ROI.',
    COMMENT COLUMN emv_impressions 'Media price of the impressions = impressions * price of one impression as of the day. Unit: money. Adds: additive, over every key within one emv_currency. Never: never in ROI.',
    COMMENT COLUMN emv 'Earned media value = emv_shares + emv_replies + emv_reactions + emv_clicks + emv_impressions. Unit: money. Adds: additive, over every key within one emv_currency. Never: never in ROI; what the attention would have cost as advertising is not what it was worth.',
    COMMENT COLUMN emv_currency 'Currency of the emv columns, the brand''s base currency; empty is the reference currency',
    COMMENT COLUMN emv_reason 'Why emv is NULL';

CREATE OR REPLACE VIEW {people}.answer_times SQL SECURITY DEFINER AS
SELECT * FROM answer_times
COMMENT 'When people address a brand, and how soon it answers: the messages of the 91 days that end a day before the data do, by the hour and weekday of the brand''s own clock. A message is a post that mentions the brand, or a reply that mentions it or answers it, by somebody known outside it; hours without one have no row';
ALTER TABLE {people}.answer_times
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN brand 'Brand of the root post',
    COMMENT COLUMN channel 'Channel of the root post',
    COMMENT COLUMN weekday 'Weekday of the message on the brand''s own clock, 1 is Monday (1, 2, 3, 4, 5, 6, 7)',
    COMMENT COLUMN hour 'Hour of the message on the brand''s own clock, 0 to 23',
    COMMENT COLUMN messages 'Messages = posts that mention the brand, and replies that mention or answer it, by somebody known outside it. Unit: messages. Adds: additive, over every key.',
    COMMENT COLUMN within_15_minutes 'Answered within 15 minutes = messages whose first reply by the brand came within 15 minutes. Unit: messages. Adds: additive, over every key.',
    COMMENT COLUMN within_1_hour 'Answered within an hour = messages whose first reply by the brand came within 60 minutes. Unit: messages. Adds: additive, over every key.',
    COMMENT COLUMN within_24_hours 'Answered within a day = messages whose first reply by the brand came within 24 hours. Unit: messages. Adds: additive, over every key.';

CREATE OR REPLACE VIEW {people}.cascade_shape SQL SECURITY DEFINER AS
SELECT * FROM cascade_shape
COMMENT 'How far, wide and deep each post was shared: one row per root with at least one share';
ALTER TABLE {people}.cascade_shape
    COMMENT COLUMN root 'Id of the root post',
    COMMENT COLUMN brand 'Brand of the root post',
    COMMENT COLUMN campaign 'Campaign of the root post',
    COMMENT COLUMN channel 'Channel of the root post',
    COMMENT COLUMN platform 'Platform of the root post',
    COMMENT COLUMN community 'Community of the root post',
    COMMENT COLUMN experiment 'Experiment of the root post',
    COMMENT COLUMN arm 'Arm of the experiment',
    COMMENT COLUMN tags 'Tags of the root post',
    COMMENT COLUMN root_time 'Time of the root post; NULL where no life saw it',
    COMMENT COLUMN is_brand 'Whether the brand wrote the root post',
    COMMENT COLUMN side 'Always broadcast (broadcast)',
    COMMENT COLUMN size 'Size = the root post + its shares. Unit: nodes. Adds: shape, over roots.',
    COMMENT COLUMN max_depth 'Depth = edges from the root to the deepest share. Unit: edges. Adds: shape. Never: compare within a size bin only.',
    COMMENT COLUMN max_breadth 'Breadth = the most nodes at one depth. Unit: nodes. Adds: shape.',
    COMMENT COLUMN levels 'Levels = nodes at depth 0 and 1 and 2 and so on. Unit: nodes. Adds: shape, over roots by sumForEach.',
    COMMENT COLUMN wiener 'Wiener index = sum of the distances of all pairs of nodes = size * s1 - s2. Unit: edges. Adds: shape, over roots.',
    COMMENT COLUMN structural_virality 'Structural virality = wiener / (size * (size - 1) / 2). Unit: edges. Adds: ratio. Never: compare within a size bin only; say inferred_share beside it.',
    COMMENT COLUMN unique_actors 'People = distinct known people in the cascade with the author. Unit: people. Adds: set.',
    COMMENT COLUMN deleted_actors 'Deleted accounts = nodes whose account is deleted. Unit: nodes. Adds: shape, over roots.',
    COMMENT COLUMN inferred 'Inferred edges = shares hung from the root because their parent is unknown or a reply. Unit: edges. Adds: shape, over roots.',
    COMMENT COLUMN inferred_share 'Share of inferred edges = inferred / (size - 1). Unit: share. Adds: ratio.',
    COMMENT COLUMN mean_share_depth 'Mean depth of a share = sum of the depths / (size - 1). Unit: edges. Adds: ratio.',
    COMMENT COLUMN broadcast_share 'Broadcast share = shares under the node with the most / (size - 1). Unit: share. Adds: ratio.',
    COMMENT COLUMN root_share 'Shares straight from the post = nodes at depth 1 / (size - 1). Unit: share. Adds: ratio.',
    COMMENT COLUMN viral_share 'Shares of shares = 1 - root_share. Unit: share. Adds: ratio. Never: with many inferred edges it is a lower bound.',
    COMMENT COLUMN repeat_shares 'Repeated shares = shares by somebody who had shared before. Unit: events. Adds: shape, over roots.',
    COMMENT COLUMN self_shares 'Self-shares = shares of one''s own post or share. Unit: events. Adds: shape, over roots.',
    COMMENT COLUMN quotes 'Quotes = shares that are quotes. Unit: events. Adds: shape, over roots.',
    COMMENT COLUMN deletes 'Deletes = delete events under the root while its tree was in memory; no total shrinks. Unit: events. Adds: shape, over roots.',
    COMMENT COLUMN cycles_cut 'Cycles cut = links that would have closed a cycle. Unit: edges. Adds: shape, over roots.',
    COMMENT COLUMN self_edges 'Self-edges = shares that named themselves as parent. Unit: edges. Adds: shape, over roots.',
    COMMENT COLUMN reported_inferred 'Guessed by the producer = shares whose parent the producer says it inferred. Unit: edges. Adds: shape, over roots.',
    COMMENT COLUMN potential_reach 'Potential reach = sum of the followers of everybody who shared. Unit: followers. Adds: shape. Never: an upper bound; never people reached; audiences overlap.',
    COMMENT COLUMN reach_known 'People whose followers are known = sharers whose event told their followers. Unit: people. Adds: shape, over roots.',
    COMMENT COLUMN share_rate 'Share rate = (size - 1) / potential_reach. Unit: shares per follower. Adds: ratio.',
    COMMENT COLUMN root_seen 'Whether any life saw the root post; if not, the dimensions are empty',
    COMMENT COLUMN first_time 'Earliest time in the tree',
    COMMENT COLUMN last_time 'Latest time in the tree',
    COMMENT COLUMN source 'The log and partition of the life shown',
    COMMENT COLUMN opened 'Offset of the first event of the life shown',
    COMMENT COLUMN version 'First offset that the row does not cover',
    COMMENT COLUMN lives 'How many lives of the root have such a tree; the largest is shown',
    COMMENT COLUMN structure_exact '1 when one life saw the post and all that hangs from it, so that the shape is whole';

CREATE OR REPLACE VIEW {people}.thread_shape SQL SECURITY DEFINER AS
SELECT * FROM thread_shape
COMMENT 'How far, wide and deep each conversation went: one row per root with at least one reply';
ALTER TABLE {people}.thread_shape
    COMMENT COLUMN root 'Id of the root post',
    COMMENT COLUMN brand 'Brand of the root post',
    COMMENT COLUMN campaign 'Campaign of the root post',
    COMMENT COLUMN channel 'Channel of the root post',
    COMMENT COLUMN platform 'Platform of the root post',
    COMMENT COLUMN community 'Community of the root post',
    COMMENT COLUMN experiment 'Experiment of the root post',
    COMMENT COLUMN arm 'Arm of the experiment',
    COMMENT COLUMN tags 'Tags of the root post',
    COMMENT COLUMN root_time 'Time of the root post; NULL where no life saw it',
    COMMENT COLUMN is_brand 'Whether the brand wrote the root post',
    COMMENT COLUMN side 'Always conversation (conversation)',
    COMMENT COLUMN size 'Size = the root post + its replies. Unit: nodes. Adds: shape, over roots.',
    COMMENT COLUMN max_depth 'Depth = edges from the root to the deepest reply. Unit: edges. Adds: shape.',
    COMMENT COLUMN max_breadth 'Breadth = the most nodes at one depth. Unit: nodes. Adds: shape.',
    COMMENT COLUMN levels 'Levels = nodes at depth 0 and 1 and 2 and so on. Unit: nodes. Adds: shape, over roots by sumForEach.',
    COMMENT COLUMN wiener 'Wiener index = sum of the distances of all pairs of nodes = size * s1 - s2. Unit: edges. Adds: shape, over roots.',
    COMMENT COLUMN structural_virality 'Structural virality = wiener / (size * (size - 1) / 2). Unit: edges. Adds: ratio. Never: compare within a size bin only.',
    COMMENT COLUMN unique_actors 'People = distinct known people in the thread with the author. Unit: people. Adds: set.',
    COMMENT COLUMN deleted_actors 'Deleted accounts = nodes whose account is deleted. Unit: nodes. Adds: shape, over roots.',
    COMMENT COLUMN inferred 'Inferred edges = replies hung from the root because their parent is unknown or a share that is no quote. Unit: edges. Adds: shape, over roots.',
    COMMENT COLUMN inferred_share 'Share of inferred edges = inferred / (size - 1). Unit: share. Adds: ratio.',
    COMMENT COLUMN mean_reply_depth 'Mean depth of a reply = sum of the depths / (size - 1). Unit: edges. Adds: ratio.',
    COMMENT COLUMN h_index 'h-index = greatest h such that each depth i from 1 to h holds at least i replies. Unit: depth. Adds: shape.',
    COMMENT COLUMN dyads 'Pairs = unordered pairs of people with a reply between them. Unit: pairs. Adds: set. Never: over threads count the hashes of thread_life again.',
    COMMENT COLUMN reciprocal_pairs 'Mutual pairs = pairs with replies in both directions. Unit: pairs. Adds: set.',
    COMMENT COLUMN dyad_reciprocity 'Reciprocity of pairs = reciprocal_pairs / dyads. Unit: share. Adds: ratio. Never: not the edge reciprocity of network software.',
    COMMENT COLUMN two_wayness 'Two-wayness = replies within mutual pairs / replies to somebody else. Unit: share. Adds: ratio.',
    COMMENT COLUMN turn_taking 'Turn-taking = replies that continue A-B as A-B-A / replies that could have. Unit: share. Adds: ratio.',
    COMMENT COLUMN brand_replies 'Replies by the brand = replies that the brand wrote. Unit: events. Adds: shape, over roots.',
    COMMENT COLUMN audience_replies 'Replies of the audience = replies of everybody but the brand. Unit: events. Adds: shape, over roots.',
    COMMENT COLUMN longest_exchange 'Longest exchange = messages of the longest path on which two people alternate. Unit: messages. Adds: shape.',
    COMMENT COLUMN sessions 'Sessions = bursts of messages separated by a gap. Unit: bursts. Adds: shape, over roots.',
    COMMENT COLUMN deletes 'Deletes = delete events under the root while its tree was in memory; no total shrinks. Unit: events. Adds: shape, over roots.',
    COMMENT COLUMN cycles_cut 'Cycles cut = links that would have closed a cycle. Unit: edges. Adds: shape, over roots.',
    COMMENT COLUMN self_edges 'Self-edges = replies that named themselves as parent. Unit: edges. Adds: shape, over roots.',
    COMMENT COLUMN root_seen 'Whether any life saw the root post; if not, the dimensions are empty',
    COMMENT COLUMN first_time 'Earliest time in the tree',
    COMMENT COLUMN last_time 'Latest time in the tree',
    COMMENT COLUMN source 'The log and partition of the life shown',
    COMMENT COLUMN opened 'Offset of the first event of the life shown',
    COMMENT COLUMN version 'First offset that the row does not cover',
    COMMENT COLUMN lives 'How many lives of the root have such a tree; the largest is shown',
    COMMENT COLUMN structure_exact '1 when one life saw the post and all that hangs from it, so that the shape is whole';

CREATE OR REPLACE VIEW {people}.buzz SQL SECURITY DEFINER AS
SELECT * FROM buzz
COMMENT 'Mentions per brand and day against the brand''s own baseline: the same weekday of the four weeks before, with a robust spread';
ALTER TABLE {people}.buzz
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN brand 'Brand, as in the events',
    COMMENT COLUMN day 'The brand''s own day',
    COMMENT COLUMN mentions 'Mentions = posts + shares + replies that mention the brand. Unit: events. Adds: additive, over brands and days.',
    COMMENT COLUMN baseline 'Baseline = median of the same weekday in the four weeks before. Unit: events. Adds: none.',
    COMMENT COLUMN spread 'Spread = 2.32 * median distance of those weeks'' days from the medians of their weekdays; at least the noise of a count. Unit: events. Adds: none.',
    COMMENT COLUMN ratio 'Times the usual = mentions / baseline. Unit: times. Adds: ratio.',
    COMMENT COLUMN z 'Distance from the usual = (mentions - baseline) / spread. Unit: spreads. Adds: none. Never: no probability; counts of mentions have no bell curve.',
    COMMENT COLUMN day_complete 'Whether every living source has been read to the end of the day',
    COMMENT COLUMN verdict 'high above 3 spreads, low below -3, else usual; NULL where z is',
    COMMENT COLUMN reason 'Why z is NULL (empty, fewer than 28 days before, the day is not complete)';

CREATE OR REPLACE VIEW {people}.people SQL SECURITY DEFINER AS
SELECT * FROM people
COMMENT 'Who takes part, comes back and carries it, per week: grain brand over everything of a brand, grain place per channel and community. Never add people over rows';
ALTER TABLE {people}.people
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN grain 'brand: over everything of a brand; place: per channel and community (brand, place)',
    COMMENT COLUMN week 'Monday of the week, of the brand''s own days',
    COMMENT COLUMN brand 'Brand of the root post',
    COMMENT COLUMN channel 'Channel of the root post; empty in the grain brand',
    COMMENT COLUMN community 'Community of the root post; empty in the grain brand',
    COMMENT COLUMN people 'People = distinct known people who shared or replied. Unit: people. Adds: set.',
    COMMENT COLUMN sharers 'People who shared = distinct known people who shared. Unit: people. Adds: set.',
    COMMENT COLUMN repliers 'People who replied = distinct known people who replied. Unit: people. Adds: set.',
    COMMENT COLUMN on_both_sides 'People on both sides = sharers + repliers - people. Unit: people. Adds: set.',
    COMMENT COLUMN bots 'Bots = distinct accounts of the class bot that took part. Unit: people. Adds: set.',
    COMMENT COLUMN new_people 'New people = people not seen in any week before; NULL in the brand''s first week. Unit: people. Adds: additive, over weeks of one place or brand.',
    COMMENT COLUMN people_week_before 'People of the week before = people one week earlier. Unit: people. Adds: set.',
    COMMENT COLUMN returned 'Returned = people of the week before who took part again. Unit: people. Adds: set.',
    COMMENT COLUMN returning_share 'Returning share = returned / people_week_before. Unit: share. Adds: ratio.',
    COMMENT COLUMN appearances 'Appearances = once per person and root and window. Unit: appearances. Adds: additive, over weeks and places of one grain.',
    COMMENT COLUMN appearances_per_person 'Appearances per person = appearances / people. Unit: appearances. Adds: ratio.',
    COMMENT COLUMN top_1_percent_share 'Carried by one percent = appearances of the most active percent / appearances. Unit: share. Adds: ratio.',
    COMMENT COLUMN top_10_percent_share 'Carried by ten percent = appearances of the most active tenth / appearances. Unit: share. Adds: ratio.',
    COMMENT COLUMN top_sharer_share 'Carried by one person = appearances of the most active sharer / appearances of sharers. Unit: share. Adds: ratio.',
    COMMENT COLUMN dyads 'Pairs = pairs of people with a reply between them in threads begun in the week. Unit: pairs. Adds: set.',
    COMMENT COLUMN reciprocal_pairs 'Mutual pairs = pairs with replies in both directions. Unit: pairs. Adds: set.',
    COMMENT COLUMN dyad_reciprocity 'Reciprocity of pairs = reciprocal_pairs / dyads. Unit: share. Adds: ratio.',
    COMMENT COLUMN edge_reciprocity 'Reciprocity of edges = 2 * reciprocal_pairs / directed pairs. Unit: share. Adds: ratio.',
    COMMENT COLUMN two_way_share 'Two-way share = replies within mutual pairs / replies to somebody else. Unit: share. Adds: ratio.';

CREATE OR REPLACE VIEW {people}.traffic SQL SECURITY DEFINER AS
SELECT * FROM traffic
COMMENT 'How many came, from which side and place, and how much of it can be told: visits and clicks per brand and day';
ALTER TABLE {people}.traffic
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN brand 'Brand of the visit',
    COMMENT COLUMN day 'The brand''s own day',
    COMMENT COLUMN side 'Side of what was clicked; else of the link parameters or the referring host; else other (broadcast, conversation, other)',
    COMMENT COLUMN channel 'Channel of the post that was clicked',
    COMMENT COLUMN community 'Community of the post that was clicked',
    COMMENT COLUMN campaign 'Campaign of the post that was clicked, else utm_campaign, in one spelling (lower case)',
    COMMENT COLUMN visits 'Visits = visit events. Unit: visits. Adds: additive, over every key.',
    COMMENT COLUMN visits_with_visitor 'Visits with a visitor = visits that name a visitor. Unit: visits. Adds: additive, over every key.',
    COMMENT COLUMN visitors 'Visitors = distinct visitors. Unit: visitors. Adds: set.',
    COMMENT COLUMN tracked 'Tracked visits = visits whose side a click or a map tells. Unit: visits. Adds: additive, over every key.',
    COMMENT COLUMN untracked 'Untracked visits = visits - tracked. Unit: visits. Adds: additive, over every key.',
    COMMENT COLUMN direct 'Direct visits = visits without click and link parameters and referrer. Unit: visits. Adds: additive, over every key.',
    COMMENT COLUMN self_referrals 'Self-referrals = visits referred by the brand''s own hosts. Unit: visits. Adds: additive, over every key.',
    COMMENT COLUMN visits_from_clicks 'Visits from clicks = visits whose click is known. Unit: visits. Adds: additive, over every key.',
    COMMENT COLUMN clicks 'Clicks = click events. Unit: clicks. Adds: additive, over every key.',
    COMMENT COLUMN visits_per_click 'Visits per click = visits_from_clicks / clicks. Unit: visits per click. Adds: ratio.',
    COMMENT COLUMN median_seconds_from_click 'Seconds from click to visit = median of visit time - click time. Unit: seconds. Adds: none.',
    COMMENT COLUMN dark_candidates 'Dark candidates = untracked visits of the brand''s day that are no self-referrals. Unit: visits. Adds: none. Never: stands on every row of the brand''s day; do not add it.',
    COMMENT COLUMN dark_share 'Dark share = of the side''s visits the part that nothing tracks; NULL unless it is known to be 0. Unit: share. Adds: ratio.',
    COMMENT COLUMN dark_share_low 'Dark share at least = 0; none of the candidates belongs to the side. Unit: share. Adds: none.',
    COMMENT COLUMN dark_share_high 'Dark share at most = dark_candidates / (tracked + dark_candidates). Unit: share. Adds: none.',
    COMMENT COLUMN dark_share_reason 'Why dark_share is NULL';

CREATE OR REPLACE VIEW {people}.money SQL SECURITY DEFINER AS
SELECT * FROM money
COMMENT 'The ledger: what was spent and what came back, on the day of the money. entry: cost_money, cost_time, revenue, refund (negative), margin (of revenue and refunds; do not add it to them). Revenue goes to the last touch that is not direct, within 30 days; what has none is side unattributed, cost without a place, campaign or side is (unallocated). reason: why amount or amount_base is NULL: missing_hourly_rate, missing_margin_rate, missing_exchange_rate. The cash view: never call a ratio of it ROI';
ALTER TABLE {people}.money
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN day 'The brand''s own day of the money',
    COMMENT COLUMN brand 'Brand; of a cost without one, the campaign''s',
    COMMENT COLUMN campaign 'Campaign, of the cost or of the touch, in one spelling (lower case); a cost without one is (unallocated)',
    COMMENT COLUMN channel 'Channel; a cost without a place is (unallocated)',
    COMMENT COLUMN community 'Community',
    COMMENT COLUMN side 'Side of the cost or of the credited touch (broadcast, conversation, other, unattributed, (unallocated))',
    COMMENT COLUMN entry 'Kind of the line (cost_money, cost_time, revenue, refund, margin)',
    COMMENT COLUMN currency 'Currency of amount',
    COMMENT COLUMN owner 'Who answers for the campaign, as of the day',
    COMMENT COLUMN amount 'Amount = sum in its own currency; a refund is negative. Unit: money. Adds: additive, over every key but entry and currency. Never: a ratio of this view is no ROI; margin is a part of revenue and refund and not to be added to them.',
    COMMENT COLUMN amount_base 'Amount in the base currency = amount * exchange rate as of the day. Unit: money. Adds: additive, over every key but entry within one base_currency. Never: a ratio of this view is no ROI.',
    COMMENT COLUMN seconds 'Seconds worked = seconds of the cost_time lines. Unit: seconds. Adds: additive, over every key.',
    COMMENT COLUMN base_currency 'Currency of amount_base; empty is the reference currency',
    COMMENT COLUMN estimated 'Whether the time was estimated',
    COMMENT COLUMN reason 'Why amount or amount_base is NULL (empty, missing_hourly_rate, missing_margin_rate, missing_exchange_rate)';

CREATE OR REPLACE VIEW {people}.credit_by_rule SQL SECURITY DEFINER AS
SELECT * FROM credit_by_rule
COMMENT 'Whose credit each conversion is: one row per conversion, touch of it, model and look-back; credit adds up to the amount exactly. Filter by model and lookback_days: sums over them count each conversion again. A conversion without a visitor or a touch has side unattributed. last is the last touch that is not direct (before_direct: a direct one followed); share is the part of the conversion, 1 in all. Made by grapevine rollup --credit-by-rule alone: shows the newest run that made it until two others were published, then nothing';
ALTER TABLE {people}.credit_by_rule
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN model 'Rule of credit (first, last, linear, position, time_decay)',
    COMMENT COLUMN lookback_days 'Days before the sale in which a touch counts (7, 30, 90)',
    COMMENT COLUMN conversion 'Id of the conversion or refund',
    COMMENT COLUMN at 'Time of the conversion',
    COMMENT COLUMN day 'The brand''s own day of the conversion',
    COMMENT COLUMN brand 'Brand of the conversion',
    COMMENT COLUMN kind 'Kind of the conversion',
    COMMENT COLUMN currency 'Currency of credit',
    COMMENT COLUMN refund_of 'Sale that this takes back; it stands on the touches of the sale',
    COMMENT COLUMN sold_at 'Time of the sale; that of the conversion itself where it takes nothing back',
    COMMENT COLUMN touched 'Time of the touch',
    COMMENT COLUMN touched_day 'The brand''s own day of the touch; of the sale where there was none',
    COMMENT COLUMN visit 'Id of the visit that was the touch; empty where there was none',
    COMMENT COLUMN side 'Side of the touch; unattributed where no visitor or no touch is known (broadcast, conversation, other, unattributed)',
    COMMENT COLUMN channel 'Channel of the touch',
    COMMENT COLUMN community 'Community of the touch',
    COMMENT COLUMN campaign 'Campaign of the touch, that of the clicked post, else utm_campaign, in one spelling (lower case)',
    COMMENT COLUMN root 'Root post of the touch',
    COMMENT COLUMN click 'Click of the touch',
    COMMENT COLUMN share 'Part of the conversion = weight of the touch / weights of all its touches. Unit: share. Adds: additive, over rows of one model and lookback_days. Never: never add over models or look-backs.',
    COMMENT COLUMN credit 'Credit = amount * share; the last units by largest remainder so that it adds up exactly. Unit: money. Adds: additive, over rows of one model and lookback_days and currency. Never: never add over models or look-backs; an accounting rule and no cause.',
    COMMENT COLUMN margin 'Margin = credit * margin_rate. Unit: money. Adds: additive, over rows of one model and lookback_days and currency.',
    COMMENT COLUMN credit_base 'Credit in the base currency = credit * exchange rate as of the day. Unit: money. Adds: additive, over rows of one model and lookback_days and base_currency.',
    COMMENT COLUMN margin_base 'Margin in the base currency = credit * margin_rate * exchange rate as of the day. Unit: money. Adds: additive, over rows of one model and lookback_days and base_currency.',
    COMMENT COLUMN margin_rate 'Margin rate = of the conversion; else of its sale; else of the brand as of the sale. Unit: share. Adds: ratio.',
    COMMENT COLUMN direct 'Whether the touch was direct',
    COMMENT COLUMN tracked 'Whether a click or a map tells the side of the touch',
    COMMENT COLUMN before_direct 'Model last: whether a direct touch followed, which is passed over',
    COMMENT COLUMN base_currency 'Currency of the base columns; empty is the reference currency';

CREATE OR REPLACE VIEW {people}.carriers SQL SECURITY DEFINER AS
SELECT * FROM carriers
COMMENT 'Who carried it over 91 days: what each person''s shares set off, and what they brought. The brand''s own accounts are left out. Order by children, which adds up; credit is a rule, no cause';
ALTER TABLE {people}.carriers
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN brand 'Brand of the root posts, and of the sales',
    COMMENT COLUMN actor 'Keyed hash of the account',
    COMMENT COLUMN children 'Shares set off = shares directly below shares of the person, of cascades whose post is of the 91 days; the post itself counts for nobody. Unit: shares. Adds: additive, over people and brands. Never: complete where truncated.',
    COMMENT COLUMN largest_subtree 'Largest subtree = shares below one share of the person, of that with most. Unit: shares. Adds: shape.',
    COMMENT COLUMN credit_base 'Revenue brought = revenue credited up the path by decay_path from clicks of the 91 days less refunds. Unit: money. Adds: additive, over people of one brand. Never: a cause; accounting up the path.',
    COMMENT COLUMN margin_base 'Margin brought = margin of credit_base. Unit: money. Adds: additive, over people of one brand.',
    COMMENT COLUMN sales 'Sales = sales of which some is credited to the person. Unit: sales. Adds: set.',
    COMMENT COLUMN buyers 'Buyers = distinct people who bought them. Unit: people. Adds: set.',
    COMMENT COLUMN posts 'Posts = root posts whose clicks led to them. Unit: posts. Adds: set.',
    COMMENT COLUMN truncated 'Whether one of the cascades names only 32 of the shares that were shared on, so that children is a lower bound',
    COMMENT COLUMN reason 'Why the figures of money say little: fewer than five people bought, so that chance decides; empty without a sale (empty, few_buyers)';

CREATE OR REPLACE VIEW {people}.credit SQL SECURITY DEFINER AS
SELECT * FROM credit
COMMENT 'Whose credit each conversion is by the last touch that is not direct, within 30 days: one row per conversion and touch with a share, so counting rows and adding credit is right; credit adds up to the amount exactly. A conversion without a visitor or a touch has side unattributed. The sums under other rules are in roi_by_rule, row by row they are in credit_by_rule';
ALTER TABLE {people}.credit
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN model 'Rule of credit (first, last, linear, position, time_decay)',
    COMMENT COLUMN lookback_days 'Days before the sale in which a touch counts (7, 30, 90)',
    COMMENT COLUMN conversion 'Id of the conversion or refund',
    COMMENT COLUMN at 'Time of the conversion',
    COMMENT COLUMN day 'The brand''s own day of the conversion',
    COMMENT COLUMN brand 'Brand of the conversion',
    COMMENT COLUMN kind 'Kind of the conversion',
    COMMENT COLUMN currency 'Currency of credit',
    COMMENT COLUMN refund_of 'Sale that this takes back; it stands on the touches of the sale',
    COMMENT COLUMN sold_at 'Time of the sale; that of the conversion itself where it takes nothing back',
    COMMENT COLUMN touched 'Time of the touch',
    COMMENT COLUMN touched_day 'The brand''s own day of the touch; of the sale where there was none',
    COMMENT COLUMN visit 'Id of the visit that was the touch; empty where there was none',
    COMMENT COLUMN side 'Side of the touch; unattributed where no visitor or no touch is known (broadcast, conversation, other, unattributed)',
    COMMENT COLUMN channel 'Channel of the touch',
    COMMENT COLUMN community 'Community of the touch',
    COMMENT COLUMN campaign 'Campaign of the touch',
    COMMENT COLUMN root 'Root post of the touch',
    COMMENT COLUMN click 'Click of the touch',
    COMMENT COLUMN share 'Part of the conversion = weight of the touch / weights of all its touches. Unit: share. Adds: additive, over rows of one model and lookback_days. Never: never add over models or look-backs.',
    COMMENT COLUMN credit 'Credit = amount * share; the last units by largest remainder so that it adds up exactly. Unit: money. Adds: additive, over rows of one currency. Never: an accounting rule and no cause.',
    COMMENT COLUMN margin 'Margin = credit * margin_rate. Unit: money. Adds: additive, over rows of one currency.',
    COMMENT COLUMN credit_base 'Credit in the base currency = credit * exchange rate as of the day. Unit: money. Adds: additive, over rows of one base_currency.',
    COMMENT COLUMN margin_base 'Margin in the base currency = credit * margin_rate * exchange rate as of the day. Unit: money. Adds: additive, over rows of one base_currency.',
    COMMENT COLUMN margin_rate 'Margin rate = of the conversion; else of its sale; else of the brand as of the sale. Unit: share. Adds: ratio.',
    COMMENT COLUMN direct 'Whether the touch was direct',
    COMMENT COLUMN tracked 'Whether a click or a map tells the side of the touch',
    COMMENT COLUMN before_direct 'Model last: whether a direct touch followed, which is passed over',
    COMMENT COLUMN base_currency 'Currency of the base columns; empty is the reference currency';

CREATE OR REPLACE VIEW {people}.click_lag SQL SECURITY DEFINER AS
SELECT * FROM click_lag
COMMENT 'How long after a post, share or reply the clicks on it came, over 91 days: clicks that led to a visit, one a visitor and target, by side, place, kind of target and time from the target to the click. Rows without a bin hold what is in none';
ALTER TABLE {people}.click_lag
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN brand 'Brand of the root post',
    COMMENT COLUMN side 'conversation for clicks on replies, broadcast for clicks on posts and shares, other where the target is not known (broadcast, conversation, other)',
    COMMENT COLUMN channel 'Channel of the root post',
    COMMENT COLUMN community 'Community of the root post',
    COMMENT COLUMN target_kind 'What was clicked (post, share, reply, unknown)',
    COMMENT COLUMN bin 'Time from the target to the click, the lower end in; empty: what is in no bin (empty, before, 0-10 s, 10-60 s, 1-5 min, 5-15 min, 15-60 min, 1-4 h, 4-24 h)',
    COMMENT COLUMN clicks 'Clicks = clicks that led to a visit, one a visitor and target, participants left out. Unit: clicks. Adds: additive, over rows.',
    COMMENT COLUMN unconfirmed 'Unconfirmed clicks = other clicks on targets whose time is known; machines are among them. Unit: clicks. Adds: additive, over rows.',
    COMMENT COLUMN participant 'Clicks of participants = clicks of people who wrote under the root before. Unit: clicks. Adds: additive, over rows.',
    COMMENT COLUMN target_unknown 'Clicks on something unknown = clicks whose target had not been seen. Unit: clicks. Adds: additive, over rows.',
    COMMENT COLUMN late 'Late clicks = clicks 24 hours or more after the target. Unit: clicks. Adds: additive, over rows.',
    COMMENT COLUMN shares 'Shares = shares in the same days. Unit: shares. Adds: additive, over rows.',
    COMMENT COLUMN clicks_per_share 'Clicks per share = clicks on shares / shares. Unit: clicks per share. Adds: ratio.',
    COMMENT COLUMN visits_per_share 'Visits per share = clicks on shares that led to a visit / shares. Unit: visits per share. Adds: ratio.';

CREATE OR REPLACE VIEW {people}.roi SQL SECURITY DEFINER AS
SELECT * FROM roi
COMMENT 'What each side of a brand returned in a period. Margin credited to touches on the brands days of the period, less the cost of those days, over that cost, by the last touch that is not direct, within 30 days. What is credited is not what is caused: only experiments say that. Rows of one kind of period add up in margin_base and cost_base';
ALTER TABLE {people}.roi
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN brand 'Brand of the sale and of the cost',
    COMMENT COLUMN side 'Side of the credited touch or of the cost; unattributed: margin without a touch; (unallocated): cost without a side (broadcast, conversation, other, unattributed, (unallocated))',
    COMMENT COLUMN period 'week, month, quarter, last_4_weeks, last_13_weeks or all (week, month, quarter, last_4_weeks, last_13_weeks, all)',
    COMMENT COLUMN period_start 'First day of the period, of the brands own',
    COMMENT COLUMN period_end 'The day after its last',
    COMMENT COLUMN margin_base 'Margin base = Margin credited to touches on the days of the period, refunds taken off. Unit: money. Adds: additive, over sides and places of one period. Never: never add over kinds of period.',
    COMMENT COLUMN cost_base 'Cost base = Cost of those days. Unit: money. Adds: additive, over sides and places of one period. Never: never add over kinds of period.',
    COMMENT COLUMN roi 'ROI = margin_base / cost_base - 1. Unit: share. Adds: ratio.',
    COMMENT COLUMN roi_low 'ROI low = Lower end of where as much effort of the same kind would lie with 95 %: sampling, the cost taken as known. Unit: share. Adds: none.',
    COMMENT COLUMN roi_high 'ROI high = Upper end. Unit: share. Adds: none.',
    COMMENT COLUMN roi_from 'ROI from = The least ROI over the five rules, direct traffic left out or shared out, seconds low or high, cost without a side left out or shared out. Unit: share. Adds: none.',
    COMMENT COLUMN roi_to 'ROI to = The greatest. Unit: share. Adds: none.',
    COMMENT COLUMN units 'Units = Posts, days of a channel where no post is known, or weeks, with credit. Unit: units. Adds: none.',
    COMMENT COLUMN effective_units 'Effective units = How many units of equal size would spread as they do. Unit: units. Adds: none.',
    COMMENT COLUMN conversions 'Conversions = Credited sales: the sum of their parts. Unit: conversions. Adds: additive, over sides and places of one period. Never: never add over kinds of period.',
    COMMENT COLUMN margin_traced 'Margin traced = Margin whose touch names a post; NULL where the side has no click. Unit: money. Adds: additive, over sides and places of one period. Never: never add over kinds of period.',
    COMMENT COLUMN margin_of_earlier_posts 'Margin of earlier posts = Margin of posts that are older than the period: what it harvests from before. Unit: money. Adds: additive, over sides and places of one period. Never: never add over kinds of period.',
    COMMENT COLUMN cost_without_side_share 'Cost without side share = Cost without a side / cost of the brand in the period. Unit: share. Adds: ratio.',
    COMMENT COLUMN roi_so_far 'ROI so far = Before it is complete: margin so far / cost - 1, not scaled. Unit: share. Adds: ratio.',
    COMMENT COLUMN expected_share 'Expected share = Share of the margin that usually has come by now. Unit: share. Adds: none.',
    COMMENT COLUMN complete 'Whether every sale that may credit the period has come',
    COMMENT COLUMN verdict 'positive, negative or cannot_tell: whether the interval, as it stands and moved to the nearer end of the range, is clear of 0',
    COMMENT COLUMN reason 'Why something is NULL, the first that holds; empty beside a number (empty, unattributed, unallocated_cost, not_complete, partial_start, no_conversions, no_touch, other_currency, missing_hourly_rate, missing_exchange_rate, missing_margin_rate, labour_coverage, no_cost, no_value, few_units, short_period, unbounded_estimate)',
    COMMENT COLUMN notes 'partly_traced, partly_allocated, few_sales, no_clicks';

CREATE OR REPLACE VIEW {people}.roi_channel SQL SECURITY DEFINER AS
SELECT * FROM roi_channel
COMMENT 'What each side of a channel returned in a period';
ALTER TABLE {people}.roi_channel
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN brand 'Brand of the sale and of the cost',
    COMMENT COLUMN channel 'Channel',
    COMMENT COLUMN side 'Side of the credited touch or of the cost; unattributed: margin without a touch; (unallocated): cost without a side (broadcast, conversation, other, unattributed, (unallocated))',
    COMMENT COLUMN period 'week, month, quarter, last_4_weeks, last_13_weeks or all (week, month, quarter, last_4_weeks, last_13_weeks, all)',
    COMMENT COLUMN period_start 'First day of the period, of the brands own',
    COMMENT COLUMN period_end 'The day after its last',
    COMMENT COLUMN margin_base 'Margin base = Margin credited to touches on the days of the period, refunds taken off. Unit: money. Adds: additive, over sides and places of one period. Never: never add over kinds of period.',
    COMMENT COLUMN cost_base 'Cost base = Cost of those days. Unit: money. Adds: additive, over sides and places of one period. Never: never add over kinds of period.',
    COMMENT COLUMN roi 'ROI = margin_base / cost_base - 1. Unit: share. Adds: ratio.',
    COMMENT COLUMN roi_low 'ROI low = Lower end of where as much effort of the same kind would lie with 95 %: sampling, the cost taken as known. Unit: share. Adds: none.',
    COMMENT COLUMN roi_high 'ROI high = Upper end. Unit: share. Adds: none.',
    COMMENT COLUMN roi_from 'ROI from = The least ROI over the five rules, direct traffic left out or shared out, seconds low or high, cost without a side left out or shared out. Unit: share. Adds: none.',
    COMMENT COLUMN roi_to 'ROI to = The greatest. Unit: share. Adds: none.',
    COMMENT COLUMN units 'Units = Posts, days of a channel where no post is known, or weeks, with credit. Unit: units. Adds: none.',
    COMMENT COLUMN effective_units 'Effective units = How many units of equal size would spread as they do. Unit: units. Adds: none.',
    COMMENT COLUMN conversions 'Conversions = Credited sales: the sum of their parts. Unit: conversions. Adds: additive, over sides and places of one period. Never: never add over kinds of period.',
    COMMENT COLUMN margin_traced 'Margin traced = Margin whose touch names a post; NULL where the side has no click. Unit: money. Adds: additive, over sides and places of one period. Never: never add over kinds of period.',
    COMMENT COLUMN margin_of_earlier_posts 'Margin of earlier posts = Margin of posts that are older than the period: what it harvests from before. Unit: money. Adds: additive, over sides and places of one period. Never: never add over kinds of period.',
    COMMENT COLUMN cost_without_side_share 'Cost without side share = Cost without a side / cost of the brand in the period. Unit: share. Adds: ratio.',
    COMMENT COLUMN roi_so_far 'ROI so far = Before it is complete: margin so far / cost - 1, not scaled. Unit: share. Adds: ratio.',
    COMMENT COLUMN expected_share 'Expected share = Share of the margin that usually has come by now. Unit: share. Adds: none.',
    COMMENT COLUMN complete 'Whether every sale that may credit the period has come',
    COMMENT COLUMN verdict 'positive, negative or cannot_tell: whether the interval, as it stands and moved to the nearer end of the range, is clear of 0',
    COMMENT COLUMN reason 'Why something is NULL, the first that holds; empty beside a number (empty, unattributed, unallocated_cost, not_complete, partial_start, no_conversions, no_touch, other_currency, missing_hourly_rate, missing_exchange_rate, missing_margin_rate, labour_coverage, no_cost, no_value, few_units, short_period, unbounded_estimate)',
    COMMENT COLUMN notes 'partly_traced, partly_allocated, few_sales, no_clicks';

CREATE OR REPLACE VIEW {people}.roi_campaign SQL SECURITY DEFINER AS
SELECT * FROM roi_campaign
COMMENT 'What each side of a campaign returned in a period';
ALTER TABLE {people}.roi_campaign
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN brand 'Brand of the sale and of the cost',
    COMMENT COLUMN campaign 'Campaign',
    COMMENT COLUMN side 'Side of the credited touch or of the cost; unattributed: margin without a touch; (unallocated): cost without a side (broadcast, conversation, other, unattributed, (unallocated))',
    COMMENT COLUMN period 'week, month, quarter, last_4_weeks, last_13_weeks or all (week, month, quarter, last_4_weeks, last_13_weeks, all)',
    COMMENT COLUMN period_start 'First day of the period, of the brands own',
    COMMENT COLUMN period_end 'The day after its last',
    COMMENT COLUMN margin_base 'Margin base = Margin credited to touches on the days of the period, refunds taken off. Unit: money. Adds: additive, over sides and places of one period. Never: never add over kinds of period.',
    COMMENT COLUMN cost_base 'Cost base = Cost of those days. Unit: money. Adds: additive, over sides and places of one period. Never: never add over kinds of period.',
    COMMENT COLUMN roi 'ROI = margin_base / cost_base - 1. Unit: share. Adds: ratio.',
    COMMENT COLUMN roi_low 'ROI low = Lower end of where as much effort of the same kind would lie with 95 %: sampling, the cost taken as known. Unit: share. Adds: none.',
    COMMENT COLUMN roi_high 'ROI high = Upper end. Unit: share. Adds: none.',
    COMMENT COLUMN roi_from 'ROI from = The least ROI over the five rules, direct traffic left out or shared out, seconds low or high, cost without a side left out or shared out. Unit: share. Adds: none.',
    COMMENT COLUMN roi_to 'ROI to = The greatest. Unit: share. Adds: none.',
    COMMENT COLUMN units 'Units = Posts, days of a channel where no post is known, or weeks, with credit. Unit: units. Adds: none.',
    COMMENT COLUMN effective_units 'Effective units = How many units of equal size would spread as they do. Unit: units. Adds: none.',
    COMMENT COLUMN conversions 'Conversions = Credited sales: the sum of their parts. Unit: conversions. Adds: additive, over sides and places of one period. Never: never add over kinds of period.',
    COMMENT COLUMN margin_traced 'Margin traced = Margin whose touch names a post; NULL where the side has no click. Unit: money. Adds: additive, over sides and places of one period. Never: never add over kinds of period.',
    COMMENT COLUMN margin_of_earlier_posts 'Margin of earlier posts = Margin of posts that are older than the period: what it harvests from before. Unit: money. Adds: additive, over sides and places of one period. Never: never add over kinds of period.',
    COMMENT COLUMN cost_without_side_share 'Cost without side share = Cost without a side / cost of the brand in the period. Unit: share. Adds: ratio.',
    COMMENT COLUMN roi_so_far 'ROI so far = Before it is complete: margin so far / cost - 1, not scaled. Unit: share. Adds: ratio.',
    COMMENT COLUMN expected_share 'Expected share = Share of the margin that usually has come by now. Unit: share. Adds: none.',
    COMMENT COLUMN complete 'Whether every sale that may credit the period has come',
    COMMENT COLUMN verdict 'positive, negative or cannot_tell: whether the interval, as it stands and moved to the nearer end of the range, is clear of 0',
    COMMENT COLUMN reason 'Why something is NULL, the first that holds; empty beside a number (empty, unattributed, unallocated_cost, not_complete, partial_start, no_conversions, no_touch, other_currency, missing_hourly_rate, missing_exchange_rate, missing_margin_rate, labour_coverage, no_cost, no_value, few_units, short_period, unbounded_estimate)',
    COMMENT COLUMN notes 'partly_traced, partly_allocated, few_sales, no_clicks';

CREATE OR REPLACE VIEW {people}.roi_place SQL SECURITY DEFINER AS
SELECT * FROM roi_place
COMMENT 'What each side of a place returned in a period';
ALTER TABLE {people}.roi_place
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN brand 'Brand of the sale and of the cost',
    COMMENT COLUMN channel 'Channel',
    COMMENT COLUMN community 'Community of the channel',
    COMMENT COLUMN side 'Side of the credited touch or of the cost; unattributed: margin without a touch; (unallocated): cost without a side (broadcast, conversation, other, unattributed, (unallocated))',
    COMMENT COLUMN period 'week, month, quarter, last_4_weeks, last_13_weeks or all (week, month, quarter, last_4_weeks, last_13_weeks, all)',
    COMMENT COLUMN period_start 'First day of the period, of the brands own',
    COMMENT COLUMN period_end 'The day after its last',
    COMMENT COLUMN margin_base 'Margin base = Margin credited to touches on the days of the period, refunds taken off. Unit: money. Adds: additive, over sides and places of one period. Never: never add over kinds of period.',
    COMMENT COLUMN cost_base 'Cost base = Cost of those days. Unit: money. Adds: additive, over sides and places of one period. Never: never add over kinds of period.',
    COMMENT COLUMN roi 'ROI = margin_base / cost_base - 1. Unit: share. Adds: ratio.',
    COMMENT COLUMN roi_low 'ROI low = Lower end of where as much effort of the same kind would lie with 95 %: sampling, the cost taken as known. Unit: share. Adds: none.',
    COMMENT COLUMN roi_high 'ROI high = Upper end. Unit: share. Adds: none.',
    COMMENT COLUMN roi_from 'ROI from = The least ROI over the five rules, direct traffic left out or shared out, seconds low or high, cost without a side left out or shared out. Unit: share. Adds: none.',
    COMMENT COLUMN roi_to 'ROI to = The greatest. Unit: share. Adds: none.',
    COMMENT COLUMN units 'Units = Posts, days of a channel where no post is known, or weeks, with credit. Unit: units. Adds: none.',
    COMMENT COLUMN effective_units 'Effective units = How many units of equal size would spread as they do. Unit: units. Adds: none.',
    COMMENT COLUMN conversions 'Conversions = Credited sales: the sum of their parts. Unit: conversions. Adds: additive, over sides and places of one period. Never: never add over kinds of period.',
    COMMENT COLUMN margin_traced 'Margin traced = Margin whose touch names a post; NULL where the side has no click. Unit: money. Adds: additive, over sides and places of one period. Never: never add over kinds of period.',
    COMMENT COLUMN margin_of_earlier_posts 'Margin of earlier posts = Margin of posts that are older than the period: what it harvests from before. Unit: money. Adds: additive, over sides and places of one period. Never: never add over kinds of period.',
    COMMENT COLUMN cost_without_side_share 'Cost without side share = Cost without a side / cost of the brand in the period. Unit: share. Adds: ratio.',
    COMMENT COLUMN roi_so_far 'ROI so far = Before it is complete: margin so far / cost - 1, not scaled. Unit: share. Adds: ratio.',
    COMMENT COLUMN expected_share 'Expected share = Share of the margin that usually has come by now. Unit: share. Adds: none.',
    COMMENT COLUMN complete 'Whether every sale that may credit the period has come',
    COMMENT COLUMN verdict 'positive, negative or cannot_tell: whether the interval, as it stands and moved to the nearer end of the range, is clear of 0',
    COMMENT COLUMN reason 'Why something is NULL, the first that holds; empty beside a number (empty, unattributed, unallocated_cost, not_complete, partial_start, no_conversions, no_touch, other_currency, missing_hourly_rate, missing_exchange_rate, missing_margin_rate, labour_coverage, no_cost, no_value, few_units, short_period, unbounded_estimate)',
    COMMENT COLUMN notes 'partly_traced, partly_allocated, few_sales, no_clicks';

CREATE OR REPLACE VIEW {people}.roi_by_rule SQL SECURITY DEFINER AS
SELECT * FROM roi_by_rule
COMMENT 'What each side of a channel returned in a period under each rule of credit and look-back. Sums over channels are the brands; never add over rules or look-backs';
ALTER TABLE {people}.roi_by_rule
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN brand 'Brand of the sale and of the cost',
    COMMENT COLUMN channel 'Channel; empty: none',
    COMMENT COLUMN side 'Side of the credited touch or of the cost; unattributed: margin without a touch; (unallocated): cost without a side (broadcast, conversation, other, unattributed, (unallocated))',
    COMMENT COLUMN period 'week, month, quarter, last_4_weeks, last_13_weeks or all (week, month, quarter, last_4_weeks, last_13_weeks, all)',
    COMMENT COLUMN period_start 'First day of the period, of the brands own',
    COMMENT COLUMN period_end 'The day after its last',
    COMMENT COLUMN model 'Rule of credit (first, last, linear, position, time_decay)',
    COMMENT COLUMN lookback_days 'Days before the sale in which a touch counts',
    COMMENT COLUMN margin_base 'Margin base = Credited margin. Unit: money. Adds: additive, over sides and places of one period, rule and look-back. Never: never add over kinds of period.',
    COMMENT COLUMN cost_base 'Cost base = Cost. Unit: money. Adds: additive, over sides and places of one period, rule and look-back. Never: never add over kinds of period.',
    COMMENT COLUMN roi 'ROI = margin_base / cost_base - 1. Unit: share. Adds: ratio.',
    COMMENT COLUMN complete 'Whether every sale that may credit the period under that look-back has come',
    COMMENT COLUMN reason 'Why there is none, the first that holds (empty, unattributed, unallocated_cost, not_complete, partial_start, no_conversions, no_touch, other_currency, missing_hourly_rate, missing_exchange_rate, missing_margin_rate, labour_coverage, no_cost, no_value, few_units, short_period, unbounded_estimate)';

CREATE OR REPLACE VIEW {people}.backtest SQL SECURITY DEFINER AS
SELECT * FROM backtest
COMMENT 'What a complete week, month or quarter of roi was expected to return by the run nearest to a week after its end (roi_so_far, scaled by expected_share), and what the first run that found it complete said. Periods of which no run was kept before they were complete have no row. reason: definitions_changed (another program), dimensions_changed (rates or other tables that people load), few_sales (too few to say what share usually has come), else why one of the two says nothing';
ALTER TABLE {people}.backtest
    COMMENT COLUMN brand 'Brand of the sale and of the cost',
    COMMENT COLUMN side 'Side of the credited touch or of the cost (broadcast, conversation, other)',
    COMMENT COLUMN period 'week, month or quarter (week, month, quarter)',
    COMMENT COLUMN period_start 'First day of the period, of the brands own',
    COMMENT COLUMN period_end 'The day after its last',
    COMMENT COLUMN early_run 'Of the runs that found it not complete yet, the nearest to a week after its end',
    COMMENT COLUMN late_run 'The first run that found it complete',
    COMMENT COLUMN roi_so_far 'ROI so far = Margin so far / cost - 1, of the earlier run. Unit: share. Adds: ratio.',
    COMMENT COLUMN expected_share 'Expected share = Share of the margin that usually had come by then. Unit: share. Adds: none.',
    COMMENT COLUMN roi_expected 'ROI expected = (1 + roi_so_far) / expected_share - 1. Unit: share. Adds: none.',
    COMMENT COLUMN roi 'ROI = margin_base / cost_base - 1 of the later run. Unit: share. Adds: ratio.',
    COMMENT COLUMN roi_low 'ROI low = Lower end of its interval. Unit: share. Adds: none.',
    COMMENT COLUMN roi_high 'ROI high = Upper end. Unit: share. Adds: none.',
    COMMENT COLUMN error 'Error = roi_expected - roi, of runs by one program and the same tables. Unit: share. Adds: none.',
    COMMENT COLUMN early_as_of 'How far the data reached in the earlier run',
    COMMENT COLUMN late_as_of 'How far they reached in the later one',
    COMMENT COLUMN hit 'Whether what was expected lies in the interval',
    COMMENT COLUMN reason 'Why that is not said, the first that holds';

CREATE OR REPLACE VIEW {people}.comparison SQL SECURITY DEFINER AS
SELECT * FROM comparison
COMMENT 'Which of two returns is higher: sides, places, periods. What both share, demand and season, drops out, so a difference can be told where a single return cannot';
ALTER TABLE {people}.comparison
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN brand 'Brand of the sale and of the cost',
    COMMENT COLUMN kind 'sides: broadcast against conversation; place: against the rest of the brand; period: against the one before (sides, place, period)',
    COMMENT COLUMN period 'week, month, quarter, last_4_weeks, last_13_weeks or all (week, month, quarter, last_4_weeks, last_13_weeks, all)',
    COMMENT COLUMN period_start 'First day of the period, of the brands own',
    COMMENT COLUMN period_end 'The day after its last',
    COMMENT COLUMN channel 'Channel, of a place',
    COMMENT COLUMN community 'Community, of a place',
    COMMENT COLUMN side 'Side, of a period (empty, broadcast, conversation, other)',
    COMMENT COLUMN first_margin_base 'First margin base = Margin of the first. Unit: money. Adds: none.',
    COMMENT COLUMN first_cost_base 'First cost base = Cost of the first. Unit: money. Adds: none.',
    COMMENT COLUMN second_margin_base 'Second margin base = Margin of the second. Unit: money. Adds: none.',
    COMMENT COLUMN second_cost_base 'Second cost base = Cost of the second. Unit: money. Adds: none.',
    COMMENT COLUMN log_ratio 'Log ratio = log(margin / cost) of the first less that of the second. Unit: log. Adds: none.',
    COMMENT COLUMN log_ratio_low 'Log ratio low = Lower end of where it lies with 95 %. Unit: log. Adds: none.',
    COMMENT COLUMN log_ratio_high 'Log ratio high = Upper end. Unit: log. Adds: none.',
    COMMENT COLUMN times 'Times = How many times as much of each unit of cost came back of the first. Unit: times. Adds: none.',
    COMMENT COLUMN p_first 'P first = Probability that the first returned more. Unit: share. Adds: none.',
    COMMENT COLUMN verdict 'first, second or cannot_tell, corrected for the other rows of the brand, kind and period',
    COMMENT COLUMN reason 'Why nothing is said, the first that holds (empty, unattributed, unallocated_cost, not_complete, partial_start, no_conversions, no_touch, other_currency, missing_hourly_rate, missing_exchange_rate, missing_margin_rate, labour_coverage, no_cost, no_value, few_units, short_period, unbounded_estimate)';

CREATE OR REPLACE VIEW {people}.immediacy SQL SECURITY DEFINER AS
SELECT * FROM immediacy
COMMENT 'Whether people come at once to conversation and later to broadcast. From clicks alone, those of machines and of people in the thread left out';
ALTER TABLE {people}.immediacy
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN brand 'Brand of the root posts',
    COMMENT COLUMN p_conversation 'P conversation = Of clicks on replies from 10 seconds to 24 hours after them, the share within 15 minutes. Unit: share. Adds: ratio.',
    COMMENT COLUMN p_broadcast 'P broadcast = The same of clicks on posts and shares. Unit: share. Adds: ratio.',
    COMMENT COLUMN difference 'Difference = The first less the second. Unit: share. Adds: none.',
    COMMENT COLUMN difference_low 'Difference low = Lower end of where it lies with 95 %. Unit: share. Adds: none.',
    COMMENT COLUMN difference_high 'Difference high = Upper end. Unit: share. Adds: none.',
    COMMENT COLUMN verdict 'supported, refuted or undecided: whether people come at once to conversation and later to broadcast',
    COMMENT COLUMN reason 'Why nothing is said: fewer than 20 roots on a side (empty, few_roots)';

CREATE OR REPLACE VIEW {people}.roi_cohort SQL SECURITY DEFINER AS
SELECT * FROM roi_cohort
COMMENT 'What each cohort of posts returned: posts of a week, the cost of the days of that week, conversions up to the look-back after each post, credited to it by the configured rule. The side all is the whole: do not add it to the others. Margin of touches without a post is in margin_without_post, by the week of the touch, and in no other column. A refund counts with its sale, however late it comes. engagements: shares, replies of others and reactions. basis: the best evidence among the brand''s conversions of the time: clicks, utm, visits, none. reason, of roi or of its interval: unallocated_cost (cost without a side), no_posts, not_mature, no_conversions, no_touch (no visitor or no visit known), no_clicks (visits known, but not from which post), missing_hourly_rate, other_currency (part of it was sold by a brand with another base currency), missing_exchange_rate, missing_margin_rate, labour_coverage (side by side needs known work in 80 % of the brand''s active weeks), no_cost; of the interval alone: no_value (nothing or less came back), few_roots (value from fewer than two effective roots), unbounded_estimate (estimated seconds without low and high), no_cost_at_low_estimate';
ALTER TABLE {people}.roi_cohort
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN brand 'Brand, of the posts',
    COMMENT COLUMN cohort 'Monday of the week of the posts, of the brand''s own days',
    COMMENT COLUMN side 'Side of cost and touches; all is the whole (all, broadcast, conversation, other, (unallocated))',
    COMMENT COLUMN posts 'Posts = posts of the week that the brand wrote or answered under. Unit: posts. Adds: additive, over cohorts.',
    COMMENT COLUMN cost_base 'Cost = money_base + time_base. Unit: money. Adds: additive, over cohorts and sides but all.',
    COMMENT COLUMN money_base 'Money spent = money of the days of the week at the rates of those days. Unit: money. Adds: additive, over cohorts and sides but all.',
    COMMENT COLUMN time_base 'Cost of the time = seconds / 3600 * hourly rate as of the day. Unit: money. Adds: additive, over cohorts and sides but all.',
    COMMENT COLUMN hours 'Hours = seconds of the days of the week / 3600. Unit: hours. Adds: additive, over cohorts and sides but all.',
    COMMENT COLUMN revenue_base 'Revenue = credit_base of sales within the look-back after each post and of their refunds. Unit: money. Adds: additive, over cohorts and sides but all.',
    COMMENT COLUMN margin_base 'Margin = margin_base of sales within the look-back after each post and of their refunds. Unit: money. Adds: additive, over cohorts and sides but all.',
    COMMENT COLUMN margin_without_post 'Margin without a post = margin_base of touches of the week that have no post. Unit: money. Adds: additive, over cohorts and sides but all.',
    COMMENT COLUMN conversions 'Conversions = parts of sales credited to the posts. Unit: conversions. Adds: additive, over cohorts and sides but all.',
    COMMENT COLUMN roi 'ROI = margin_base / cost_base - 1. Unit: share. Adds: ratio. Never: the return that a rule accounts; only an experiment says what was caused.',
    COMMENT COLUMN roi_low 'ROI at least = lower end of the 95 % interval by posts with the high estimate of the time. Unit: share. Adds: none.',
    COMMENT COLUMN roi_high 'ROI at most = upper end of the 95 % interval by posts with the low estimate of the time. Unit: share. Adds: none.',
    COMMENT COLUMN roi_lowest_model 'ROI of the lowest model = least ROI over the five models. Unit: share. Adds: none.',
    COMMENT COLUMN roi_highest_model 'ROI of the highest model = greatest ROI over the five models. Unit: share. Adds: none.',
    COMMENT COLUMN roi_direct_0 'ROI without what a direct visit followed = (margin - margin of touches that a direct one followed) / cost - 1. Unit: share. Adds: none.',
    COMMENT COLUMN roi_direct_100 'ROI with all direct margin = ROI if the brand''s direct margin were of the posts in proportion to what is traced. Unit: share. Adds: none.',
    COMMENT COLUMN roas 'Return on ad spend = revenue_base / money_base. Unit: times. Adds: ratio. Never: no time in it; not to be compared with roi.',
    COMMENT COLUMN effective_roots 'Posts that count = (sum of margin)^2 / sum of margin^2 over posts. Unit: posts. Adds: none.',
    COMMENT COLUMN top1_share 'Share of the best post = largest margin of a post / margin. Unit: share. Adds: ratio.',
    COMMENT COLUMN traced_share 'Traced share = revenue credited to posts of the brand / revenue of the brand. Unit: share. Adds: ratio.',
    COMMENT COLUMN labour_coverage 'Labour coverage = the brand''s active weeks whose work is known / its active weeks. Unit: share. Adds: ratio.',
    COMMENT COLUMN engagements 'Engagements = shares + replies of others + reactions within the look-back after each post. Unit: events. Adds: additive, over cohorts.',
    COMMENT COLUMN clicks 'Clicks = clicks within the look-back after each post. Unit: clicks. Adds: additive, over cohorts.',
    COMMENT COLUMN cost_per_engagement 'Cost per engagement = cost / engagements. Unit: money. Adds: ratio.',
    COMMENT COLUMN cost_per_click 'Cost per click = cost / clicks. Unit: money. Adds: ratio.',
    COMMENT COLUMN cost_per_acquisition 'Cost per acquisition = cost / conversions. Unit: money. Adds: ratio.',
    COMMENT COLUMN mature 'Whether the look-back after the newest post has passed',
    COMMENT COLUMN basis 'The best evidence among the brand''s conversions of the time, one of clicks, utm, visits, none',
    COMMENT COLUMN reason 'Why roi or its interval is NULL, the first that holds (empty, unallocated_cost, no_posts, not_mature, no_conversions, no_touch, no_clicks, other_currency, missing_hourly_rate, missing_exchange_rate, missing_margin_rate, labour_coverage, no_cost, no_value, few_roots, unbounded_estimate, no_cost_at_low_estimate)',
    COMMENT COLUMN base_currency 'Currency of the figures; empty is the reference currency';

CREATE OR REPLACE VIEW {people}.places SQL SECURITY DEFINER AS
SELECT * FROM places
COMMENT 'Which places deserve the next hour: what each returned, pooled with the brand''s other places, and what a reply and a post there bring. average_roi and what stands on it are of the days from period_start to period_end under the configured rule, and say what was done, not what one more hour brings: only an experiment does. rank_low to rank_high: the ranks a place may have; tied: it may be the first, and the first is not known (place_rank is NULL). reason as in roi; also no_place (the row of what names no place), no_spread (too few units to say how much places vary), no_difference (no further apart than chance puts them: all are ties), tied. replies_reason, posts_reason: none_written, no_visits, few_roots (fewer than 20 posts), few_units. busy_reason: few_places (fewer than 20)';
ALTER TABLE {people}.places
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN brand 'Brand',
    COMMENT COLUMN channel 'Channel; empty is what names no place',
    COMMENT COLUMN community 'Community',
    COMMENT COLUMN name 'Name of the place for people, from the table place',
    COMMENT COLUMN members 'Members of the place, from the table place',
    COMMENT COLUMN period_start 'First day of the period, that of all in roi_place',
    COMMENT COLUMN period_end 'Day after its last one',
    COMMENT COLUMN margin_base 'Margin = margin credited to touches in the place, all its sides together. Unit: money. Adds: additive, over places.',
    COMMENT COLUMN cost_base 'Cost = money and time of the place, with a side or without. Unit: money. Adds: additive, over places.',
    COMMENT COLUMN hours 'Hours = seconds / 3600. Unit: hours. Adds: additive, over places.',
    COMMENT COLUMN average_roi 'Average ROI = margin_base / cost_base - 1. Unit: share. Adds: ratio. Never: an average over what was done; not what one more hour brings; do not rank by it.',
    COMMENT COLUMN roi_low 'ROI at least = lower end of the 95 % interval by units, as in roi. Unit: share. Adds: none.',
    COMMENT COLUMN roi_high 'ROI at most = upper end of the 95 % interval by units, as in roi. Unit: share. Adds: none.',
    COMMENT COLUMN units 'Units = units with credit: posts, days of a channel where no post is known, or weeks. Unit: units. Adds: none.',
    COMMENT COLUMN effective_units 'Units that count = (sum of margin)^2 / sum of margin^2 over units. Unit: units. Adds: none.',
    COMMENT COLUMN top1_share 'Share of the best unit = largest margin of a unit / margin. Unit: share. Adds: ratio.',
    COMMENT COLUMN roi_pooled 'Pooled ROI = average ROI drawn towards the brand''s mean by how uncertain it is. Unit: share. Adds: none.',
    COMMENT COLUMN sd 'Uncertainty of the pooled ROI = posterior standard deviation. Unit: share. Adds: none.',
    COMMENT COLUMN p_positive 'Probability of a gain = P(ROI > 0) under the pooled estimate. Unit: probability. Adds: none.',
    COMMENT COLUMN p_top10 'Probability of the ten best = P(among the ten best) under the pooled estimates; ties by chance. Unit: probability. Adds: none.',
    COMMENT COLUMN place_rank 'Rank = by roi_pooled; NULL where tied. Unit: rank. Adds: none. Never: places whose rank_low to rank_high overlap are ties.',
    COMMENT COLUMN rank_low 'Best rank it may have = places surely better + 1. Unit: rank. Adds: none.',
    COMMENT COLUMN rank_high 'Worst rank it may have = places ranked - places surely worse. Unit: rank. Adds: none.',
    COMMENT COLUMN replies 'Replies = replies of the brand in the 91 days that end a day before the data do. Unit: replies. Adds: additive, over places.',
    COMMENT COLUMN visits_per_reply 'Visits per reply = visits by clicks on these replies / replies. Unit: visits per reply. Adds: ratio.',
    COMMENT COLUMN visits_per_reply_low 'Visits per reply at least = lower end of the 95 % interval by posts. Unit: visits per reply. Adds: none.',
    COMMENT COLUMN visits_per_reply_high 'Visits per reply at most = upper end of the 95 % interval by posts. Unit: visits per reply. Adds: none.',
    COMMENT COLUMN posts 'Posts = posts of the brand in the same 91 days. Unit: posts. Adds: additive, over places.',
    COMMENT COLUMN visits_per_post 'Visits per post = visits by clicks on these posts / posts. Unit: visits per post. Adds: ratio.',
    COMMENT COLUMN visits_per_post_low 'Visits per post at least = lower end of the 95 % interval by posts. Unit: visits per post. Adds: none.',
    COMMENT COLUMN visits_per_post_high 'Visits per post at most = upper end of the 95 % interval by posts. Unit: visits per post. Adds: none.',
    COMMENT COLUMN busy_less_quiet 'Busy less quiet = visits per reply in weeks with more replies than the place''s median week, less that in its other weeks, on average over the brand''s places. Unit: visits per reply. Adds: none. Never: the same in each row of a brand; goes together and is no cause.',
    COMMENT COLUMN busy_less_quiet_low 'Busy less quiet at least = lower end of the 95 % interval by places. Unit: visits per reply. Adds: none.',
    COMMENT COLUMN busy_less_quiet_high 'Busy less quiet at most = upper end of the 95 % interval by places. Unit: visits per reply. Adds: none.',
    COMMENT COLUMN tied 'Whether the place may be the first and the first is not known',
    COMMENT COLUMN reason 'The first thing that is missing of the return or its rank (empty, no_place, not_complete, no_conversions, no_touch, other_currency, missing_hourly_rate, missing_exchange_rate, missing_margin_rate, labour_coverage, no_cost, no_spread, no_value, few_units, no_difference, tied)',
    COMMENT COLUMN replies_reason 'What is missing of visits per reply (empty, none_written, no_visits, few_roots, few_units)',
    COMMENT COLUMN posts_reason 'What is missing of visits per post (empty, none_written, no_visits, few_roots, few_units)',
    COMMENT COLUMN busy_reason 'Why there is no busy_less_quiet (empty, few_places, no_visits)',
    COMMENT COLUMN base_currency 'Currency of the figures; empty is the reference currency';

CREATE OR REPLACE VIEW {people}.response SQL SECURITY DEFINER AS
SELECT * FROM response
COMMENT 'How many visits follow a reply of the brand within 15 and 60 minutes: a regression by minute, with intervals by day and leads; never a cause. beside_immediacy: agrees where clicks come sooner to conversation and low is above 0, contradicts where they do and high is below 0.1, else cannot_tell. reason: fewer than 14 whole days, no brand replies, replies on fewer than 10 days, the lags cannot be told apart';
ALTER TABLE {people}.response
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN brand 'Brand',
    COMMENT COLUMN minutes 'Minutes after the reply (15, 60)',
    COMMENT COLUMN visits_per_reply 'Visits per reply = sum of the coefficients of the lags up to that many minutes, each times its minutes. Unit: visits per reply. Adds: none. Never: an association under a stated model and no cause.',
    COMMENT COLUMN low 'At least = lower end of the 95 % interval by days. Unit: visits per reply. Adds: none.',
    COMMENT COLUMN high 'At most = upper end of the 95 % interval by days. Unit: visits per reply. Adds: none.',
    COMMENT COLUMN lead 'Effect of later replies = effect of replies 6 to 30 minutes later; should be 0. Unit: visits per reply. Adds: none.',
    COMMENT COLUMN lead_low 'Effect of later replies at least = lower end of the 90 % interval by days. Unit: visits per reply. Adds: none.',
    COMMENT COLUMN lead_high 'Effect of later replies at most = upper end of the 90 % interval by days. Unit: visits per reply. Adds: none.',
    COMMENT COLUMN days 'Days = whole days used. Unit: days. Adds: none.',
    COMMENT COLUMN replies 'Replies = replies of the brand on those days, monologues left out. Unit: replies. Adds: none.',
    COMMENT COLUMN reply_days 'Days with replies = whole days with at least one. Unit: days. Adds: none.',
    COMMENT COLUMN lead_verdict 'What later replies say of the model, one of flagged, not_flagged_at_20pct, undecided',
    COMMENT COLUMN beside_immediacy 'Whether the clicks of immediacy say the same, one of agrees, contradicts, cannot_tell',
    COMMENT COLUMN reason 'Why a figure is NULL (empty, fewer than 14 whole days, no brand replies, replies on fewer than 10 days, the lags cannot be told apart)';

CREATE OR REPLACE VIEW {people}.customers SQL SECURITY DEFINER AS
SELECT * FROM customers
COMMENT 'Who bought for the first time and who came back, per month and side. First is the first sale ever of the person to the brand, of those that are kept; a refund counts with its sale';
ALTER TABLE {people}.customers
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN brand 'Brand of the sale',
    COMMENT COLUMN month 'First day of the month of the sale, of the brand''s own days',
    COMMENT COLUMN side 'Side that the sale is credited to by the last touch that is not direct within 30 days (broadcast, conversation, other, unattributed)',
    COMMENT COLUMN new_customers 'New customers = people whose first sale ever to the brand, of those that are kept, is among these. Unit: people. Adds: additive, over months and sides.',
    COMMENT COLUMN returning_customers 'Returning customers = people with a sale among these who had bought from the brand before. Unit: people. Adds: set.',
    COMMENT COLUMN sales 'Sales = conversions with an amount of 0 or more that are no refunds. Unit: sales. Adds: additive, over months and sides and brands.',
    COMMENT COLUMN sales_without_visitor 'Sales of nobody known = sales that name no visitor. Unit: sales. Adds: additive, over months and sides and brands.',
    COMMENT COLUMN revenue_base 'Revenue = revenue of the sales less what was ever given back of it. Unit: money. Adds: additive, over months and sides of one brand.',
    COMMENT COLUMN reason 'Why revenue_base is NULL (empty, other_currency, missing_exchange_rate)';

CREATE OR REPLACE VIEW {people}.path_credit SQL SECURITY DEFINER AS
SELECT * FROM path_credit
COMMENT 'Credit up the reshare path, per sharer and generation (-1: the middle that the click left out): accounting rules, not causes; filter by model. NULL with a reason where the path is not known: target_unknown, path_inferred (more than half of its edges)';
ALTER TABLE {people}.path_credit
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN model 'equal_path, the same to every node; decay_path, half as much for each step away from what was clicked (equal_path, decay_path)',
    COMMENT COLUMN conversion 'Id of the conversion or refund',
    COMMENT COLUMN at 'Time of the conversion',
    COMMENT COLUMN day 'The brand''s own day of the conversion',
    COMMENT COLUMN brand 'Brand of the conversion',
    COMMENT COLUMN currency 'Currency of credit',
    COMMENT COLUMN root 'Root post of the click',
    COMMENT COLUMN click 'The click',
    COMMENT COLUMN generation 'Depth of the node, 0 the root; -1 is the middle that the click left out',
    COMMENT COLUMN actor 'Keyed hash of the author of the node; 0 a deleted account, or the middle',
    COMMENT COLUMN credit 'Credit = part of what the last touch that is not direct was credited with within 30 days. Unit: money. Adds: additive, over every key but model within one currency. Never: a cause.',
    COMMENT COLUMN is_brand 'Whether the node is an account of the brand',
    COMMENT COLUMN reason 'Why credit is NULL (empty, target_unknown, path_inferred)';

CREATE OR REPLACE VIEW {people}.experiments SQL SECURITY DEFINER AS
SELECT * FROM experiments
COMMENT 'What each arm of an experiment sold per assigned unit against the control arm, in the reference currency: Welch''s test, zeros included';
ALTER TABLE {people}.experiments
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN experiment 'Experiment',
    COMMENT COLUMN brand 'Brand whose posts carry it; of one that no post carries, the brand that alone sold to its units; empty if several did, or none. Each has the same figures, those of the whole experiment',
    COMMENT COLUMN unit_type 'What kind of unit was assigned',
    COMMENT COLUMN arm 'Arm',
    COMMENT COLUMN control_arm 'Arm that it is compared with',
    COMMENT COLUMN control_rule 'Why that is the control arm',
    COMMENT COLUMN units 'Units = units by their first assignment. Unit: units. Adds: additive, over arms of one brand.',
    COMMENT COLUMN control_units 'Units of the control arm = units of control_arm. Unit: units. Adds: none.',
    COMMENT COLUMN units_with_sales 'Units with sales = units whose value is not 0. Unit: units. Adds: additive, over arms of one brand.',
    COMMENT COLUMN mean 'Sales per unit = sales after the assignment (of a time slot: those touched within it) / units; zeros included. Unit: money. Adds: ratio.',
    COMMENT COLUMN control_mean 'Sales per unit of the control arm = mean of control_arm. Unit: money. Adds: ratio.',
    COMMENT COLUMN difference 'Difference = mean - control_mean. Unit: money. Adds: none.',
    COMMENT COLUMN standard_error 'Standard error = of the difference after Welch; after Student where that is wider, fewer than ten units of an arm sold anything and the other has more than one and a half times as many. Unit: money. Adds: none.',
    COMMENT COLUMN t 't = difference / standard_error. Unit: errors. Adds: none.',
    COMMENT COLUMN degrees_of_freedom 'Degrees of freedom = after Welch, or units + control_units - 2 (Student). Unit: number. Adds: none.',
    COMMENT COLUMN p_value 'p value = two-sided, by t and degrees_of_freedom. Unit: probability. Adds: none.',
    COMMENT COLUMN low 'At least = lower end of the 95 % interval. Unit: money. Adds: none.',
    COMMENT COLUMN high 'At most = upper end of the 95 % interval. Unit: money. Adds: none.',
    COMMENT COLUMN verdict 'higher, lower or undecided, at 5 % for all arms of the experiment together (Holm), while p_value and the interval are of the arm alone; empty on the control arm',
    COMMENT COLUMN reason 'Why a figure is NULL, or that the row is the control arm (empty, no sales are known by this type of unit, a time slot is no time, a time slot has no length, a rate is missing, the control arm, fewer than two units in an arm, no unit differs from another)';

CREATE OR REPLACE VIEW {people}.freshness SQL SECURITY DEFINER AS
SELECT * FROM freshness
COMMENT 'Which types of events come as usual, and which have stopped: late is what has been silent for five usual gaps, as far as the data reach';
ALTER TABLE {people}.freshness
    COMMENT COLUMN run 'Number of the run of grapevine rollup that made the answer',
    COMMENT COLUMN as_of 'How far the data reached when it began',
    COMMENT COLUMN brand 'Brand of the events; empty where they name none',
    COMMENT COLUMN type 'Type of event; assignments name no brand and are left out (post, share, reply, reaction, delete, sample, click, visit, conversion, cost, report)',
    COMMENT COLUMN gaps 'Distances = distances between quarters of an hour with such an event in the 90 days up to the newest. Unit: distances. Adds: none.',
    COMMENT COLUMN usual_gap_seconds 'Usual distance = median over time of these distances, which half of the time lies within. Unit: seconds. Adds: none.',
    COMMENT COLUMN silent_seconds 'Silence = time from newest to as_of. Unit: seconds. Adds: none.',
    COMMENT COLUMN newest 'Start of the newest quarter of an hour with such an event, not after as_of',
    COMMENT COLUMN late 'Whether the silence is longer than five usual distances',
    COMMENT COLUMN reason 'Why late is not known: fewer than five distances (empty, few_events)';

CREATE OR REPLACE VIEW {people}.roots SQL SECURITY DEFINER AS
SELECT * FROM roots
COMMENT 'Every root post that was seen, with its dimensions: one row per root';
ALTER TABLE {people}.roots
    COMMENT COLUMN root 'Id of the root post',
    COMMENT COLUMN brand 'Brand of the root post',
    COMMENT COLUMN campaign 'Campaign of the root post',
    COMMENT COLUMN channel 'Channel of the root post',
    COMMENT COLUMN community 'Community of the root post',
    COMMENT COLUMN platform 'Platform of the root post',
    COMMENT COLUMN root_time 'Time of the root post; NULL where no life saw it',
    COMMENT COLUMN experiment 'Experiment of the root post',
    COMMENT COLUMN arm 'Arm of the experiment',
    COMMENT COLUMN tags 'Tags of the root post',
    COMMENT COLUMN is_brand 'Whether the brand wrote the root post',
    COMMENT COLUMN url 'Address of the root post; empty where it names none';

CREATE OR REPLACE VIEW {people}.activity SQL SECURITY DEFINER AS
SELECT * FROM activity
COMMENT 'What happened, per root and window: sums and sets, broadcast and conversation side by side';
ALTER TABLE {people}.activity
    COMMENT COLUMN root 'Id of the root post',
    COMMENT COLUMN brand 'Brand of the root post',
    COMMENT COLUMN campaign 'Campaign of the root post',
    COMMENT COLUMN channel 'Channel of the root post',
    COMMENT COLUMN community 'Community of the root post',
    COMMENT COLUMN platform 'Platform of the root post',
    COMMENT COLUMN root_time 'Time of the root post; NULL where no life saw it',
    COMMENT COLUMN experiment 'Experiment of the root post',
    COMMENT COLUMN arm 'Arm of the experiment',
    COMMENT COLUMN tags 'Tags of the root post',
    COMMENT COLUMN is_brand 'Whether the brand wrote the root post',
    COMMENT COLUMN window_start 'Start of the window of event time',
    COMMENT COLUMN root_seen 'Whether the post was seen; if not, the dimensions are empty',
    COMMENT COLUMN posts '1 in the window of the post',
    COMMENT COLUMN shares 'Shares of all kinds',
    COMMENT COLUMN quotes 'Shares that are quotes',
    COMMENT COLUMN replies 'Replies of everybody',
    COMMENT COLUMN brand_replies 'Replies by the brand',
    COMMENT COLUMN mentions 'Posts, shares and replies that mention the brand',
    COMMENT COLUMN reactions 'Reactions to the post or to anything below it',
    COMMENT COLUMN deletes 'Deletes; they lower no other number',
    COMMENT COLUMN clicks 'Clicks on links of the post or of anything below it',
    COMMENT COLUMN sharers 'Distinct known people who shared in the window',
    COMMENT COLUMN repliers 'Distinct known people who replied in the window',
    COMMENT COLUMN share_minutes 'Minute of the window of each share',
    COMMENT COLUMN reply_minutes 'Minute of the window of each reply',
    COMMENT COLUMN brand_reply_minutes 'Minute of the window of each reply by the brand',
    COMMENT COLUMN samples 'Last value of each gauge in the window',
    COMMENT COLUMN monologue 'Whether nobody but the brand has ever replied below its post',
    COMMENT COLUMN broadcast_events 'Posts, shares and replies of a monologue',
    COMMENT COLUMN conversation_events 'Replies, but for those of a monologue',
    COMMENT COLUMN other_events 'Reactions and clicks',
    COMMENT COLUMN source 'Log and partition of the life',
    COMMENT COLUMN opened 'Offset of the first event of the life';

CREATE OR REPLACE VIEW {people}.sides SQL SECURITY DEFINER AS
SELECT * FROM sides
COMMENT 'Broadcast or conversation, and how much of each: per day, brand and channel';
ALTER TABLE {people}.sides
    COMMENT COLUMN day 'Day in UTC',
    COMMENT COLUMN brand 'Brand of the root posts',
    COMMENT COLUMN channel 'Channel of the root posts',
    COMMENT COLUMN broadcast 'Posts, shares and replies of monologues',
    COMMENT COLUMN conversation 'Replies, but for those of monologues',
    COMMENT COLUMN other 'Reactions and clicks',
    COMMENT COLUMN conversation_share 'conversation / (broadcast + conversation)',
    COMMENT COLUMN posts 'Root posts',
    COMMENT COLUMN shares 'Shares of all kinds',
    COMMENT COLUMN audience_replies 'Replies of everybody but the brand',
    COMMENT COLUMN brand_replies 'Replies by the brand',
    COMMENT COLUMN sharers 'Distinct known people who shared',
    COMMENT COLUMN repliers 'Distinct known people who replied',
    COMMENT COLUMN people_on_both_sides 'Those who shared and took part in conversation';

CREATE OR REPLACE VIEW {people}.cascade_growth SQL SECURITY DEFINER AS
SELECT * FROM cascade_growth
COMMENT 'How one post spread over time: shares and replies per window and since the beginning; filter by root';
ALTER TABLE {people}.cascade_growth
    COMMENT COLUMN root 'Id of the root post',
    COMMENT COLUMN window_start 'Start of the window of event time',
    COMMENT COLUMN shares 'Shares in the window',
    COMMENT COLUMN replies 'Replies in the window',
    COMMENT COLUMN cumulative_shares 'Shares up to the end of the window',
    COMMENT COLUMN cumulative_replies 'Replies up to the end of the window';

CREATE OR REPLACE VIEW {people}.cascade_peak SQL SECURITY DEFINER AS
SELECT * FROM cascade_peak
COMMENT 'The busiest window of each cascade, and how long after it half of the shares since then had come';
ALTER TABLE {people}.cascade_peak
    COMMENT COLUMN root 'Id of the root post',
    COMMENT COLUMN peak_window 'Start of the busiest window, the first of equals',
    COMMENT COLUMN peak_shares 'Shares in it',
    COMMENT COLUMN shares 'Shares in all windows',
    COMMENT COLUMN shares_since_peak 'Shares from it on',
    COMMENT COLUMN half_life_after_peak_seconds 'Seconds from its start to that of the window in which half of shares_since_peak had come';

CREATE OR REPLACE VIEW {people}.cascade_ranking SQL SECURITY DEFINER AS
SELECT * FROM cascade_ranking
COMMENT 'Ranks of each cascade among those of its size, by size, depth and virality: compare shapes only within a size bin';
ALTER TABLE {people}.cascade_ranking
    COMMENT COLUMN root 'Id of the root post',
    COMMENT COLUMN brand 'Brand of the root post',
    COMMENT COLUMN campaign 'Campaign of the root post',
    COMMENT COLUMN channel 'Channel of the root post',
    COMMENT COLUMN community 'Community of the root post',
    COMMENT COLUMN size_bin 'Whole part of the binary logarithm of size',
    COMMENT COLUMN rank_by_size 'Rank by size in the bin',
    COMMENT COLUMN rank_by_depth 'Rank by depth in the bin',
    COMMENT COLUMN rank_by_virality 'Rank by structural virality in the bin',
    COMMENT COLUMN cascades_in_bin 'Cascades in the bin',
    COMMENT COLUMN size 'The root post and its shares',
    COMMENT COLUMN max_depth 'Edges from the root to the deepest share',
    COMMENT COLUMN max_breadth 'The most nodes at one depth',
    COMMENT COLUMN structural_virality 'Mean distance of two nodes; compare within a bin only',
    COMMENT COLUMN inferred_share 'Edges hung from the root because their parent is unknown / edges',
    COMMENT COLUMN unique_actors 'Distinct known people in the cascade',
    COMMENT COLUMN structure_exact '1 when one life saw all of it';

CREATE OR REPLACE VIEW {people}.cascade_speed SQL SECURITY DEFINER AS
SELECT * FROM cascade_speed
COMMENT 'How fast each post spread: seconds to a depth, to k people and to half of its shares; NULL where not reached';
ALTER TABLE {people}.cascade_speed
    COMMENT COLUMN root 'Id of the root post',
    COMMENT COLUMN brand 'Brand of the root post',
    COMMENT COLUMN campaign 'Campaign of the root post',
    COMMENT COLUMN channel 'Channel of the root post',
    COMMENT COLUMN community 'Community of the root post',
    COMMENT COLUMN platform 'Platform of the root post',
    COMMENT COLUMN root_time 'Time of the root post; NULL where no life saw it',
    COMMENT COLUMN size 'The root post and its shares',
    COMMENT COLUMN max_depth 'Edges from the root to the deepest share',
    COMMENT COLUMN unique_actors 'Distinct known people in the cascade',
    COMMENT COLUMN inferred_share 'Edges hung from the root because their parent is unknown / edges',
    COMMENT COLUMN seconds_to_depth 'Seconds from the post to the first node at depth 0, 1, 2 and so on',
    COMMENT COLUMN seconds_to_depth_1 'Seconds from the post to the first share',
    COMMENT COLUMN seconds_to_depth_2 'Seconds from the post to the first share at depth 2; NULL where none is',
    COMMENT COLUMN seconds_to_depth_3 'Seconds from the post to the first share at depth 3',
    COMMENT COLUMN seconds_to_depth_5 'Seconds from the post to the first share at depth 5',
    COMMENT COLUMN seconds_to_depth_10 'Seconds from the post to the first share at depth 10',
    COMMENT COLUMN milliseconds_to_people 'Milliseconds from the post until so many distinct people, by how many',
    COMMENT COLUMN seconds_to_10_people 'Seconds from the post until 10 distinct people; NULL where not reached',
    COMMENT COLUMN seconds_to_100_people 'Seconds from the post until 100 distinct people',
    COMMENT COLUMN seconds_to_1000_people 'Seconds from the post until 1,000 distinct people',
    COMMENT COLUMN half_life_seconds 'Age of the post by which half of the shares had come, in seconds, to 1 %',
    COMMENT COLUMN median_delay_seconds 'Median delay of a share after what it shares, in seconds, to 1 %',
    COMMENT COLUMN age_seconds 'Seconds from the post to how far the data reach',
    COMMENT COLUMN mature 'Whether the post is older than seven days';

CREATE OR REPLACE VIEW {people}.reproduction SQL SECURITY DEFINER AS
SELECT * FROM reproduction
COMMENT 'How many shares a share brings: reproduction number per generation, brand and channel; generation 0 holds the posts, those without a share too';
ALTER TABLE {people}.reproduction
    COMMENT COLUMN brand 'Brand of the root posts',
    COMMENT COLUMN channel 'Channel of the root posts',
    COMMENT COLUMN generation 'Distance from the post; 0 holds the posts, also those without a share',
    COMMENT COLUMN nodes 'Posts or shares of the generation',
    COMMENT COLUMN children 'Shares of them',
    COMMENT COLUMN reproduction_number 'children / nodes',
    COMMENT COLUMN posts 'Root posts with such a generation';

CREATE OR REPLACE VIEW {people}.thread_dialogue SQL SECURITY DEFINER AS
SELECT * FROM thread_dialogue
COMMENT 'Do people talk with us and with each other: reciprocity, turns, response times and sessions of each thread';
ALTER TABLE {people}.thread_dialogue
    COMMENT COLUMN root 'Id of the root post',
    COMMENT COLUMN brand 'Brand of the root post',
    COMMENT COLUMN campaign 'Campaign of the root post',
    COMMENT COLUMN channel 'Channel of the root post',
    COMMENT COLUMN community 'Community of the root post',
    COMMENT COLUMN platform 'Platform of the root post',
    COMMENT COLUMN root_time 'Time of the root post; NULL where no life saw it',
    COMMENT COLUMN experiment 'Experiment of the root post',
    COMMENT COLUMN arm 'Arm of the experiment',
    COMMENT COLUMN tags 'Tags of the root post',
    COMMENT COLUMN is_brand 'Whether the brand wrote the root post',
    COMMENT COLUMN root_seen 'Whether any life saw the post; if not, the dimensions are empty',
    COMMENT COLUMN size 'The root post and its replies',
    COMMENT COLUMN replies 'Replies',
    COMMENT COLUMN unique_actors 'Distinct known people in the thread',
    COMMENT COLUMN inferred 'Replies hung from the root because their parent is unknown',
    COMMENT COLUMN h_index 'Greatest h such that each depth i from 1 to h holds at least i replies',
    COMMENT COLUMN dyads 'Pairs of people with a reply between them',
    COMMENT COLUMN reciprocal_pairs 'Pairs with replies in both directions',
    COMMENT COLUMN dyad_reciprocity 'reciprocal_pairs / dyads',
    COMMENT COLUMN edge_reciprocity 'Directed pairs that are returned / directed pairs',
    COMMENT COLUMN two_wayness 'Replies within mutual pairs / replies to somebody else',
    COMMENT COLUMN turn_taking 'Replies that continue A-B as A-B-A / replies that could have',
    COMMENT COLUMN longest_exchange 'Messages of the longest path on which two people alternate',
    COMMENT COLUMN reentry_rate 'People with two messages or more / people',
    COMMENT COLUMN brand_replies 'Replies by the brand',
    COMMENT COLUMN audience_replies 'Replies of everybody else',
    COMMENT COLUMN brand_reply_share 'brand_replies / replies',
    COMMENT COLUMN response_seconds_p50 'Median delay of a reply to somebody else, in seconds, to 1 %',
    COMMENT COLUMN response_seconds_p90 'The 90th percentile of the same',
    COMMENT COLUMN first_response_seconds_p50 'Median delay of the first reply of somebody else, in seconds, to 1 %',
    COMMENT COLUMN first_response_seconds_p90 'The 90th percentile of the same',
    COMMENT COLUMN brand_response_seconds_p50 'Median delay of the brand''s first reply to what was addressed to it, in seconds, to 1 %',
    COMMENT COLUMN brand_response_seconds_p90 'The 90th percentile of the same',
    COMMENT COLUMN customer_messages 'Messages addressed to the brand',
    COMMENT COLUMN customer_messages_answered 'Those that the brand answered',
    COMMENT COLUMN brand_response_rate 'customer_messages_answered / customer_messages',
    COMMENT COLUMN sessions 'Bursts of messages separated by a gap',
    COMMENT COLUMN longest_session_seconds 'Length of the longest of them, in seconds',
    COMMENT COLUMN longest_session_messages 'Its messages',
    COMMENT COLUMN last_session_start 'Start of the last of them',
    COMMENT COLUMN first_time 'Earliest time in the tree',
    COMMENT COLUMN last_time 'Latest time in the tree',
    COMMENT COLUMN lives 'How many lives of the root have such a tree; the largest is shown',
    COMMENT COLUMN structure_exact '1 when one life saw all of it';

CREATE OR REPLACE VIEW {people}.response_times SQL SECURITY DEFINER AS
SELECT * FROM response_times
COMMENT 'How fast replies come, over all threads of a brand, channel and community: quantiles of the summed histograms';
ALTER TABLE {people}.response_times
    COMMENT COLUMN brand 'Brand of the root posts',
    COMMENT COLUMN channel 'Channel of the root posts',
    COMMENT COLUMN community 'Community of the root posts',
    COMMENT COLUMN threads 'Threads',
    COMMENT COLUMN response_seconds_p50 'Median delay of a reply to somebody else over all threads, in seconds, to 1 %',
    COMMENT COLUMN response_seconds_p90 'The 90th percentile of the same',
    COMMENT COLUMN first_response_seconds_p50 'Median delay of the first reply of somebody else, in seconds, to 1 %',
    COMMENT COLUMN first_response_seconds_p90 'The 90th percentile of the same',
    COMMENT COLUMN brand_response_seconds_p50 'Median delay of the brand''s first reply to what was addressed to it, in seconds, to 1 %',
    COMMENT COLUMN brand_response_seconds_p90 'The 90th percentile of the same',
    COMMENT COLUMN customer_messages 'Messages addressed to the brand',
    COMMENT COLUMN brand_response_rate 'Those that the brand answered / customer_messages';

CREATE OR REPLACE VIEW {people}.community_conversation SQL SECURITY DEFINER AS
SELECT * FROM community_conversation
COMMENT 'Which communities talk with the brand: conversation, amplification and applause per post of the brand, and both sides';
ALTER TABLE {people}.community_conversation
    COMMENT COLUMN brand 'Brand of the root posts',
    COMMENT COLUMN channel 'Channel of the root posts',
    COMMENT COLUMN platform 'Platform of the root posts',
    COMMENT COLUMN community 'Community of the root posts',
    COMMENT COLUMN posts 'Root posts',
    COMMENT COLUMN brand_posts 'Root posts of the brand',
    COMMENT COLUMN shares 'Shares of all kinds',
    COMMENT COLUMN replies 'Replies of everybody',
    COMMENT COLUMN brand_replies 'Replies by the brand',
    COMMENT COLUMN audience_replies 'Replies of everybody else',
    COMMENT COLUMN audience_replies_to_brand_posts 'Those below posts of the brand',
    COMMENT COLUMN conversation_rate 'audience_replies_to_brand_posts / brand_posts',
    COMMENT COLUMN amplification_rate 'Shares of posts of the brand / brand_posts',
    COMMENT COLUMN applause_rate 'Reactions to posts of the brand / brand_posts',
    COMMENT COLUMN broadcast 'Posts, shares and replies of monologues',
    COMMENT COLUMN conversation 'Replies, but for those of monologues',
    COMMENT COLUMN conversation_share 'conversation / (broadcast + conversation)',
    COMMENT COLUMN sharers 'Distinct known people who shared',
    COMMENT COLUMN repliers 'Distinct known people who replied';

CREATE OR REPLACE VIEW {people}.sources SQL SECURITY DEFINER AS
SELECT * FROM sources
COMMENT 'How far the tables are complete, per source, and whether every record was counted exactly once';
ALTER TABLE {people}.sources
    COMMENT COLUMN source 'Log and partition',
    COMMENT COLUMN epoch 'Under which rules it is read',
    COMMENT COLUMN first 'First offset of the epoch',
    COMMENT COLUMN next 'First offset that is not covered',
    COMMENT COLUMN read 'Records read',
    COMMENT COLUMN accepted 'Events',
    COMMENT COLUMN duplicates 'Copies of events',
    COMMENT COLUMN conflicting_copies 'Those that said something else than the first copy',
    COMMENT COLUMN rejected 'Records that were no events',
    COMMENT COLUMN conserved 'Whether read is accepted, duplicates and rejected together',
    COMMENT COLUMN skipped 'Offsets below next that are in no count although no gap is recorded',
    COMMENT COLUMN watermark 'How far the data reach in event time',
    COMMENT COLUMN log_end 'End of the log when it was last looked at',
    COMMENT COLUMN written 'When the worker wrote this, by its clock';

CREATE OR REPLACE VIEW {people}.gaps SQL SECURITY DEFINER AS
SELECT * FROM gaps
COMMENT 'Where a source was resumed without its state: offsets in no count, and trees that began anew';
ALTER TABLE {people}.gaps
    COMMENT COLUMN source 'Log and partition',
    COMMENT COLUMN epoch 'Under which rules it was resumed',
    COMMENT COLUMN first 'First offset that is in no count',
    COMMENT COLUMN next 'First offset that is counted again',
    COMMENT COLUMN records 'Offsets in no count',
    COMMENT COLUMN recorded 'When it was resumed',
    COMMENT COLUMN reason 'Why, for people';

CREATE OR REPLACE VIEW {people}.losses SQL SECURITY DEFINER AS
SELECT * FROM losses
COMMENT 'What could not be had again after the store had lost it: lives that had left memory, records that the log no longer holds';
ALTER TABLE {people}.losses
    COMMENT COLUMN source 'Log and partition',
    COMMENT COLUMN epoch 'Under which rules it was written',
    COMMENT COLUMN table 'The table that lacks rows',
    COMMENT COLUMN first 'Rows of events from this offset on may be missing',
    COMMENT COLUMN next 'Up to before this offset',
    COMMENT COLUMN lives 'Roots of which lives are known to be lost',
    COMMENT COLUMN recorded 'When it was rewritten',
    COMMENT COLUMN reason 'What was lost, for people';

CREATE OR REPLACE VIEW {people}.conservation SQL SECURITY DEFINER AS
SELECT * FROM conservation
COMMENT 'Lives whose windows do not add up to their totals: must return nothing while no batch is under way';
ALTER TABLE {people}.conservation
    COMMENT COLUMN epoch 'Under which rules',
    COMMENT COLUMN source 'Log and partition',
    COMMENT COLUMN root 'Id of the root post',
    COMMENT COLUMN opened 'Offset of the first event of the life',
    COMMENT COLUMN window_shares 'Shares by its windows',
    COMMENT COLUMN cascade_shares 'Shares by its cascade',
    COMMENT COLUMN window_replies 'Replies by its windows',
    COMMENT COLUMN thread_replies 'Replies by its thread';

CREATE OR REPLACE VIEW {people}.rejects_summary SQL SECURITY DEFINER AS
SELECT * FROM rejects_summary
COMMENT 'Which records were no events, and why: counts, times and an example per source and reason';
ALTER TABLE {people}.rejects_summary
    COMMENT COLUMN source 'Log and partition',
    COMMENT COLUMN reason 'Why the records are no events',
    COMMENT COLUMN records 'How many there are',
    COMMENT COLUMN first_received 'When the first of them was received',
    COMMENT COLUMN last_received 'When the last of them was received',
    COMMENT COLUMN truncated_records 'Those of which not all bytes are kept',
    COMMENT COLUMN replayed_records 'Those that were sent again',
    COMMENT COLUMN latest_detail 'What was said of the last of them',
    COMMENT COLUMN latest_offset 'Its offset';

CREATE OR REPLACE VIEW {people}.fact_copies SQL SECURITY DEFINER AS
SELECT * FROM fact_copies
COMMENT 'Copies of facts, by type: accepted, of all brands; kept, of those the ones that stand in the views; copies, the rest: their id was there before, in any source, and what they say is lost. Rows that were deleted count as copies, too';
ALTER TABLE {people}.fact_copies
    COMMENT COLUMN type 'Type of fact',
    COMMENT COLUMN accepted 'Events that were accepted, of all brands',
    COMMENT COLUMN kept 'Those of them that stand in the views',
    COMMENT COLUMN copies 'The rest, whose id was there before; what they say is lost';

CREATE OR REPLACE VIEW {people}.brand SQL SECURITY DEFINER AS
SELECT * FROM brand FINAL
COMMENT 'Brands, dated: margin, time zone, base currency, own hosts, handling time by rule';
ALTER TABLE {people}.brand
    COMMENT COLUMN valid_from 'First day on which the row holds; it holds until the next row of the brand',
    COMMENT COLUMN brand 'Brand, as in the events',
    COMMENT COLUMN margin_rate 'Margin as a share of revenue, where the conversion does not say; NULL: not known',
    COMMENT COLUMN timezone 'Name of the time zone of the brand''s business days',
    COMMENT COLUMN base_currency 'Currency in which the brand''s figures are shown; empty: the reference currency',
    COMMENT COLUMN landing_hosts 'The brand''s own hosts: a referrer among them is no touch',
    COMMENT COLUMN seconds_per_reply 'Handling time of one reply of the brand by rule, where time is not logged; NULL: no rule',
    COMMENT COLUMN seconds_per_reply_low 'Its lower bound',
    COMMENT COLUMN seconds_per_reply_high 'Its upper bound',
    COMMENT COLUMN reply_role 'Role whose hourly rate that time costs';

CREATE OR REPLACE VIEW {people}.progress SQL SECURITY DEFINER AS
SELECT * FROM progress FINAL
COMMENT 'How far the tables are complete, per source. Written last in each batch: everything below version is in the tables';
ALTER TABLE {people}.progress
    COMMENT COLUMN epoch 'Under which rules the row was computed; views read the active epoch of each source',
    COMMENT COLUMN source 'The log and its partition: log/partition',
    COMMENT COLUMN first 'First offset that was counted',
    COMMENT COLUMN version 'First offset that is not in the tables yet',
    COMMENT COLUMN watermark 'How far the data reach, by event time',
    COMMENT COLUMN read 'Records since first; read = accepted + duplicates + rejected',
    COMMENT COLUMN accepted 'Events that counted',
    COMMENT COLUMN duplicates 'Copies of events of the same life; not counted again',
    COMMENT COLUMN conflicting_copies 'Those copies that say something else',
    COMMENT COLUMN rejected 'Records that are no events',
    COMMENT COLUMN accepted_by_type 'Events that counted, by type; a type of which there was none is left out',
    COMMENT COLUMN log_end 'Where the log ended by then, as far as known: a source that has read as far is at rest, not behind; left out of comparisons',
    COMMENT COLUMN written 'When the row was written, also if nothing was read since the one before: the one clock in the tables, left out of comparisons';

CREATE OR REPLACE VIEW {people}.rejects SQL SECURITY DEFINER AS
SELECT * FROM rejects FINAL
COMMENT 'Records that are no events: where they came from, why, and their bytes. Holds raw ids';
ALTER TABLE {people}.rejects
    COMMENT COLUMN epoch 'Under which rules the row was computed; views read the active epoch of each source',
    COMMENT COLUMN source 'The log and its partition: log/partition',
    COMMENT COLUMN offset 'Offset of the record',
    COMMENT COLUMN version 'The row with the greatest one stands',
    COMMENT COLUMN received 'Time that the broker gave the record',
    COMMENT COLUMN reason 'Why, out of a short list',
    COMMENT COLUMN detail 'What exactly, for people',
    COMMENT COLUMN key 'Key of the record, its bytes',
    COMMENT COLUMN payload 'Value of the record, its bytes',
    COMMENT COLUMN headers 'Headers of the record, their bytes',
    COMMENT COLUMN truncated 'Whether the payload was cut',
    COMMENT COLUMN replayed 'Whether the record was published again';

CREATE OR REPLACE VIEW {people}.report_row SQL SECURITY DEFINER AS
SELECT * FROM report_row
COMMENT 'Rows of the table report under the active epoch: one per id, the first copy. Campaigns in one spelling';
ALTER TABLE {people}.report_row
    COMMENT COLUMN id 'Id of the event',
    COMMENT COLUMN epoch 'Under which rules the row was written',
    COMMENT COLUMN source 'The log and its partition: log/partition',
    COMMENT COLUMN key_source 'The source again, as a part of the key: no source overwrites the row of another, whatever ids their producers chose',
    COMMENT COLUMN version 'Largest UInt64 less the offset, so that the first copy stands',
    COMMENT COLUMN time 'Declared time',
    COMMENT COLUMN origin 'Who reports',
    COMMENT COLUMN metric 'What',
    COMMENT COLUMN value 'How much',
    COMMENT COLUMN grain 'Grain of the figure',
    COMMENT COLUMN period_start 'Start of the period it covers',
    COMMENT COLUMN period_end 'End of the period it covers',
    COMMENT COLUMN brand 'Brand',
    COMMENT COLUMN campaign 'Campaign',
    COMMENT COLUMN channel 'Channel';

CREATE OR REPLACE VIEW {people}.run SQL SECURITY DEFINER AS
SELECT * FROM run
COMMENT 'Runs of grapevine rollup that were published';
ALTER TABLE {people}.run
    COMMENT COLUMN run 'Number of the run: unix milliseconds of the server when it began, and greater than every earlier one',
    COMMENT COLUMN published 'When it was published',
    COMMENT COLUMN seconds 'How long it took',
    COMMENT COLUMN program 'Version of the program',
    COMMENT COLUMN as_of 'How far the data reached: the least watermark of the sources that had more to read, else the newest; NULL: none had reported',
    COMMENT COLUMN next 'First offset of each source that is not in its facts; trees and windows may be ahead of it',
    COMMENT COLUMN definitions 'Check value of what the models and answers of this program mean',
    COMMENT COLUMN dimensions 'Check value of the dimension tables and active epochs that it read',
    COMMENT COLUMN rows 'Rows of each answer';
