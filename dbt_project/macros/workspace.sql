{#-
    What the workspace tells the warehouse, read from the environment when a model runs. Never at parse time: a new
    clock must not cost a new parse.
-#}
{% macro workspace_setting(name, fallback) -%}
    {{ quoted(env_var(name, fallback) if execute else fallback) }}
{%- endmacro %}
