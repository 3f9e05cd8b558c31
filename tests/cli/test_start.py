"""What a server does before it imports the SDK."""

import io
import sys

import pytest

from support.tools import LIST, text
from support.upstream import Connect, Upstream
from vapi_sessions_mcp.cli.secrets import read_api_key
from vapi_sessions_mcp.cli.start import IN_A_TERMINAL, begin
from vapi_sessions_mcp.settings import Settings

KEY = "key-of-the-server-0123456789abcdef"


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


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("environ", "fault"),
    [
        (
            {"VAPI_API_KEY": "${input:vapi_key}"},
            "VAPI_API_KEY holds a placeholder in place of the key",
        ),
        ({"VAPI_API_KEY": f"Bearer {KEY}"}, "VAPI_API_KEY holds the word Bearer before the key"),
        ({"VAPI_TOKEN": KEY}, "VAPI_API_KEY is not set (VAPI_TOKEN is, but is not read)"),
    ],
    ids=str,
)
async def test_with_something_else_for_a_key_nothing_is_sent_and_each_call_says_why(
    connect: Connect,
    upstream: Upstream,
    caplog: pytest.LogCaptureFixture,
    environ: dict[str, str],
    fault: str,
) -> None:
    # Vapi's 401 sent people to their dashboard, where the key was good.
    read = read_api_key(environ)
    assert begin(Settings(api_key=read.value, key_fault=read.fault, transports=("http",)))
    said = [record.getMessage() for record in caplog.records]
    assert said == [f"{fault}: tools are listed, and no call can reach Vapi"]
    async with connect(api_key=read.value, key_fault=read.fault) as client:
        assert (await client.list_tools()).tools
        for _ in range(2):
            result = await client.call_tool(LIST, {})
            assert result.is_error
            assert text(result).startswith(
                f"{fault}, so nothing was sent to Vapi. Put a private key from https://dashboard"
            )
            assert KEY not in text(result)
            assert "input:vapi" not in text(result)
    assert upstream.requests == []
