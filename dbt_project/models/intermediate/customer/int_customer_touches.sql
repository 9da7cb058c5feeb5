-- One row per customer who was written to: the last message or list, and the last one opened or clicked. A member that was
-- held out has not been written to.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

people as (
    select * from {{ ref('bridge_customer_identifier') }}
    where kind = 'member'
),

messages as (
    select
        people.customer_id,
        touches.campaign_id,
        touches.medium,
        touches.sent_at as touched_at,
        coalesce(touches.clicked_at, touches.opened_at) as answered_at
    from {{ ref('stg_crm__touches') }} as touches
    inner join people
        on {{ record_token('touches._source', 'member', 'touches.member_id_token') }} = people.record_token
    where touches.sent_at is not null and not coalesce(touches.is_holdout, false)
),

-- What a list was used for is not told back, but who was on it is known.
lists as (
    select
        exports.customer_id,
        exports.export_id as campaign_id,
        exports.medium,
        exports.at as touched_at,
        cast(null as {{ instant() }}) as answered_at
    from {{ ref('stg_customers__exports') }} as exports
    where not exports.is_holdout
),

touches as (
    select * from messages
    union all
    select * from lists
),

ranked as (
    select
        *,
        row_number() over (partition by customer_id order by touched_at desc, campaign_id asc, medium asc) as place,
        max(answered_at) over (partition by customer_id) as last_answered_at
    from touches
),

final as (
    select
        ranked.customer_id,
        {{ business_date('ranked.touched_at', 'workspace.timezone', 'workspace.day_starts_minutes') }} as last_touched_on,
        ranked.campaign_id as last_touch_campaign_id,
        ranked.medium as last_touch_medium,
        {{ business_date('ranked.last_answered_at', 'workspace.timezone', 'workspace.day_starts_minutes') }} as last_answered_on
    from ranked
    cross join workspace
    where ranked.place = 1
)

select * from final
