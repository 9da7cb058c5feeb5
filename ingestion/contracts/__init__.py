"""What one row of each stream must be, one module per domain; contracts know business and no protocol."""

from __future__ import annotations

from difflib import get_close_matches

from ingestion.contracts import (
    ads,
    crm,
    distributor,
    ecommerce,
    ecommerce_shops,
    erp,
    erp_trading,
    learnt,
    live,
    maintenance,
    mes,
    people,
    plans,
    plm,
    pos,
    retail,
    scada,
    scheduling,
    settlement,
    social,
    supplier,
    trade,
    wms,
)
from ingestion.contracts.contract import Contract
from tillmill.errors import SettingsError

_SELLING = (pos, trade, retail, ecommerce, ecommerce_shops, settlement, ads, live, distributor, erp_trading)
_PEOPLE = (crm, social, people)
_MAKING = (erp, plm, wms, mes, scada, maintenance, supplier, scheduling)
_LEARNT = (learnt, plans)
ALL: dict[str, Contract] = {
    contract.name: contract for module in (*_SELLING, *_PEOPLE, *_MAKING, *_LEARNT) for contract in module.CONTRACTS
}


def contract(stream_name: str) -> Contract:
    """The contract of `<domain>.<stream>`. Raises SettingsError naming the nearest stream there is."""
    if stream_name not in ALL:
        near = get_close_matches(stream_name, ALL, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise SettingsError(f"no stream is called {stream_name!r}{hint}")
    return ALL[stream_name]
