"""What is read of a request that was refused over HTTP, of MCP and of REST."""

import httpx2


def refused(answer: httpx2.Response, status: int) -> str | list[str]:
    """The message of a refusal: at `/mcp` a JSON-RPC error without an id, else as Vapi's are."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    if answer.request.url.path != "/mcp":
        assert body.keys() == {"message", "error", "statusCode"}
        assert body["statusCode"] == status
        assert isinstance(body["error"], str)
        return body["message"]
    assert body.keys() == {"jsonrpc", "id", "error"}
    assert (body["jsonrpc"], body["id"]) == ("2.0", None)
    error = body["error"]
    assert error["code"] == (-32603 if status >= 500 or status == 424 else -32600)
    assert error["data"] == {"statusCode": status}
    assert isinstance(error["message"], str)
    return error["message"]
