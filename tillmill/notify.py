"""Tells somebody how a run ended: one JSON object to a web hook of the workspace's choice."""

from __future__ import annotations

import httpx

from tillmill.workspace import Workspace

PATIENCE_SECONDS = 10


def run_ended(workspace: Workspace, outcome: dict[str, object]) -> str:
    """Posts `outcome` to `[notify] webhook`; says what went wrong, '' when it arrived or nobody asked to be told.

    A run never fails because nobody could be told of it.
    """
    reference = workspace.settings.notify.webhook
    if not reference:
        return ""
    try:
        answer = httpx.post(workspace.resolve(reference), json=outcome, timeout=PATIENCE_SECONDS)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        # The address may hold a secret, so it is not said.
        return f"[notify] webhook: {type(error).__name__}"
    return ""
