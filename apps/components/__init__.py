"""Parts that pages share: title row, filters, figures, charts, tables."""
