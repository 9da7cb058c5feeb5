-- One row per line and pair of set-up families: minutes from one to the other.
with

changeovers as (
    select * from {{ ref('stg_mes__changeovers') }}
),

final as (
    select
        line_id,
        from_family,
        to_family,
        minutes
    from changeovers
    qualify row_number() over (partition by line_id, from_family, to_family order by observed_at desc, _source asc) = 1
)

select * from final
