"""Every error a person can meet says what failed, what state is left, and the next command to type.

TillmillError
├── UsageError          wrong words at the command line, or a file of the user's that cannot be used (exit 2)
│   └── SettingsError   the workspace file or what it refers to
├── LockedError         another run holds the lock (exit 75)
├── SourceError         a source system could not be pulled; its cursor has not moved
├── ContractError       too many rows of a stream fail their contract, or a column they need is gone
├── BuildError          the candidate could not be built or failed its tests; the published version stays
└── RefusedError        an input was refused before it could do harm (bomb, traversal, write to a factory)
"""

from __future__ import annotations


class TillmillError(Exception):
    """What failed, what state is left (`state`), and what to type next (`next_command`)."""

    exit_code = 1

    def __init__(self, what: str, *, state: str = "", next_command: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.state = state
        self.next_command = next_command

    def __str__(self) -> str:
        parts = [self.what]
        if self.state:
            parts.append(self.state)
        if self.next_command:
            parts.append(f"Next: {self.next_command}")
        return "\n".join(parts)


class UsageError(TillmillError):
    """The words or the file given cannot be used: one clear sentence with file, column, row."""

    exit_code = 2


class SettingsError(UsageError):
    """The workspace file, or a file or variable it refers to, cannot be used."""


class LockedError(TillmillError):
    """Another run holds the lock; the message says which process and since when."""

    exit_code = 75


class SourceError(TillmillError):
    """A source could not be pulled; its cursor has not moved and other streams go on."""


class ContractError(TillmillError):
    """A stream's rows no longer fit their contract; nothing of this pull has landed."""


class BuildError(TillmillError):
    """The candidate failed; the last published version is still served."""


class RefusedError(TillmillError):
    """An input was refused before it was read further."""
