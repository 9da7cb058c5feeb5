-- One row per line of a statement as it was first issued, and how often the line was issued. A statement issued again
-- restates its lines: staging keeps what holds, the lake what was said before.
with

issued as (
    select * from {{ landed('settlement.lines', loads='all') }}
    where _op <> 'delete'
),

times as (
    select
        _source,
        platform,
        statement_id,
        line_id,
        count(distinct observed_at) as issues
    from issued
    group by _source, platform, statement_id, line_id
),

first_issue as (
    select * from issued
    qualify row_number() over (
        partition by _source, platform, statement_id, line_id
        order by observed_at, _load_seq, _row
    ) = 1
),

final as (
    select
        first_issue._source,
        first_issue.platform,
        first_issue.statement_id,
        first_issue.line_id,
        first_issue.amount,
        times.issues
    from first_issue
    inner join times
        on
            first_issue._source = times._source
            and first_issue.platform = times.platform
            and first_issue.statement_id = times.statement_id
            and first_issue.line_id = times.line_id
)

select * from final
