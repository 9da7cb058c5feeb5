-- One row per part of a purchase order that is yet to come: a delivery that its supplier has announced, and what no delivery
-- names, when it was promised. Of an order's SKU comes first what is there already, by whichever of ERP, supplier and warehouse
-- knows of most, for it stands in stock; then what is announced, the soonest first; then the rest. No more comes than is ordered.
with

lines as (
    select
        *,
        cast(sum(open_units) over (
            partition by po_id, sku order by due_on asc nulls last, line_no asc rows unbounded preceding
        ) as decimal(18, 3)) as line_end
    from {{ ref('int_purchase_lines') }}
),

deliveries as (
    select * from {{ ref('stg_supplier__deliveries') }}
    where units > 0
    qualify row_number() over (partition by po_id, delivery_id, line_no order by updated_at desc, _source asc) = 1
),

brought as (
    select
        po_id,
        sku,
        cast(sum(case when received_at is not null then units else 0 end) as decimal(18, 3)) as brought_units,
        cast(sum(units) as decimal(18, 3)) as announced_units
    from deliveries
    group by po_id, sku
),

-- A warehouse books goods in by their order or by their delivery.
names as (
    select distinct
        po_id as reference_id,
        po_id,
        sku
    from lines
    union
    select
        delivery_id as reference_id,
        min(po_id) as po_id,
        sku
    from deliveries
    group by delivery_id, sku
),

stocked as (
    select
        names.po_id,
        names.sku,
        cast(sum(abs(moved.units)) as decimal(18, 3)) as stocked_units
    from {{ ref('stg_wms__movements') }} as moved
    inner join names on moved.reference_id = names.reference_id and moved.sku = names.sku
    where moved.kind in ('receipt', 'purchase') and moved.reference_kind in ('order', 'delivery')
    group by names.po_id, names.sku
),

orders as (
    select
        lines.po_id,
        lines.sku,
        min(case when lines.open_units > 0 then lines.due_on end) as due_on,
        cast(sum(lines.booked_units) as decimal(18, 3)) as booked_units,
        cast(sum(lines.booked_units + lines.open_units) as decimal(18, 3)) as ordered_units,
        coalesce(max(brought.brought_units), 0) as brought_units,
        coalesce(max(brought.announced_units), 0) as announced_units,
        greatest(
            cast(sum(lines.booked_units) as decimal(18, 3)), coalesce(max(brought.brought_units), 0), coalesce(max(stocked.stocked_units), 0)
        ) as come_units
    from lines
    left join brought on lines.po_id = brought.po_id and lines.sku = brought.sku
    left join stocked on lines.po_id = stocked.po_id and lines.sku = stocked.sku
    group by lines.po_id, lines.sku
),

announced as (
    select
        deliveries.po_id || ':' || deliveries.delivery_id || ':' || cast(deliveries.line_no as string) as part_id,
        deliveries.sku,
        coalesce(deliveries.eta_on, orders.due_on) as due_on,
        orders.brought_units + cast(sum(deliveries.units) over (
            partition by deliveries.po_id, deliveries.sku
            order by deliveries.eta_on asc nulls last, deliveries.delivery_id asc, deliveries.line_no asc rows unbounded preceding
        ) as decimal(18, 3)) as part_end,
        deliveries.units,
        orders.come_units,
        orders.ordered_units
    from deliveries
    inner join orders on deliveries.po_id = orders.po_id and deliveries.sku = orders.sku
    where deliveries.received_at is null
),

parts as (
    select
        * {{ but(['units', 'part_end', 'come_units', 'ordered_units']) }},
        least(part_end, ordered_units) - greatest(part_end - units, come_units) as units
    from announced
    union all
    select
        lines.po_id || ':' || cast(lines.line_no as string) as part_id,
        lines.sku,
        lines.due_on,
        orders.booked_units + lines.line_end
        - greatest(orders.booked_units + lines.line_end - lines.open_units, orders.come_units, orders.announced_units) as units
    from lines
    inner join orders on lines.po_id = orders.po_id and lines.sku = orders.sku
),

final as (
    select
        'purchase:' || part_id as receipt_id,
        sku,
        due_on,
        cast(units as double) as units
    from parts
    where units > 0
)

select * from final
