{{ config(tags=['pass_a']) }}

-- One row per metric, as the files beside the marts define it: how apps name it, explain it and write it.
with

final as (
    {%- for metric in defined_metrics() %}
    select
        {{ quoted(metric.name) }} as metric,
        {{ quoted(metric.label) }} as label,
        {{ quoted(metric.config.meta.label_zh) }} as label_zh,
        {{ quoted(metric.description) }} as meaning,
        {{ quoted(metric.config.meta.zh) }} as meaning_zh,
        {{ quoted(metric.config.meta.format) }} as format,
        cast({{ metric.config.meta.get('digits', 'null') }} as integer) as digits
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from final
