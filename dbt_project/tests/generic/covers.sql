{#- Every value of `column` is a `field` of `to`; `where` leaves rows out. -#}
{% test covers(model, column, to, field, where='true') %}
    select distinct referring.{{ column }}
    from {{ model }} as referring
    anti join {{ to }} as referred on referring.{{ column }} = referred.{{ field }}
    where referring.{{ column }} is not null and {{ where }}
{% endtest %}
