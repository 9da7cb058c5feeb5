{#- Every value of `column` is a `field` of `to`; `only` says which rows are asked. -#}
{% test covers(model, column, to, field, only='true') %}
    select distinct {{ column }}
    from {{ model }}
    where
        {{ column }} is not null
        and {{ only }}
        and {{ column }} not in (select {{ field }} from {{ to }})
{% endtest %}
