{{ without_tombstones(ref('stg_social__posts_all')) }}
