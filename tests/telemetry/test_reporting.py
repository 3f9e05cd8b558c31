"""What cannot be reported is said before anything is served."""

from socket import create_server

from support.command import Run, refused


def test_what_is_turned_off_cannot_be_served(run: Run) -> None:
    # A page that is empty looks like a server that nobody calls.
    with create_server(("127.0.0.1", 0)) as taken:  # where a server that starts ends as well
        port = str(taken.getsockname()[1])
        http = ("--transport", "http", "--port", port)
        ended = run(*http, "--metrics", "0", OTEL_SDK_DISABLED="true")
    assert refused(ended) == (
        "OTEL_SDK_DISABLED turns off what --metrics would serve: leave one of them out."
    )
