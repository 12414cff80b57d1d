SELECT week, people, sharers, repliers, on_both_sides, new_people, returned, returning_share, top_10_percent_share,
    top_sharer_share, dyad_reciprocity, bots
FROM people
WHERE grain = 'brand' AND brand = {brand} AND week BETWEEN toMonday(toDate({from})) AND {to}
ORDER BY week
