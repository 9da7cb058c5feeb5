{{ config(tags=['pass_c']) }}

{{ broken_staging_keys([
    'customers__segments', 'customers__links', 'customers__identities', 'customers__models', 'customers__exports',
    'customers__profiles',
    'social__sentiment',
    'forecasting__overrides',
]) }}
