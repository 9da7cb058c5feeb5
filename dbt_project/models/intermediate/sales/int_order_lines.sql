{%- set columns = [
    '_source', 'shop_id', 'order_id', 'line_no', 'parent_line_no', 'line_kind', 'sku', 'units', 'list_amount', 'paid_amount',
    'tax_rate', 'is_tax_inclusive', 'currency', 'promotion_id'
] -%}
-- One row per line of a web order, and per component of a bundle that its shop sold as one line: what the listing held on
-- the day of the order. Such components are numbered after the order's last line, and nobody stated an amount of theirs.
with

lines as (
    select
        *,
        max(line_no) over (partition by _source, shop_id, order_id) as last_line_no
    from {{ ref('stg_ecommerce__order_lines') }}
),

orders as (
    select * from {{ ref('int_web_orders') }}
),

contents as (
    select * from {{ ref('stg_ecommerce__bundles') }}
    where units > 0
),

told as (
    select distinct
        _source,
        shop_id,
        order_id,
        parent_line_no as line_no
    from lines
    where line_kind = 'component'
),

-- A component stands as it was said last; several systems may describe one listing.
held as (
    select
        lines.* {{ but(['parent_line_no', 'sku', 'units']) }},
        contents.component_sku as sku,
        lines.units * contents.units as units,
        lines.line_no as parent_line_no,
        orders.ordered_on > coalesce(contents.valid_to, date '9999-12-31') as is_over
    from lines
    inner join orders
        on lines._source = orders._source and lines.shop_id = orders.shop_id and lines.order_id = orders.order_id
    inner join contents
        on
            lines.shop_id = contents.shop_id
            and lines.listing_id = contents.listing_id
            and coalesce(lines.variant_id, '-') = contents.variant_id
            and orders.ordered_on >= contents.valid_from
    anti join told
        on
            lines._source = told._source and lines.shop_id = told.shop_id and lines.order_id = told.order_id
            and lines.line_no = told.line_no
    where lines.line_kind <> 'component'
    qualify
        row_number() over (
            partition by lines._source, lines.shop_id, lines.order_id, lines.line_no, contents.component_sku
            order by contents.valid_from desc, contents.observed_at desc, contents._source asc
        ) = 1
),

taken_apart as (
    select
        held.* {{ but(['line_kind', 'line_no', 'units', 'list_amount', 'paid_amount', 'is_over']) }},
        'component' as line_kind,
        cast(held.units as decimal(18, 3)) as units,
        cast(null as decimal(18, 4)) as list_amount,
        cast(null as decimal(18, 4)) as paid_amount,
        held.last_line_no
        + row_number() over (partition by held._source, held.shop_id, held.order_id order by held.parent_line_no, held.sku) as line_no
    from held
    where not held.is_over
),

final as (
    {{- stacked({'lines': columns, 'taken_apart': columns}) }}
)

select * from final
