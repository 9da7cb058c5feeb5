{#-
    An amount or a number of units times a decimal of at most 18 digits, exact. Unasked, DuckDB keeps 18 digits of such a
    product, and a thousand times a rate of twelve decimals is more than that.
-#}
{% macro product(amount, rate) -%}
    cast({{ amount }} as decimal(19, 4)) * {{ rate }}
{%- endmacro %}


{#-
    The same, to four digits. Within 18 digits DuckDB multiplies a hundred times as fast as beyond; so what fits goes that
    way: a rate of at most `before` digits before its point and `after` behind it, and an amount of what is left of 18.
-#}
{% macro rounded_product(amount, rate, before, after) -%}
    {%- set width = 18 - before - after -%}
    {%- set most, highest = 10 ** (width - 4) - 1, 10 ** before - (10 ** -after if before == 0 else 1) -%}
    case
        when
            {{ amount }} between -{{ most }} and {{ most }}
            and {{ rate }} between -{{ highest }} and {{ highest }}
            and {{ rate }} = cast({{ rate }} as decimal(18, {{ after }}))
            then cast(
                cast({{ amount }} as decimal({{ width }}, 4)) * cast({{ rate }} as decimal({{ before + after }}, {{ after }})) as decimal(18, 4)
            )
        else cast({{ product(amount, rate) }} as decimal(18, 4))
    end
{%- endmacro %}


{#-
    An amount in the workspace's currency; null where no rate is known, so that it can never be summed by mistake. Most
    amounts are in that currency, and a wide product is slow.
-#}
{% macro converted(amount, rate) -%}
    case
        when {{ rate }} = 1 then cast({{ amount }} as decimal(18, 4)) else cast({{ product(amount, rate) }} as decimal(18, 4))
    end
{%- endmacro %}


{#- The tax inside an amount that includes it, or on top of one that does not; no rate means no tax. -#}
{% macro tax_of(amount, tax_rate, is_tax_inclusive) -%}
    {%- set inside = to_decimal('(cast(coalesce(' ~ tax_rate ~ ', 0) as double) / (1 + coalesce(' ~ tax_rate ~ ', 0)))', 12) -%}
    {%- set share = 'case when ' ~ is_tax_inclusive ~ ' then ' ~ inside ~ ' else cast(coalesce(' ~ tax_rate ~ ', 0) as decimal(18, 12)) end' -%}
    cast({{ product(amount, share) }} as decimal(18, 4))
{%- endmacro %}


{#- Names one record of a person in one system: the same record gives the same token in every run. -#}
{% macro record_token(source, kind, id) -%}
    md5(concat_ws('|', {{ source }}, {{ quoted(kind) }}, {{ id }}))
{%- endmacro %}
