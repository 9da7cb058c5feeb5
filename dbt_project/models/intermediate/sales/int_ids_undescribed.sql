{#- Named here, because dbt reads a model's references without knowing what is held. -#}
{%- set lines, versions = ref('stg_pos__sale_lines'), ref('stg_pos__sale_lines_all') -%}
{%- set basis = held('int_sales_basis') -%}
{%- set columns = {'location': 'store_id', 'product': 'sku'} -%}
-- One row per store and product that till lines name and no source describes. Beyond what the last build knew of and what has
-- arrived since there is none; and lines are searched for those of them alone that nobody describes, mostly none, because
-- the last line that named one may be gone.
with

described as (
    select
        'location' as kind,
        store_id as id
    from {{ ref('stg_pos__stores') }}
    union
    select
        'location' as kind,
        location_id as id
    from {{ ref('stg_wms__locations') }}
    union
    select
        'location' as kind,
        shop_id as id
    from {{ ref('shops') }}
    union
    select
        'product' as kind,
        sku as id
    from {{ ref('stg_erp__items') }}
),

named as (
    {%- if basis %}
    select
        kind,
        id
    from {{ basis }}
    where kind in ('location', 'product')
    {%- endif %}
    {%- for kind, column in columns.items() %}
    {%- if basis or not loop.first %}
    union
    {%- endif %}
    select
        '{{ kind }}' as kind,
        {{ column }} as id
    from {{ versions if basis else lines }}
    {%- if basis %}
    where visible_seq > (select max(read.visible_seq) from {{ basis }} as read)
    {%- endif %}
    {%- endfor %}
),

undescribed as (
    select named.* from named
    left join described on named.kind = described.kind and named.id = described.id
    where described.id is null
),

final as (
    {%- if basis %}
    {%- for kind, column in columns.items() %}
    select distinct
        '{{ kind }}' as kind,
        {{ column }} as id
    from {{ lines }}
    where
        {{ column }} in (
            select id from undescribed
            where kind = '{{ kind }}'
        )
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
    {%- else %}
    select * from undescribed
    {%- endif %}
)

select * from final
