-- One row per record that says something about who a person is: a membership, a web order, a till sale.
-- A code counts within its scope alone, so a shop's own buyer codes and open ids are not here. `_load_seq` and `_row` name
-- the row that says so: the vault's entry has the same.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

members as (
    select * from {{ ref('stg_crm__members') }}
),

orders as (
    select * from {{ ref('stg_ecommerce__orders') }}
),

sale_lines as (
    select * from {{ ref('stg_pos__sale_lines') }}
),

member_records as (
    select
        {{ record_token('_source', 'member', 'member_id_token') }} as record_token,
        _source,
        'member' as kind,
        member_id_token,
        phone_token,
        email_token,
        union_id_token,
        name_token,
        city,
        _load_seq,
        _row,
        joined_at as seen_at
    from members
),

order_records as (
    select
        {{ record_token('_source', 'order', "concat_ws('|', shop_id, order_id)") }} as record_token,
        _source,
        'order' as kind,
        buyer_brand_uid_token as member_id_token,
        case when not coalesce(is_virtual_phone, false) then buyer_phone_token end as phone_token,
        buyer_email_token as email_token,
        cast(null as string) as union_id_token,
        buyer_name_token as name_token,
        ship_region as city,
        _load_seq,
        _row,
        placed_at as seen_at
    from orders
),

sale_records as (
    select
        {{ record_token('_source', 'sale', 'sale_id') }} as record_token,
        _source,
        'sale' as kind,
        min(member_id_token) as member_id_token,
        cast(null as string) as phone_token,
        cast(null as string) as email_token,
        cast(null as string) as union_id_token,
        cast(null as string) as name_token,
        cast(null as string) as city,
        cast(null as bigint) as _load_seq,
        cast(null as bigint) as _row,
        min(sold_at) as seen_at
    from sale_lines
    where member_id_token is not null
    group by _source, sale_id
),

all_records as (
    select * from member_records
    union all
    select * from order_records
    union all
    select * from sale_records
),

final as (
    select
        all_records.* {{ but(['seen_at']) }},
        {{ business_date('all_records.seen_at', 'workspace.timezone', 'workspace.day_starts_minutes') }} as seen_on
    from all_records
    cross join workspace
    where
        coalesce(
            all_records.member_id_token, all_records.phone_token, all_records.email_token, all_records.union_id_token
        ) is not null
)

select * from final
