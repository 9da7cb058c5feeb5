{{ config(tags=['pass_b']) }}

-- One row per resolved person: since when we know them, by how many records, and as which member.
with

identifiers as (
    select * from {{ ref('bridge_customer_identifier') }}
),

members as (
    select
        *,
        {{ record_token('_source', 'member', 'member_id_token') }} as record_token
    from {{ ref('stg_crm__members') }}
),

-- What only came back was bought in no channel.
sales as (
    select distinct
        record_token,
        channel_id
    from {{ ref('fct_sales_line') }}
    where record_token is not null and is_counted and is_revenue and line_kind not in ('refund', 'return')
),

customers as (
    select
        customer_id,
        min(seen_on) as first_seen_on,
        count(*) as record_count
    from identifiers
    group by customer_id
),

-- A person with two memberships is described by the older one.
memberships as (
    select
        identifiers.customer_id,
        count(*) as member_count,
        min_by(members.tier, (coalesce(members.joined_at, members.updated_at), members.record_token)) as tier,
        min_by(members.gender, (coalesce(members.joined_at, members.updated_at), members.record_token)) as gender,
        min_by(members.city, (coalesce(members.joined_at, members.updated_at), members.record_token)) as city
    from identifiers
    inner join members on identifiers.record_token = members.record_token
    group by identifiers.customer_id
),

bought_in as (
    select
        identifiers.customer_id,
        {{ joined('sales.channel_id', ',', is_distinct=true) }} as channels
    from identifiers
    inner join sales on identifiers.record_token = sales.record_token
    group by identifiers.customer_id
),

final as (
    select
        customers.customer_id,
        customers.first_seen_on,
        customers.record_count,
        memberships.customer_id is not null as is_member,
        coalesce(memberships.member_count, 0) as member_count,
        memberships.tier,
        memberships.gender,
        memberships.city,
        coalesce(bought_in.channels, '') as channels
    from customers
    left join memberships on customers.customer_id = memberships.customer_id
    left join bought_in on customers.customer_id = bought_in.customer_id
)

select * from final
