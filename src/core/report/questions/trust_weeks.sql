SELECT
    week, week_complete, complete_to, sources_behind, rejected_share, gap_records,
    1 - inferred_share AS parents_share, clicks_with_target_share,
    visits_with_visitor_share, visits_with_click_share, visits_with_utm_share, conversions_with_visitor_share,
    1 - conversions_without_margin / nullIf(conversions, 0) AS conversions_with_margin_share,
    costs_with_place_share, active_days_with_time_share, labour_coverage, missing
FROM coverage
WHERE brand = {brand} AND week BETWEEN toMonday(toDate({from})) AND {to}
ORDER BY week
