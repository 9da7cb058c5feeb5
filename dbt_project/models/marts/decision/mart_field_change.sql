{{ config(tags=['pass_d']) }}

-- One row per stream and raw field that its mapping and its source do not share.
with

final as (
    select
        source as _source,
        stream,
        field,
        change,
        nullif({{ named('column') }}, '') as mapped_column,
        since_at
    from {{ told('fields') }}
)

select * from final
