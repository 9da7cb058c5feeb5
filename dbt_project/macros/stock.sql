{#- What may happen to stock, by the direction it goes: each is a column `<flow>_units` of fct_stock_day. -#}
{% macro stock_flows(direction) -%}
    {{- return({'in': ['made', 'received', 'returned', 'moved_in'], 'out': ['sold', 'moved_out', 'used', 'written_off']}[direction]) -}}
{%- endmacro %}


{#- The flows of a direction added up, as one expression. -#}
{% macro stock_sum(direction) -%}
    {%- for flow in stock_flows(direction) %}{{ flow }}_units{{ ' + ' if not loop.last }}{% endfor -%}
{%- endmacro %}


{#- The lot under which a place of this kind keeps what it holds: a till sells without one, so a store has none. -#}
{% macro lot_kept(kind, lot) -%}
    case when {{ kind }} = 'store' then '-' else {{ lot }} end
{%- endmacro %}


{#- The date of a movement's leg by the zone of its place, or the workspace's where nobody describes the place. -#}
{% macro moved_on(leg, location, workspace) -%}
    {{ business_date(leg ~ '.moved_at', 'coalesce(' ~ location ~ '.timezone, ' ~ workspace ~ '.timezone)', workspace ~ '.day_starts_minutes') }}
{%- endmacro %}


{#- Whether a place, by its row of dim_location, serves demand like a warehouse: one of ours, or where our goods lie consigned. -#}
{% macro is_our_warehouse() -%}
    (is_ours and (kind = 'dc' or (kind = 'web' and owner = 'consigned')))
{%- endmacro %}


{#-
    Rolls books forward: adds to each row of `flows` (a day of `key` with flow_units, what the bookings of that day add
    up to, and counted_units, null without a count) what the books say at its close (booked_units).

    A count is taken at the close of its day and is the truth: books run on from the last one before the day. What is
    `born` (a condition on its first row) began with nothing; what was there of anything else when the books begin is
    told backwards from its first count.
-#}
{% macro rolled_forward(flows, key, day, born) -%}
    select
        *,
        coalesce(
            last_count_units,
            case when not is_born then max(case when counts_before = 0 then counted_units - running_units end) over (partition by {{ key }}) end,
            0
        ) + sum(flow_units) over (partition by {{ key }}, counts_before order by {{ day }} rows unbounded preceding) as booked_units
    from (
        select
            *,
            -- The last count before this day, and how many there were.
            {{ last_known('counted_units') }} over earlier as last_count_units,
            count(counted_units) over earlier as counts_before,
            sum(flow_units) over so_far as running_units,
            first_value({{ born }}) over so_far as is_born
        from {{ flows }}
        window
            so_far as (partition by {{ key }} order by {{ day }} rows unbounded preceding),
            earlier as (partition by {{ key }} order by {{ day }} rows between unbounded preceding and 1 preceding)
    ) as counted
{%- endmacro %}


{#-
    Chance that demand of this mean and variance exceeds `units`: one less the normal distribution at half a unit more
    (demand comes in whole units). The distribution by its logistic form, 1 / (1 + exp(-1.5976 z - 0.07056 z^3)): 0.0002
    off at most, and no function that another engine lacks.
-#}
{% macro chance_above(units, mean, variance) -%}
    {%- set z = '(' ~ units ~ ' + 0.5 - ' ~ mean ~ ') / sqrt(' ~ variance ~ ')' -%}
    case
        when {{ mean }} is null then null
        when {{ variance }} <= 0 then case when {{ mean }} > {{ units }} then 1.0 else 0.0 end
        when {{ z }} > 8 then 0.0
        when {{ z }} < -8 then 1.0
        else 1.0 - 1.0 / (1.0 + exp(-1.5976 * ({{ z }}) - 0.07056 * ({{ z }}) * ({{ z }}) * ({{ z }})))
    end
{%- endmacro %}
