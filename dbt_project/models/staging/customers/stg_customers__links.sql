with

links as (
    {{ without_tombstones(ref('stg_customers__links_all')) }}
),

final as (
    select *
    from links
    where verdict <> 'withdrawn'
)

select * from final
