{#- A text field of a JSON object; null where it has none. -#}
{% macro json_text(column, field) -%}
    json_extract_string({{ column }}, '$.{{ field }}')
{%- endmacro %}
