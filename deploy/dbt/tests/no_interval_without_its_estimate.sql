-- An ROI stands with a reason or a number, and its interval never without it.
SELECT brand, cohort, side
FROM {{ source('grapevine', 'roi_cohort') }}
WHERE (roi IS NULL AND reason = '') OR (roi IS NULL AND roi_low IS NOT NULL) OR roi_low > roi OR roi_high < roi
