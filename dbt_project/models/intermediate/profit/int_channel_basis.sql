-- The context that the margins of this candidate were built from: what the next build compares its own with. Built after
-- them, so that margins that failed are compared again.
-- depends_on: {{ ref('mart_channel_daily') }}
select * from {{ ref('int_channel_context') }}
