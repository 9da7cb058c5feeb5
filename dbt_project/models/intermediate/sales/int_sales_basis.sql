-- The context that the sales facts of this candidate were built from: what the next build compares its own with. Built
-- after the facts, so that facts that failed are compared again.
-- depends_on: {{ ref('fct_sales_line') }}
select * from {{ ref('int_sales_context') }}
