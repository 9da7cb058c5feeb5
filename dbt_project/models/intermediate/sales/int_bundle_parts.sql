-- One row per component line of a web order: the line of the bundle it belongs to, and how many are in one bundle
-- (null where the bundle's line has no units).
with

lines as (
    select * from {{ ref('int_order_lines') }}
),

final as (
    select
        parts._source,
        parts.shop_id,
        parts.order_id,
        parts.line_no,
        parts.sku,
        bundles.line_no as bundle_line_no,
        bundles.sku as bundle_sku,
        cast(parts.units as double) / nullif(cast(bundles.units as double), 0) as units_per_bundle
    from lines as parts
    inner join lines as bundles
        on
            parts._source = bundles._source and parts.shop_id = bundles.shop_id and parts.order_id = bundles.order_id
            and parts.parent_line_no = bundles.line_no
    where parts.line_kind = 'component'
)

select * from final
