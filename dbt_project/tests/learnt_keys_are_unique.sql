{{ config(tags=['pass_b']) }}

{{ broken_staging_keys(['customers__links', 'customers__identities']) }}
