{{ config(tags=['pass_b']) }}

-- One row per characteristic, line, SKU (* all) and week: how far the process stands from its limits.
-- Sigma within subgroups is pooled: sqrt(Σ(n−1)s² ÷ Σ(n−1)) (AIAG, Statistical Process Control, 2nd ed.); where each
-- subgroup has one value it is the average moving range ÷ 1.128, d2 of two values (Montgomery, Introduction to
-- Statistical Quality Control, 7th ed., 6.4). Cp = (upper − lower) ÷ 6σ, Cpk = min(upper − mean, mean − lower) ÷ 3σ
-- (ibid. 8.2; of one limit alone, the side that there is). Values with different limits have no common capability.
with

checks as (
    select
        *,
        avg(value) over (
            partition by characteristic, line_id, sku, week_on, subgroup order by checked_at, _source, check_id
            rows between unbounded preceding and unbounded following
        ) as subgroup_mean,
        abs(value - lag(value) over (
            partition by characteristic, line_id, sku, week_on order by checked_at, _source, check_id
        )) as moving_range
    from {{ ref('int_check_values') }}
),

grouped as (
    select
        characteristic,
        line_id,
        sku,
        week_on,
        count(*) as checks,
        count(case when is_pass then 1 end) as passed_checks,
        count(is_pass) as judged_checks,
        count(value) as measured,
        count(distinct case when value is not null then subgroup end) as subgroups,
        {{ in_order('avg', 'value', 'checked_at, _source, check_id') }} as mean,
        {{ in_order('sum', '(value - subgroup_mean) * (value - subgroup_mean)', 'checked_at, _source, check_id') }} as squares,
        {{ in_order('avg', 'moving_range', 'checked_at, _source, check_id') }} as moving_range,
        case when count(distinct lower) <= 1 and count(distinct upper) <= 1 then min(lower) end as lower_limit,
        case when count(distinct lower) <= 1 and count(distinct upper) <= 1 then min(upper) end as upper_limit
    from checks
    group by characteristic, line_id, sku, week_on
),

spread as (
    select
        *,
        case
            when measured > subgroups then sqrt(squares / (measured - subgroups))
            else moving_range / 1.128
        end as sigma,
        case
            when measured > subgroups then 'pooled'
            when measured > 1 then 'moving range'
            else 'none'
        end as sigma_basis
    from grouped
),

final as (
    select
        characteristic,
        line_id,
        sku,
        week_on,
        checks,
        measured,
        subgroups,
        round(mean, 9) as mean,
        round(sigma, 9) as sigma,
        sigma_basis,
        lower_limit,
        upper_limit,
        round((upper_limit - lower_limit) / nullif(6 * round(sigma, 9), 0), 6) as cp,
        round(least(upper_limit - mean, mean - lower_limit) / nullif(3 * round(sigma, 9), 0), 6) as cpk,
        passed_checks,
        judged_checks,
        passed_checks / cast(nullif(judged_checks, 0) as double) as first_pass_rate,
        -- Fewer than 25 values say little of a spread.
        measured >= 25 as is_enough
    from spread
)

select * from final
