{#- The themes that posts are read for: the keys of `customers.voice.themes.LEXICON` (a test holds them together). -#}
{% macro voice_themes() -%}
    {{- return([
        'taste', 'freshness', 'packaging', 'price', 'delivery', 'service', 'quality', 'size', 'health', 'availability',
        'loyalty'
    ]) -}}
{%- endmacro %}


{#-
    How far a count lies above what was expected: the Poisson deviance of one count. Without anything new it is above
    15.14 about once in twenty thousand (chi-square with one degree of freedom, upper side alone).
-#}
{% macro excess_of(observed, expected) -%}
    case
        when {{ observed }} > {{ expected }}
            then 2 * ({{ observed }} * ln({{ observed }} / {{ expected }}) - ({{ observed }} - {{ expected }}))
        else 0
    end
{%- endmacro %}
