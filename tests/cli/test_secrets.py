"""Keys and tokens: where they are read from, what is refused, and that no message shows one."""

from pathlib import Path

import pytest

from vapi_sessions_mcp.cli.secrets import TOKENS, read_api_key, read_tokens
from vapi_sessions_mcp.settings import SettingsError

pytestmark = pytest.mark.clock

KEY = "sk-4f2a-not-to-be-shown"
TOKEN, OTHER = "token-0123456789abcdef", "other-0123456789abcdef"


def test_no_key_is_no_error() -> None:
    # Registries and inspectors start the server without one, to list its tools.
    assert read_api_key({}).value is None
    assert read_api_key({"VAPI_API_KEY": " \n", "VAPI_API_KEY_FILE": ""}).value is None


def test_a_key_from_the_environment_loses_the_space_around_it() -> None:
    # Copied keys come with a newline, which no header may hold.
    assert read_api_key({"VAPI_API_KEY": f" {KEY}\r\n"}) == (KEY, "")


def test_a_key_from_a_file_loses_the_space_around_it(tmp_path: Path) -> None:
    # Container secrets are files, and editors end them with a newline.
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n", encoding="utf-8")
    assert read_api_key({"VAPI_API_KEY_FILE": str(file)}) == (KEY, "")
    assert read_api_key({"VAPI_API_KEY_FILE": str(file), "VAPI_API_KEY": " "}) == (KEY, "")


def test_two_sources_of_the_key_are_refused(tmp_path: Path) -> None:
    # Whichever won, somebody would wonder for an hour why their key is not used.
    with pytest.raises(SettingsError, match="both set: unset one") as error:
        read_api_key({"VAPI_API_KEY": KEY, "VAPI_API_KEY_FILE": str(tmp_path / "key")})
    assert KEY not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: put the API key in it"),
        (b" \n", "is empty: put the API key in it"),
        (b"\xff\xfe\x00", "cannot be read: no text in UTF-8 or UTF-16"),
        (b"\xff\xff", "cannot be read: no text in UTF-8 or UTF-16"),
        (f"{KEY}\n{KEY}".encode(), "holds something other than one API key"),
        (f"{KEY} {KEY}".encode(), "holds something other than one API key"),
        (f"{KEY}é".encode(), "holds something other than one API key"),
        (f"{KEY}\x00".encode(), "holds something other than one API key"),
    ],
    ids=["empty", "blank", "binary", "no UTF-8", "two lines", "two words", "accent", "NUL"],
)
def test_a_key_file_that_holds_no_key_is_refused_by_name(
    tmp_path: Path, content: bytes, message: str
) -> None:
    # A wrong mount is the usual mistake: the path helps, and the content must stay unseen.
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=message) as error:
        read_api_key({"VAPI_API_KEY_FILE": str(file)})
    assert str(file) in str(error.value)
    assert KEY not in str(error.value)


def test_a_key_file_that_cannot_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    # "No such file" and "Is a directory" need different cures.
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        read_api_key({"VAPI_API_KEY_FILE": str(tmp_path / "none")})
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        read_api_key({"VAPI_API_KEY_FILE": str(tmp_path)})


def test_a_key_that_no_header_can_hold_is_refused_without_showing_it() -> None:
    # It would fail at the first call, with the key in the message.
    with pytest.raises(SettingsError, match="VAPI_API_KEY holds something other") as error:
        read_api_key({"VAPI_API_KEY": f"{KEY}\x1b[0m"})
    assert KEY not in str(error.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("${VAPI_API_KEY}", "holds a placeholder in place of the key"),
        ("${input:vapi-key}", "holds a placeholder in place of the key"),
        ("${user_config.api_key}", "holds a placeholder in place of the key"),
        ("$VAPI_API_KEY", "holds a placeholder in place of the key"),
        ("$env:VAPI_API_KEY", "holds a placeholder in place of the key"),
        ("%VAPI_API_KEY%", "holds a placeholder in place of the key"),
        ("{{ vapi_key }}", "holds a placeholder in place of the key"),
        ("<your key>", "holds a placeholder in place of the key"),
        ("...", "holds a placeholder in place of the key"),
        ("\u2026", "holds a placeholder in place of the key"),
        ("***", "holds a placeholder in place of the key"),
        ("your-private-key-from-dashboard.vapi.ai", "holds a placeholder in place of the key"),
        ("YOUR_API_KEY", "holds a placeholder in place of the key"),
        ("op://vault/vapi/key", "holds the address of a secret in place of the key"),
        ("https://dashboard.vapi.ai/org/api-keys", "holds the address of a secret in place of the"),
        (f'"{KEY}"', "holds the key in quotation marks"),
        (f"'{KEY}'", "holds the key in quotation marks"),
        (f"\u201c{KEY}\u201d", "holds the key in quotation marks"),
        (f"Bearer {KEY}", "holds the word Bearer before the key"),
        (f"bearer\t{KEY}", "holds the word Bearer before the key"),
        (f"VAPI_API_KEY={KEY}", "holds a name before the key"),
        (f"export VAPI_API_KEY={KEY}", "holds a name before the key"),
        (f"X-Vapi-Api-Key: {KEY}", "holds a name before the key"),
    ],
)
def test_what_is_in_the_place_of_a_key_is_seen_for_what_it_is(
    tmp_path: Path, text: str, fault: str
) -> None:
    # Sent to Vapi it is a 401, which sends people to look for another key.
    found = read_api_key({"VAPI_API_KEY": f" {text}\n"})
    assert found.value is None
    assert found.fault.startswith(f"VAPI_API_KEY {fault}")
    file = tmp_path / "key"
    file.write_text(text, encoding="utf-8")
    of_file = read_api_key({"VAPI_API_KEY_FILE": str(file)})
    assert of_file.value is None
    assert of_file.fault.startswith(f"the file that VAPI_API_KEY_FILE names {fault}")
    assert text not in (found.fault + of_file.fault).replace("VAPI_API_KEY", "")


@pytest.mark.parametrize(
    "key",
    [
        "5b8e0c9a-3f0d-4f7e-9a3b-0c1d2e3f4a5b",
        "sk-1_2.3~4+5/6=",
        "key-0123456789abcdef",
        "made-up",
        "yours",
        "bearer-0123",
        "a$b",
        "x",
        "sandbox-key",
    ],
)
def test_a_key_is_a_key_whatever_it_reminds_of(key: str) -> None:
    # Keys are opaque: one that is taken for a placeholder could never be used.
    assert read_api_key({"VAPI_API_KEY": key}) == (key, "")


@pytest.mark.parametrize("name", ["VAPI_TOKEN", "VAPI_PRIVATE_KEY"])
def test_a_key_under_another_name_is_hinted_at_and_not_used(name: str) -> None:
    # Vapi's own MCP server reads VAPI_TOKEN; whoever comes from there sets that.
    assert read_api_key({name: KEY}) == (
        None,
        f"VAPI_API_KEY is not set ({name} is, but is not read)",
    )
    assert read_api_key({name: OTHER, "VAPI_API_KEY": KEY}) == (KEY, "")
    assert read_api_key({name: ""}).fault == "VAPI_API_KEY is not set"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        (TOKEN, (TOKEN,)),
        (f" {TOKEN} \n", (TOKEN,)),
        (f"{TOKEN},{OTHER}", (TOKEN, OTHER)),
        (f"{TOKEN} {OTHER}", (TOKEN, OTHER)),
        (f"{TOKEN}\r\n{OTHER}\n", (TOKEN, OTHER)),
        (f",{TOKEN},, {OTHER} ,\n,", (TOKEN, OTHER)),
        ("0123456789abcdef", ("0123456789abcdef",)),
    ],
)
def test_tokens_are_listed_by_commas_spaces_or_lines(
    tmp_path: Path, text: str, tokens: tuple[str, ...]
) -> None:
    # The environment holds one line, a mounted secret is a file with one token a line.
    assert read_tokens({TOKENS: text}, TOKENS) == tokens
    file = tmp_path / "tokens"
    file.write_text(text, encoding="utf-8", newline="")
    assert read_tokens({f"{TOKENS}_FILE": str(file)}, TOKENS) == tokens


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_written_on_windows_is_read(tmp_path: Path, encoding: str) -> None:
    # Notepad and PowerShell begin a file with a mark, which became a part of the key.
    file = tmp_path / "secret"
    file.write_text(f"{KEY}\r\n", encoding=encoding, newline="")
    assert read_api_key({"VAPI_API_KEY_FILE": str(file)}) == (KEY, "")
    file.write_text(f"{TOKEN}\r\n{OTHER}\r\n", encoding=encoding, newline="")
    assert read_tokens({f"{TOKENS}_FILE": str(file)}, TOKENS) == (TOKEN, OTHER)
    big = tmp_path / "big"
    big.write_bytes(b"\xfe\xff" + KEY.encode("utf-16-be"))
    assert read_api_key({"VAPI_API_KEY_FILE": str(big)}) == (KEY, "")


def test_a_file_of_tokens_has_comments(tmp_path: Path) -> None:
    # Who has which token is what its owner has to know at the next rotation.
    file = tmp_path / "tokens"
    with_hash = "token#0123456789abcdef"
    file.write_text(f"# the agents\n{TOKEN} # Ana, until May\n\n#{KEY}\n{with_hash}\n")
    assert read_tokens({f"{TOKENS}_FILE": str(file)}, TOKENS) == (TOKEN, with_hash)
    file.write_text("# none yet\n")
    with pytest.raises(SettingsError, match="is set but holds no token"):
        read_tokens({f"{TOKENS}_FILE": str(file)}, TOKENS)


def test_no_tokens_are_no_error() -> None:
    # Most servers ask for none, and one list does without the other.
    assert read_tokens({}, TOKENS) == ()
    assert read_tokens({"VAPI_MCP_READ_TOKENS": TOKEN}, TOKENS) == ()


@pytest.mark.parametrize("text", ["", " ", ",", "\n, \n"])
def test_a_list_of_tokens_without_one_is_refused(tmp_path: Path, text: str) -> None:
    # Whoever sets it believes that callers are asked; an unset variable in a script is no consent.
    with pytest.raises(SettingsError, match="VAPI_MCP_TOKENS is set but holds no token"):
        read_tokens({TOKENS: text}, TOKENS)
    file = tmp_path / "tokens"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match="is set but holds no token") as error:
        read_tokens({f"{TOKENS}_FILE": str(file)}, TOKENS)
    assert str(file) in str(error.value)
    with pytest.raises(SettingsError, match="is set but holds no token"):
        read_tokens({f"{TOKENS}_FILE": ""}, TOKENS)


@pytest.mark.parametrize(
    "token",
    [
        "0123456789abcde",
        "token 0123456789abcdef",
        "token\t0123456789abcdef",
        "t\u00f6ken-0123456789abcdef",
        "token-0123456789\x00abcdef",
        "token-0123456789\x1b[0m",
    ],
)
def test_a_token_that_can_be_guessed_or_never_sent_is_refused_without_showing_it(
    token: str,
) -> None:
    # One of a few letters is found in minutes; one that no header holds would lock everybody out.
    with pytest.raises(SettingsError, match="VAPI_MCP_TOKENS holds a token that is too") as error:
        read_tokens({TOKENS: f"{TOKEN},{token}"}, TOKENS)
    assert token not in str(error.value)
    assert TOKEN not in str(error.value)


def test_two_sources_of_tokens_are_refused(tmp_path: Path) -> None:
    # After a rotation in one of them the old token would live on in the other.
    with pytest.raises(SettingsError, match="VAPI_MCP_TOKENS and VAPI_MCP_TOKENS_FILE are both"):
        read_tokens({TOKENS: TOKEN, f"{TOKENS}_FILE": str(tmp_path / "tokens")}, TOKENS)


def test_a_file_of_tokens_that_cannot_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    # Without the tokens the server would have to let in everybody or nobody.
    with pytest.raises(SettingsError, match=r"VAPI_MCP_TOKENS_FILE .* cannot be read: No such"):
        read_tokens({f"{TOKENS}_FILE": str(tmp_path / "none")}, TOKENS)
