"""Files of hosts as they are read and written: at once or not at all, and never over something."""

import os
import resource
from pathlib import Path

import pytest

from vapi_sessions_mcp.cli.install.files import Unusable, check_writable, read, write


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "mcp.json"
    file.write_text("{}")
    return file


def test_what_was_there_is_kept_beside_it(file: Path) -> None:
    # The way back, whatever happens; no copy takes the place of an older one.
    file.chmod(0o600)
    for number, name in enumerate(["mcp.json.bak", "mcp.json.bak1", "mcp.json.bak2"]):
        assert write(read(file), f"[{number}]") == file.with_name(name)
    copies = [file.with_name(f"mcp.json.bak{n}").read_text() for n in ("", "1", "2")]
    assert (*copies, file.read_text()) == ("{}", "[0]", "[1]", "[2]")
    # It may hold keys: nobody may read more of it than before.
    assert {path.stat().st_mode & 0o777 for path in file.parent.iterdir()} == {0o600}


def test_a_file_that_is_not_there_is_made_with_its_folders(tmp_path: Path) -> None:
    # A host that was never started has none yet.
    file = tmp_path / "a" / "b" / "mcp.json"
    assert write(read(file), "{}") is None
    assert file.read_text() == "{}"
    assert file.stat().st_mode & 0o077 == 0
    assert [path.name for path in file.parent.iterdir()] == ["mcp.json"]


def test_a_link_stays_one(file: Path, tmp_path: Path) -> None:
    # People keep their settings in a repository and link to them.
    link = tmp_path / "home" / "linked.json"
    link.parent.mkdir()
    link.symlink_to(Path("..") / "mcp.json")
    assert write(read(link), "[]") == file.with_name("mcp.json.bak")
    assert link.is_symlink()
    assert file.read_text() == "[]"
    dangling = tmp_path / "dangling.json"
    dangling.symlink_to(tmp_path / "new.json")
    assert write(read(dangling), "[]") is None
    assert (tmp_path / "new.json").read_text() == "[]"


def test_a_read_only_file_is_left_alone(file: Path) -> None:
    # A rename would replace it all the same.
    check_writable(read(file))
    check_writable(read(file.with_name("none.json")))
    file.chmod(0o400)
    with pytest.raises(Unusable, match=r"mcp\.json is read-only: nothing was changed\.$"):
        check_writable(read(file))


def test_a_file_that_changed_meanwhile_is_left_alone(file: Path) -> None:
    # Hosts write theirs while a person reads the question.
    found = read(file)
    file.write_text('{"new": 1}')
    with pytest.raises(Unusable, match="was changed meanwhile: nothing was written, try again"):
        write(found, "[]")
    assert file.read_text() == '{"new": 1}'
    file.unlink()
    with pytest.raises(Unusable, match="was changed meanwhile"):
        write(found, "[]")
    assert [*file.parent.iterdir()] == []


def test_what_cannot_be_read_or_written_is_one_sentence(file: Path) -> None:
    # Nobody can mend a stack trace.
    with pytest.raises(Unusable, match=r"^Cannot read .+: Is a directory\.$"):
        read(file.parent)
    with pytest.raises(Unusable, match=r"^Cannot read .+: Not a directory\.$"):
        read(file / "mcp.json")
    loop = file.with_name("loop.json")
    loop.symlink_to(loop)
    with pytest.raises(Unusable, match=r"^Cannot read .+: Too many levels of symbolic links\.$"):
        read(loop)
    # The folder that is to hold it is a file.
    dangling = file.with_name("dangling.json")
    dangling.symlink_to(file / "sub" / "mcp.json")
    with pytest.raises(Unusable, match="Not a directory"):
        write(read(dangling), "[]")


def test_a_write_that_fails_leaves_nothing_behind(file: Path) -> None:
    # Half a file is worse than none.
    with pytest.raises(UnicodeEncodeError):
        write(read(file), "\ud800")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limit[1]))
    try:
        with pytest.raises(Unusable, match=r"^Cannot write .+: File too large"):
            write(read(file), "x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    big = file.with_name(f"{'x' * 250}")
    with pytest.raises(Unusable, match="File name too long"):
        write(read(big), "[]")
    assert sorted(path.name for path in file.parent.iterdir()) == [
        "mcp.json",
        "mcp.json.bak",
        "mcp.json.bak1",
    ]
    assert file.read_text() == "{}"


def test_bytes_are_kept_as_windows_wrote_them(file: Path) -> None:
    # Notepad writes a byte order mark, and every line would differ without CRLF.
    file.write_bytes(b"\xef\xbb\xbf{\r\n}\r\n")
    found = read(file)
    assert found.text == "{\n}\n"
    write(found, "{\n1\n}\n")
    assert file.read_bytes() == b"\xef\xbb\xbf{\r\n1\r\n}\r\n"
    mixed = b"{\r\n\n}"
    file.write_bytes(mixed)
    assert read(file).encoded(read(file).text) == mixed


def test_a_file_in_another_encoding_is_left_alone(file: Path) -> None:
    # Read as something else it would be written as something else.
    file.write_bytes("{}".encode("utf-16"))
    with pytest.raises(Unusable, match=r"is not UTF-8: nothing was changed\.$"):
        _ = read(file).text


def test_the_name_of_a_copy_is_free_even_where_a_link_leads_nowhere(file: Path) -> None:
    # To write through it would put the copy anywhere.
    file.with_name("mcp.json.bak").symlink_to(file.with_name("elsewhere"))
    assert write(read(file), "[]") == file.with_name("mcp.json.bak1")
    assert not os.path.exists(file.with_name("elsewhere"))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    # Nobody writes into it.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(Unusable, match="is a pipe: nothing was changed"):
        read(pipe)
