"""The portal's entrance: which pages there are, in the reader's language, each at its own address."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

# Served from a clone without an installed package, the rooms lie beside this folder.
if str(Path(__file__).resolve().parent.parent) not in sys.path:
    sys.path.append(str(Path(__file__).resolve().parent.parent))

from apps.components import filters, frame
from apps.marketing import channels, customer_360, customers, overview, promotions, segments, voice
from apps.operations import data_health, decisions, demand, factory, production, stock, traceability

HERE = Path(__file__).parent
PAGES = {
    "nav.marketing": (
        ("overview", overview.page, ":material/monitoring:"),
        ("channels", channels.page, ":material/storefront:"),
        ("customers", customers.page, ":material/group:"),
        ("customer_360", customer_360.page, ":material/person_search:"),
        ("segments", segments.page, ":material/groups:"),
        ("promotions", promotions.page, ":material/sell:"),
        ("voice", voice.page, ":material/forum:"),
    ),
    "nav.operations": (
        ("demand", demand.page, ":material/timeline:"),
        ("stock", stock.page, ":material/inventory_2:"),
        ("production", production.page, ":material/calendar_month:"),
        ("factory", factory.page, ":material/factory:"),
        ("traceability", traceability.page, ":material/conversion_path:"),
        ("decisions", decisions.page, ":material/balance:"),
        ("data_health", data_health.page, ":material/health_and_safety:"),
    ),
}


def main() -> None:
    """Draws the navigation and the page that the address names."""
    filters.carry_language()
    words = frame.chosen_words()
    st.set_page_config(page_title=words("nav.product"), page_icon=str(HERE / "static" / "favicon.png"), layout="wide")
    st.logo(str(HERE / "static" / "logo.svg"), size="large", icon_image=str(HERE / "static" / "favicon.png"))
    pages = {
        words(section): [
            st.Page(
                page, title=words(f"nav.{name}"), icon=icon, url_path=name.replace("_", "-"), default=name == "overview"
            )
            for name, page, icon in entries
        ]
        for section, entries in PAGES.items()
    }
    chosen = st.navigation(pages, expanded=True)
    filters.carry_over(chosen.url_path)
    chosen.run()


main()
