"""The Agent Skill over HTTP."""

import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vapi_sessions_mcp.skill import Skill, load_skill


def skill_routes() -> "list[Route]":
    """GET /skills, /skills/{name}, /skills/{name}/contents/{file} and /skills/{name}/download."""
    # 60 ms that the command line does without.
    from starlette.responses import Response
    from starlette.routing import Route

    pages = _pages(load_skill())

    async def page(request: "Request") -> "Response":
        path = request.path_params.get("path", "")
        if path in pages:
            content, headers = pages[path]
            return Response(content, headers=headers)
        message = f"No skill or file {path!r:.100}: GET /skills lists them."
        error = {"message": message, "error": "Not Found", "statusCode": 404}
        return Response(json.dumps(error), 404, media_type="application/json")

    return [Route("/skills", page), Route("/skills/{path:path}", page)]


def _pages(packaged: Skill) -> dict[str, tuple[bytes, dict[str, str]]]:
    """All there is below /skills: body and headers by path, so that no path can lead outside."""
    name, is_json = packaged.name, {"Content-Type": "application/json"}
    about = {"name": name, "description": packaged.description}
    download = {
        "Content-Type": "application/zip",
        "Content-Disposition": f'attachment; filename="{name}.zip"',
    }
    text = {"Content-Type": "text/markdown; charset=utf-8"}
    return {
        "": (_json([about]), is_json),
        name: (_json({**about, "files": list(packaged.files)}), is_json),
        f"{name}/download": (packaged.archive(), download),
        **{f"{name}/contents/{path}": (body, text) for path, body in packaged.files.items()},
    }


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
