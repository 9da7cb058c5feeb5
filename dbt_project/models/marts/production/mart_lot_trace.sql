{{ config(tags=['pass_b']) }}
{%- set levels = var('lot_levels') | int %}

-- One row per lot and lot that it went into, over all levels, and itself at depth 0. The closure is unrolled to
-- `lot_levels` (a recursion that every engine can run): a bill of more levels fails the test below it, never silently.
with

uses as (
    select * from {{ ref('int_lot_uses') }}
),

lots as (
    select
        component_sku as sku,
        component_lot_id as lot_id
    from uses
    union distinct
    select
        output_sku as sku,
        output_lot_id as lot_id
    from uses
    union distinct
    select
        sku,
        lot_id
    from {{ ref('mart_lot_destination') }}
    union distinct
    select
        sku,
        lot_id
    from {{ ref('stg_mes__results') }}
    where lot_id <> '-'
),

level_0 as (
    select
        sku,
        lot_id,
        sku as into_sku,
        lot_id as into_lot_id,
        0 as depth,
        cast(null as decimal(18, 3)) as units
    from lots
),

{% for level in range(1, levels + 1) -%}
level_{{ level }} as (
    select
        before.sku,
        before.lot_id,
        uses.output_sku as into_sku,
        uses.output_lot_id as into_lot_id,
        {{ level }} as depth,
        {{ "uses.units" if level == 1 else "cast(null as decimal(18, 3))" }} as units
    from level_{{ level - 1 }} as before
    inner join uses on before.into_sku = uses.component_sku and before.into_lot_id = uses.component_lot_id
),

{% endfor -%}
reached as (
    {% for level in range(0, levels + 1) -%}
    select * from level_{{ level }}
    {{ "union all" if not loop.last }}
    {% endfor -%}
),

final as (
    select
        sku,
        lot_id,
        into_sku,
        into_lot_id,
        cast(min(depth) as integer) as depth,
        cast(max(units) as decimal(18, 3)) as units
    from reached
    group by sku, lot_id, into_sku, into_lot_id
)

select * from final
