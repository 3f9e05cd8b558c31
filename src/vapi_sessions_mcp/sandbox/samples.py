"""x."""

from typing import Any

ORG_ID = "0d2f6c1e-6a53-4b1c-9f0e-52d3a7c41b90"


def sample_sessions() -> list[dict[str, Any]]:
    """x."""
    return [
        {
            "id": str(i),
            "orgId": ORG_ID,
            "createdAt": "2026-11-20T09:15:30.123Z",
            "updatedAt": "2026-11-20T09:15:30.123Z",
            "cost": 0,
            "messages": [],
        }
        for i in range(60)
    ]
