{#-
    Streams, the measures their sources total, and how many hours their last event may lie back: a day and a night for
    what happens daily, a week and two days for what happens weekly, and nothing for master data, which may rest.
    Every other stream that has landed is counted too, and may rest.
-#}
{%- set streams = [
    ('pos.stores', none, none, none),
    ('pos.sale_lines', 'units', 'net_amount', 48),
    ('trade.promotions', none, none, none),
    ('trade.placements', none, none, 216),
    ('ecommerce.orders', none, 'total_amount', 48),
    ('ecommerce.order_lines', 'units', 'paid_amount', 48),
    ('ecommerce.discounts', none, 'amount', none),
    ('ecommerce.refunds', 'units', 'amount', none),
    ('ecommerce.listings', none, none, none),
    ('ecommerce.bundles', none, none, none),
    ('ecommerce.shipments', 'units', none, none),
    ('crm.members', none, none, none),
    ('crm.campaigns', none, none, none),
    ('erp.items', none, none, none),
    ('erp.item_units', none, none, none),
    ('erp.production_orders', 'ordered_units', none, none),
    ('erp.purchase_orders', 'ordered_units', none, none),
    ('supplier.deliveries', 'units', none, 216),
    ('distributor.partners', none, none, none),
    ('distributor.movements', 'units', none, 216),
    ('distributor.stock', 'on_hand_units', none, 336),
    ('retail.sell_out', 'units', 'amount', 96),
    ('settlement.lines', none, 'amount', 216),
    ('social.posts', none, none, 96),
    ('plm.items', none, none, none),
    ('plm.bom', none, none, none),
    ('wms.locations', none, none, none),
    ('wms.stock', 'on_hand_units', none, 216),
    ('wms.movements', 'units', none, 48),
    ('mes.work_orders', none, none, none),
    ('mes.results', 'good_units', none, 72),
    ('mes.consumption', 'units', none, 72),
    ('mes.quality', none, none, 72),
    ('mes.routings', none, none, none),
    ('mes.changeovers', none, none, none),
    ('mes.calendars', none, none, none),
    ('scada.readings', none, none, 72),
    ('scada.events', none, none, 72),
    ('maintenance.orders', none, 'parts_amount', none),
    ('pos.controls', none, none, 48),
    ('trade.controls', none, none, none),
    ('ecommerce.controls', none, none, 48),
    ('crm.controls', none, none, none),
    ('erp.controls', none, none, none),
    ('wms.controls', none, none, 48),
    ('mes.controls', none, none, 72),
] -%}
-- One row per source and stream: what the warehouse holds of it now, and how fresh it has to be.
with

final as (
    {%- for stream, units, amount, hours in streams %}
    select
        _source,
        '{{ stream }}' as stream,
        count(*) as current_rows,
        cast({{ 'sum(' ~ units ~ ')' if units else 'null' }} as decimal(18, 3)) as units,
        cast({{ 'sum(' ~ amount ~ ')' if amount else 'null' }} as decimal(18, 4)) as amount,
        cast({{ hours if hours else 'null' }} as integer) as expected_hours
    from {{ ref('stg_' ~ stream | replace('.', '__')) }}
    group by _source
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    {%- for stream, table in streams_staged(but=streams | map('first') | list) %}
    union all
    select
        _source,
        '{{ stream }}' as stream,
        count(*) as current_rows,
        null as units,
        null as amount,
        null as expected_hours
    from {{ table }}
    group by _source
    {%- endfor %}
)

select * from final
