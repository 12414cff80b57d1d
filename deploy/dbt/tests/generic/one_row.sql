{% test one_row(model, grain) %}
-- No two rows are about the same.
SELECT {{ grain | join(', ') }}, count() AS found
FROM {{ model }}
GROUP BY {{ grain | join(', ') }}
HAVING found > 1
{% endtest %}
