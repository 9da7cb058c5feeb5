{#-
    Rows, units and amounts equal what each source says its own rows of `stream` add up to, per business date and to the
    last digit. A source that gives no totals is not asked; rows of it that lie in quarantine explain a difference, and
    the data health mart shows them.
-#}
{% test equal_to_controls(model, controls, loads, stream, period, units, amount, only='true') %}
    with

    held as (
        select _source, {{ period }} as period_on, count(*) as rows, sum({{ units }}) as units, sum({{ amount }}) as amount
        from {{ model }}
        where {{ only }}
        group by _source, {{ period }}
    ),

    stated as (
        select * from {{ controls }}
        where stream = '{{ stream }}'
    ),

    -- A replay counts what it takes out of quarantine as less than nothing.
    incomplete as (
        select _source
        from {{ loads }}
        where stream = '{{ stream }}'
        group by _source
        having sum(quarantined) > 0
    ),

    asked as (
        select distinct stated._source
        from stated
        anti join incomplete on stated._source = incomplete._source
    ),

    compared as (
        select
            coalesce(stated._source, held._source) as _source,
            coalesce(stated.period_on, held.period_on) as period_on,
            coalesce(stated.rows, 0) as stated_rows,
            coalesce(held.rows, 0) as held_rows,
            coalesce(stated.units, case when stated._source is null then 0 else held.units end) as stated_units,
            coalesce(held.units, 0) as held_units,
            coalesce(stated.amount, case when stated._source is null then 0 else held.amount end) as stated_amount,
            coalesce(held.amount, 0) as held_amount
        from stated
        full outer join held on stated._source = held._source and stated.period_on = held.period_on
    )

    select compared.*
    from compared
    semi join asked on compared._source = asked._source
    where stated_rows <> held_rows or stated_units <> held_units or stated_amount <> held_amount
{% endtest %}
