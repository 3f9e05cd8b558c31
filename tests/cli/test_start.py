"""What a server does before it imports the SDK."""

import io
import sys

import pytest

from vapi_sessions_mcp.cli.start import IN_A_TERMINAL, begin
from vapi_sessions_mcp.settings import Settings


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_whoever_starts_it_in_a_terminal_learns_whom_it_waits_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # It looks as if it hung.
    monkeypatch.setattr(sys, "stdin", _Terminal())
    assert begin(Settings(sandbox=True, no_prelude=True))
    assert capsys.readouterr().err == f"vapi-sessions-mcp: {IN_A_TERMINAL}\n"
