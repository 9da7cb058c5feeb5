{#- The project's metrics in the order of their names; at parse time, when nobody knows them yet, one that stands in. -#}
{% macro defined_metrics() -%}
    {%- if execute -%}
        {{- return(graph.metrics.values() | sort(attribute='name')) -}}
    {%- endif -%}
    {{- return([{'name': '-', 'label': '-', 'description': '-', 'config': {'meta': {}}}]) -}}
{%- endmacro %}
