{#- Each of `conditions` holds on every row; many columns in one query. A null says nothing. -#}
{% test in_range(model, conditions) %}
    select *
    from {{ model }}
    where {% for condition in conditions %}not ({{ condition }}){{ ' or ' if not loop.last }}{% endfor %}
{% endtest %}
