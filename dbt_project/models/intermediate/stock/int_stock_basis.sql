-- The context that the balances of this candidate were built from: what the next build compares its own with. Built after
-- them, so that balances that failed are compared again.
-- depends_on: {{ ref('fct_stock_day') }}
select * from {{ ref('int_stock_context') }}
