{{ config(tags=['pass_a']) }}

{{ broken_staging_keys([
    'pos__stores', 'pos__sale_lines', 'pos__controls',
    'trade__promotions', 'trade__placements', 'trade__controls',
    'ecommerce__orders', 'ecommerce__order_lines', 'ecommerce__refunds', 'ecommerce__controls',
    'crm__members', 'crm__campaigns', 'crm__controls',
    'erp__items', 'erp__item_units', 'erp__production_orders', 'erp__controls',
    'plm__items', 'plm__bom',
    'wms__locations', 'wms__stock', 'wms__movements', 'wms__controls',
    'mes__work_orders', 'mes__results', 'mes__routings', 'mes__changeovers', 'mes__calendars', 'mes__controls',
    'scada__readings',
]) }}
