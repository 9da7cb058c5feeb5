"""Components equal networkx's on any graph, and a forbidden pair never meets."""

from __future__ import annotations

import networkx as nx
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.components import components_apart, connected_components

SCHEMA = {"left": pl.String, "right": pl.String, "weight": pl.Float64}


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], pl.DataFrame, list[tuple[str, str]]]:
    nodes = [f"r{number:02d}" for number in range(draw(st.integers(1, 24)))]
    ends = st.tuples(st.sampled_from(nodes), st.sampled_from(nodes))
    edges = draw(st.lists(st.tuples(ends, st.sampled_from([0.5, 0.9, 1.0])), max_size=40))
    apart = [pair for pair in draw(st.lists(ends, max_size=6)) if pair[0] != pair[1]]
    rows = [(left, right, weight) for (left, right), weight in edges]
    return nodes, pl.DataFrame(rows, schema=SCHEMA, orient="row"), apart


def expected(nodes: list[str], edges: pl.DataFrame) -> dict[str, str]:
    graph = nx.Graph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from(edges.select("left", "right").iter_rows())
    return {node: min(group) for group in nx.connected_components(graph) for node in group}


def as_dict(found: pl.DataFrame) -> dict[str, str]:
    return dict(found.select("node", "component").iter_rows())


@given(graphs())
@settings(max_examples=150, deadline=None)
def test_components_are_networkx_components(graph: tuple[list[str], pl.DataFrame, list[tuple[str, str]]]) -> None:
    nodes, edges, _ = graph
    assert as_dict(connected_components(pl.Series(nodes), edges)) == expected(nodes, edges)


@given(graphs(), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_forbidden_pairs_stay_apart_and_nothing_else_is_torn(graph, random) -> None:
    nodes, edges, apart = graph
    never = pl.DataFrame(apart, schema={"left": pl.String, "right": pl.String}, orient="row")
    found = as_dict(components_apart(pl.Series(nodes), edges, never))
    assert all(found[left] != found[right] for left, right in apart)

    whole = expected(nodes, edges)
    broken = {whole[left] for left, right in apart if whole[left] == whole[right]}
    assert all(found[node] == whole[node] for node in nodes if whole[node] not in broken)
    # Nothing is joined that no edge joins, and an edge is passed over only where a forbidden pair asks for it.
    kept = edges.filter(
        pl.struct("left", "right").map_elements(lambda pair: found[pair["left"]] == found[pair["right"]], pl.Boolean)
    )
    assert expected(nodes, kept) == found
    for left, right, _weight in edges.iter_rows():
        if found[left] != found[right]:
            joined = {found[left], found[right]}
            assert any({found[one], found[two]} == joined for one, two in apart)

    shuffled = list(nodes)
    random.shuffle(shuffled)
    turned = edges.sample(fraction=1, shuffle=True, seed=7).rename({"left": "right", "right": "left"})
    assert as_dict(components_apart(pl.Series(shuffled), turned.select("left", "right", "weight"), never)) == found


def test_long_chain_takes_logarithmic_rounds() -> None:
    """A path is the worst case of plain label propagation: 20,000 rounds there, some thirty here."""
    nodes = [f"r{number:06d}" for number in range(20_000)]
    edges = pl.DataFrame({"left": nodes[:-1], "right": nodes[1:]})
    assert connected_components(pl.Series(nodes), edges)["component"].unique().to_list() == ["r000000"]
