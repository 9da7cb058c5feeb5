"""The colours of both modes; charts and tables take them from here, the rest from `.streamlit/config.toml`."""

from __future__ import annotations

from dataclasses import dataclass

CATEGORICAL = ("#2456D6", "#12A594", "#F29B1D", "#8E4EC6", "#E5484D", "#5B6B82", "#3DB9CF", "#A18072")


@dataclass(frozen=True)
class Colours:
    """One mode's colours by their use."""

    accent: str
    accent_soft: str
    grey: str
    grey_soft: str
    text: str
    quiet: str
    grid: str
    card: str
    hover: str
    good: str
    bad: str
    warn: str
    series: tuple[str, ...]


LIGHT = Colours(
    accent="#2456D6",
    accent_soft="#C9D6F6",
    grey="#8A97A8",
    grey_soft="#D5DBE3",
    text="#1B2430",
    quiet="#5B6B82",
    grid="#EDF0F4",
    card="#FFFFFF",
    hover="#F6F8FC",
    good="#14804A",
    bad="#C62A3F",
    warn="#A85A00",
    series=CATEGORICAL,
)
DARK = Colours(
    accent="#6E97EE",
    accent_soft="#2B4277",
    grey="#7D8B9E",
    grey_soft="#3A4656",
    text="#E6EAF0",
    quiet="#9AA8BA",
    grid="#222C38",
    card="#171E27",
    hover="#1C2530",
    good="#4CC38A",
    bad="#FF7A85",
    warn="#F5B451",
    series=("#6E97EE", "#2BC4B2", "#F5B451", "#B07CE0", "#FF7A85", "#8A9BB3", "#5CCBE0", "#BFA294"),
)


def colours(mode: str | None) -> Colours:
    """The colours of 'dark', else of light."""
    return DARK if mode == "dark" else LIGHT
