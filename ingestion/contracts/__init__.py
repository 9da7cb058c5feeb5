"""What one row of each stream must be, one module per domain; contracts know business and no protocol."""

from __future__ import annotations

from difflib import get_close_matches

from ingestion.contracts import crm, ecommerce, erp, learnt, mes, plm, pos, scada, trade, wms
from ingestion.contracts.contract import Contract
from tillmill.errors import SettingsError

ALL: dict[str, Contract] = {
    contract.name: contract
    for module in (pos, trade, ecommerce, crm, erp, plm, wms, mes, scada, learnt)
    for contract in module.CONTRACTS
}


def contract(stream_name: str) -> Contract:
    """The contract of `<domain>.<stream>`. Raises SettingsError naming the nearest stream there is."""
    if stream_name not in ALL:
        near = get_close_matches(stream_name, ALL, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise SettingsError(f"no stream is called {stream_name!r}{hint}")
    return ALL[stream_name]
