"""The samples as Vapi answers them, laid out before a given moment."""

from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

from vapi_sessions_mcp.sandbox.clock import timestamp
from vapi_sessions_mcp.sandbox.samples.calls import CALLS
from vapi_sessions_mcp.sandbox.samples.cases import CASES, Case
from vapi_sessions_mcp.sandbox.samples.chats import CHATS
from vapi_sessions_mcp.sandbox.samples.messages import (
    call_messages,
    chat_messages,
    fill,
    read_script,
)
from vapi_sessions_mcp.sandbox.samples.people import (
    ASSISTANTS,
    CLINIC_LINE,
    CUSTOMERS,
    NIGHT_LINE,
    ORG_ID,
    PANTRY_LINE,
    PETS,
    SQUADS,
    stable_id,
)
from vapi_sessions_mcp.sandbox.samples.shelter import shelter_script

SCRIPTS = CALLS | CHATS | {"shelter": ("Second Chance: thirteen new animals", shelter_script())}
LINES = {"delivery": PANTRY_LINE, "night": NIGHT_LINE}
MODEL = {"provider": "openai", "model": "gpt-4.1-mini"}

_OLDEST_FIRST = sorted(CASES, key=lambda case: case.ago, reverse=True)


def sample_sessions(now: datetime) -> list[dict[str, Any]]:
    """Return the samples as they are at `now`, oldest first; the caller may change what it gets."""
    return [deepcopy(sample) for sample in samples_to_read(now)]


def samples_to_read(now: datetime) -> list[dict[str, Any]]:
    """Return the same for a caller that changes nothing: they share parts, which costs less."""
    whole = now.replace(microsecond=now.microsecond // 1000 * 1000)  # Vapi counts milliseconds
    return [_session(case, whole - case.ago) for case in _OLDEST_FIRST]


def _session(case: Case, start: datetime) -> dict[str, Any]:
    title, script = SCRIPTS[case.script]
    details = _details(case)
    turns = read_script(fill(script, details))
    system = ASSISTANTS[case.role][1]
    if case.chat:
        messages = chat_messages(turns)
        end = start + timedelta(seconds=41 * len(messages))
    else:
        messages = call_messages(turns, system=system, start=start)
        last = messages[-1]
        end = start + timedelta(
            milliseconds=last.get("endTime", last["time"]) - messages[0]["time"]
        )
    costs = _costs(case, messages, seconds=(end - start).total_seconds())
    return {
        "id": case.id,
        "orgId": ORG_ID,
        "createdAt": timestamp(start),
        "updatedAt": timestamp(end),
        "name": fill(title, details),
        "status": "active" if case.active else "completed",
        "expirationSeconds": 604_800 if case.chat else 86_400,
        "cost": round(sum(cost["cost"] for cost in costs), 4),
        "costs": costs,
        **_assistant(case),
        "messages": messages,
        **_customer(case),
        **_line(case),
        **_artifact(case),
        **case.extra,
    }


def _details(case: Case) -> dict[str, Any]:
    if case.who is None:
        return case.details
    return CUSTOMERS[case.who] | PETS[case.who] | case.details


def _assistant(case: Case) -> dict[str, Any]:
    """Return who answers: a squad, an assistant written out in full, or an assistant's id."""
    name, system = ASSISTANTS[case.role]
    overrides = {"assistantOverrides": {"variableValues": case.variables}} if case.variables else {}
    if case.squad:
        members = [{"assistantId": _assistant_id(role)} for role in SQUADS[case.squad]]
        squad = {"name": case.squad, "members": members}
        return {"squadId": stable_id(f"squad/{case.squad}")} | (
            {"squad": squad} if case.active else {}
        )
    if case.inline:
        model = MODEL | {"messages": [{"role": "system", "content": system}]}
        assistant = {"name": name, "firstMessage": f"Hello, this is {name}.", "model": model}
        return {"assistant": assistant} | overrides
    return {"assistantId": _assistant_id(case.role)} | overrides


def _assistant_id(role: str) -> str:
    return stable_id(f"assistant/{role}")


def _customer(case: Case) -> dict[str, Any]:
    if case.who is None:
        return {}
    return {"customerId": stable_id(f"customer/{case.who}"), "customer": dict(CUSTOMERS[case.who])}


def _line(case: Case) -> dict[str, Any]:
    """Return the telephone line of a call; the credentials on it are invented, and look it."""
    if case.twilio:
        return {
            "phoneNumber": {
                "twilioPhoneNumber": "+14155550100",
                "twilioAccountSid": f"AC-sample-{case.twilio}",
                "twilioAuthToken": f"sample-auth-token-{case.twilio}",
                "twilioApiKey": f"SK-sample-{case.twilio}",
                "twilioApiSecret": f"sample-api-secret-{case.twilio}",
                "name": f"Juniper {case.twilio}",
            }
        }
    return {} if case.chat else {"phoneNumberId": LINES.get(case.role, CLINIC_LINE)}


def _artifact(case: Case) -> dict[str, Any]:
    if not case.outputs:
        return {}
    output = {"name": "Outcome", "result": case.outputs}
    return {"artifact": {"structuredOutputs": {stable_id("structured output/outcome"): output}}}


def _costs(case: Case, messages: list[dict[str, Any]], *, seconds: float) -> list[dict[str, Any]]:
    """Return what the session cost, from how much was said and how long it took."""
    if not messages:
        return []
    sizes = [len(message.get("message") or message.get("content") or "") for message in messages]
    prompt, completion = sum(sizes) * len(messages) // 8 + 180, sum(sizes) // 7
    tokens = {"promptTokens": prompt, "completionTokens": completion}
    price = round(prompt * 0.4e-6 + completion * 1.6e-6, 6)
    costs: list[dict[str, Any]] = [{"type": "model", "model": MODEL, **tokens, "cost": price}]
    if case.outputs:
        kind = {"type": "analysis", "analysisType": "structuredOutput", "model": MODEL}
        costs.append(kind | tokens | {"cost": round(price / 5, 6)})
    talk = 0.005 if case.chat else round(seconds / 60 * 0.05, 4)
    return [*costs, {"type": "session", "cost": talk}]
