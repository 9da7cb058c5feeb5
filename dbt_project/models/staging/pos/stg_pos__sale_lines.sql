{{ without_tombstones(ref('stg_pos__sale_lines_all')) }}
