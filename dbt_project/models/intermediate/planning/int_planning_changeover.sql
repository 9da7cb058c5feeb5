-- One row per line and pair of set-up families: minutes from one to the other.
select
    line_id,
    from_family,
    to_family,
    minutes
from {{ ref('int_changeovers') }}
