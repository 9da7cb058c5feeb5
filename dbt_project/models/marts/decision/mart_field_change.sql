{{ config(tags=['pass_d']) }}

-- One row per stream and raw field that its mapping and its source do not share, or that holds what it did not before.
with

final as (
    select
        source as _source,
        stream,
        field,
        change,
        nullif({{ named('column') }}, '') as mapped_column,
        nullif(old_kind, '') as old_kind,
        nullif(new_kind, '') as new_kind,
        since_at
    from {{ told('fields') }}
)

select * from final
