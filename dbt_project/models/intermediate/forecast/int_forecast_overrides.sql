-- One row per override and week it speaks of: for which series, how many units, and whether it counts today. It does once
-- somebody other than its author has approved it, until it expires; what it says no longer matters when the week is over.
with

overrides as (
    select * from {{ ref('stg_forecasting__overrides') }}
),

workspace as (
    select * from {{ ref('int_workspace') }}
),

scoped as (
    select
        override_id,
        coalesce({{ json_text('scope', 'sku') }}, '*') as sku,
        coalesce({{ json_text('scope', 'category') }}, '*') as category,
        coalesce({{ json_text('scope', 'channel_id') }}, '*') as channel_id,
        coalesce({{ json_text('scope', 'location_id') }}, '*') as location_id,
        {{ dates_from(week_of('from_on'), 'to_on + 1', 7) }} as bucket_on,
        old as old_units,
        new as new_units,
        reason_code,
        note,
        author,
        approved_by,
        expires_at,
        observed_at,
        approved_by is not null
        and trim(approved_by) <> ''
        and lower(trim(approved_by)) <> lower(trim(coalesce(author, ''))) as is_approved
    from overrides
),

final as (
    select
        scoped.*,
        -- The narrowest speaks last: an item before its category, one channel before all, one place before all.
        case when scoped.sku <> '*' then 8 else 0 end
        + case when scoped.category <> '*' then 4 else 0 end
        + case when scoped.channel_id <> '*' then 2 else 0 end
        + case when scoped.location_id <> '*' then 1 else 0 end as narrowness,
        coalesce(scoped.expires_at <= workspace.now_at, false) as is_expired,
        scoped.is_approved and coalesce(scoped.expires_at > workspace.now_at, true) as is_counted,
        scoped.bucket_on <= workspace.last_week_on as is_over,
        -- It counted where it was approved before the week was over, and had not expired before the week began.
        scoped.is_approved
        and cast(scoped.observed_at as date) <= scoped.bucket_on + 6
        and coalesce(cast(scoped.expires_at as date) > scoped.bucket_on, true) as did_count
    from scoped
    cross join workspace
)

select * from final
