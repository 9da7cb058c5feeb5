{#- The only conversions of time: a UTC timestamp as the clock on the wall in `zone`, and as the business date there. -#}
{% macro utc_to_local(ts, zone) -%}
    {%- if on_spark() -%} from_utc_timestamp({{ ts }}, {{ zone }}) {%- else -%} timezone({{ zone }}, {{ ts }}) {%- endif -%}
{%- endmacro %}


{#- The day starts `day_starts_at` minutes after midnight; what happens before it belongs to the day before. -#}
{% macro business_date(ts, zone, day_starts_at) -%}
    cast({{ utc_to_local(ts, zone) }} - {{ day_starts_at }} * interval 1 minute as date)
{%- endmacro %}


{#- Before any date that may land: what holds since ever holds from here on. -#}
{% macro ever() -%}
    date '1700-01-01'
{%- endmacro %}


{#- The ISO week of a date, by its Monday. -#}
{% macro week_of(date) -%}
    cast(date_trunc('week', {{ date }}) as date)
{%- endmacro %}
