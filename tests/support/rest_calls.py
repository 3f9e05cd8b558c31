"""What REST answers when it refuses."""

import httpx2


def refused(answer: httpx2.Response, status: int) -> str | list[str]:
    """The message of an answer that has Vapi's error shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()
    assert error.keys() == {"message", "error", "statusCode"}
    assert error["statusCode"] == status
    assert isinstance(error["error"], str)
    return error["message"]
