-- One row per web order, SKU and moment at which units of it left: what its shop tells of parcels, else what the warehouse
-- moved. A parcel that names a bundle is what is in it.
with

owed as (
    select * from {{ ref('int_order_promises') }}
    where order_kind = 'web'
),

orders as (
    select
        _source,
        order_id,
        max(completed_at) as completed_at,
        count(*) over (partition by order_id) as shops
    from {{ ref('stg_ecommerce__orders') }}
    group by _source, order_id
),

parcels as (
    select
        _source,
        order_id,
        sku,
        units,
        shipped_at,
        delivered_at
    from {{ ref('stg_ecommerce__shipments') }}
    where shipped_at is not null
    union all
    -- Of what no shop tells, the warehouse knows when it left.
    select
        orders._source,
        moved.reference_id as order_id,
        moved.sku,
        abs(moved.units) as units,
        moved.moved_at as shipped_at,
        -- An order that was closed before its goods left says nothing of their arrival.
        case when orders.completed_at > moved.moved_at then orders.completed_at end as delivered_at
    from {{ ref('stg_wms__movements') }} as moved
    inner join orders on moved.reference_id = orders.order_id and orders.shops = 1
    anti join {{ ref('stg_ecommerce__shipments') }} as told
        on orders._source = told._source and moved.reference_id = told.order_id
    where moved.kind = 'shipment' and moved.reference_kind = 'order'
),

-- Where the SKU itself is owed, it is meant.
packed as (
    select distinct
        parts._source,
        parts.order_id,
        parts.bundle_sku,
        parts.sku,
        parts.units_per_bundle
    from {{ ref('int_bundle_parts') }} as parts
    anti join owed on parts._source = owed._source and parts.order_id = owed.order_id and parts.bundle_sku = owed.sku
    where parts.units_per_bundle is not null
),

goods as (
    select
        parcels.* {{ but(['sku', 'units']) }},
        coalesce(packed.sku, parcels.sku) as sku,
        cast(cast(parcels.units as double) * coalesce(packed.units_per_bundle, 1) as decimal(18, 3)) as units
    from parcels
    left join packed
        on parcels._source = packed._source and parcels.order_id = packed.order_id and parcels.sku = packed.bundle_sku
),

final as (
    select
        _source,
        order_id,
        sku,
        shipped_at,
        sum(units) as units,
        max(delivered_at) as delivered_at
    from goods
    group by _source, order_id, sku, shipped_at
)

select * from final
