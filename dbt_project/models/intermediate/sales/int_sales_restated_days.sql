{#- Named here, because dbt reads a model's references without knowing what is held. -#}
{%- set now, lines, orders = ref('int_sales_context'), ref('int_sales_lines'), ref('stg_ecommerce__orders') -%}
{%- set till_versions, till_lines = ref('stg_pos__sale_lines_all'), ref('stg_pos__sale_lines') -%}
{%- set locations, workspace = ref('dim_location'), ref('int_workspace') -%}
{%- set facts, basis = held('fct_sales_line'), held('int_sales_basis') -%}
{%- set is_till = "shop_id = '-' and sales_view = 'sell_out'" -%}
-- One row per business date of which this build states the sales anew; none where it states all of them. A date is
-- touched by what lies on it now, and by what lay on it in the last build. Of till lines the loads tell which are new;
-- whatever else may change a line (web orders, bills of the trade, places, costs, rates) is compared with the last build.
-- Each part reads the kept fact for itself: an engine that holds a common expression in memory would hold all its rows.
with

{% if facts and basis -%}
changed as (
    select
        coalesce(now.kind, held.kind) as kind,
        coalesce(now.id, held.id) as id
    from {{ now }} as now
    full outer join {{ basis }} as held on now.kind = held.kind and now.id = held.id and now.valid_from = held.valid_from
    where held.value is distinct from now.value
),

{% for kind, name in [('location', 'locations'), ('product', 'products')] -%}
changed_{{ name }} as (
    select id from changed
    where kind = '{{ kind }}'
),

{% endfor -%}
changed_rates as (
    {{ changed_rates(now, basis) }}
),

-- Tombstones too: what was deleted lay somewhere.
arrived as (
    select
        arrived._source,
        arrived.sale_id,
        arrived.line_no,
        arrived.store_id,
        arrived.sold_at
    from {{ till_versions }} as arrived
    where arrived.visible_seq > (select max(read.visible_seq) from {{ basis }} as read)
    union all
    select
        cast(null as string) as _source,
        cast(null as string) as sale_id,
        cast(null as integer) as line_no,
        lines.store_id,
        lines.sold_at
    from {{ till_lines }} as lines
    inner join changed_locations on lines.store_id = changed_locations.id
),

-- The same order through a shop and a till counts once; the shop's half may come or go later.
seen_twice as (
    select platform_order_id as order_id from {{ orders }}
    where platform_order_id is not null
    union
    select order_id from {{ orders }}
),

others as (
    {{ differing(
        'select * from ' ~ lines ~ ' where not (' ~ is_till ~ ')',
        'select * exclude (is_first_of_sku) from ' ~ facts ~ ' where not (' ~ is_till ~ ')'
    ) }}
),

final as (
    select {{ business_date('arrived.sold_at', 'locations.timezone', 'workspace.day_starts_minutes') }} as restated_on
    from arrived
    inner join {{ locations }} as locations on arrived.store_id = locations.location_id
    cross join {{ workspace }} as workspace
    union
    -- By the parts of a line's id: its text, of which no two are alike, takes twenty times as long to read.
    select held.sold_on as restated_on from {{ facts }} as held
    where
        {{ is_till }}
        and exists (
            select 1 from arrived as new
            where held._source = new._source and held.sale_id = new.sale_id and held.line_no = new.line_no
        )
    union
    select sold_on as restated_on from {{ facts }}
    where {{ is_till }} and location_id in (select id from changed_locations)
    union
    select held.sold_on as restated_on from {{ facts }} as held
    inner join changed_rates on held.currency = changed_rates.currency and held.sold_on = changed_rates.sold_on
    where {{ is_till }}
    union
    -- A product costs, and is shown by category, in every line that sold it.
    select sold_on as restated_on from {{ facts }}
    where sku in (select id from changed_products)
    union
    select sold_on as restated_on from {{ facts }}
    where
        {{ is_till }}
        and platform_order_id is not null
        and coalesce(not_counted_because, '-') <> 'no exchange rate'
        and (not_counted_because is not null) <> (platform_order_id in (select order_id from seen_twice))
    union
    select sold_on as restated_on from others
)
{%- elif facts -%}
-- What the facts were built from is not known: all of them again.
final as (
    select sold_on as restated_on from {{ facts }}
    union
    select sold_on as restated_on from {{ lines }}
)
{%- else -%}
final as (
    select sold_on as restated_on from {{ lines }}
    where false
)
{%- endif %}

select * from final
