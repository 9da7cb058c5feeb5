{#-
    Each of `expressions` is zero on every row, within `tolerance`: what must balance does. A row with an unknown part
    (a null) says nothing.
-#}
{% test identity(model, expressions, tolerance=0) %}
    select *
    from {{ model }}
    where {% for expression in expressions %}abs({{ expression }}) > {{ tolerance }}{{ ' or ' if not loop.last }}{% endfor %}
{% endtest %}
