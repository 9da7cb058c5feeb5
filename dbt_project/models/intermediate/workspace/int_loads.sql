-- One row per load of the manifest: what the first pass of this candidate reads.
select * from {{ manifest_loads() }}
