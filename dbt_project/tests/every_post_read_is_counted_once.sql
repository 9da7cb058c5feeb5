{{ config(tags=['pass_c']) }}

-- The days of the mart hold every post that was read, each once.
select
    held.posts,
    counted.posts as counted_posts
from (select count(*) as posts from {{ ref('mart_voice_post') }}) as held
cross join (select coalesce(sum(posts), 0) as posts from {{ ref('mart_social_voice') }}) as counted
where held.posts <> counted.posts
