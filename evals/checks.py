"""What came of a task, held against what should have: each fault in one sentence."""

import re
import unicodedata
from collections.abc import Iterator

from evals.conversation import Outcome
from evals.dialects import Result
from evals.tasks import Changed, Created, Json, Said, Task
from evals.world import World
from vapi_sessions_mcp.contract.operations import OPERATIONS

BYTES_PER_TOKEN = 4
# Each tool by either of its names, as hosts and models may use both.
SHORT = {name: row.short_name for row in OPERATIONS for name in row.names}
READING = {row.short_name for row in OPERATIONS if row.read_only}


def faults(task: Task, outcome: Outcome, world: World, after: dict[str, Json]) -> list[str]:
    """Why the task failed, or nothing; `after` is what is in the sandbox now."""
    return [
        *_of_answer(task, outcome.answer),
        *_of_calls(task, outcome.results),
        *_of_sandbox(task, world, after),
    ]


def _of_answer(task: Task, answer: str) -> Iterator[str]:
    if not answer:
        yield "it gave no final answer"
        return
    for said in task.says:
        texts = [said] if isinstance(said, str) else said
        if not any(_says(answer, text) for text in texts):
            yield f"the answer does not say {_one_of(said)}"
    for text in task.never_says:
        if _says(answer, text):
            yield f"the answer says {text!r}"


def _of_calls(task: Task, results: list[Result]) -> Iterator[str]:
    tools = [SHORT.get(result.call.tool, result.call.tool) for result in results]
    for tool in task.never_called:
        if tool in tools:
            yield f"it called {tool}"
    size = sum(len(result.text.encode()) for result in results) // BYTES_PER_TOKEN
    if task.read is not None and size > task.read:
        yield f"it read {size:,} tokens of answers, and {task.read:,} are enough"
    made = list(zip(tools, results, strict=True))
    last = max((n for n, (tool, result) in enumerate(made) if _changed(tool, result)), default=-1)
    if task.looked_afterwards and not READING & set(tools[last + 1 :]):
        yield "it did not look after its last change"


def _changed(tool: str, result: Result) -> bool:
    return tool not in READING and not result.failed


def _of_sandbox(task: Task, world: World, after: dict[str, Json]) -> Iterator[str]:
    wanted_gone = {world.labels.get(each, each) for each in task.deleted}
    gone = world.before.keys() - after.keys()
    yield from (f"it did not delete {_name(world, id)}" for id in sorted(wanted_gone - gone))
    yield from (f"it deleted {_name(world, id)}" for id in sorted(gone - wanted_gone))
    wanted = {world.labels.get(each.id, each.id): each for each in task.changed}
    for id in sorted(world.before.keys() & after.keys()):
        if id in wanted:
            was, now = world.before[id], after[id]
            yield from (f"{_name(world, id)} {fault}" for fault in _of_change(wanted[id], was, now))
        elif world.before[id] != after[id]:
            yield f"it changed {_name(world, id)}"
    new = [after[id] for id in after.keys() - world.before.keys()]
    for created in task.created:
        if not any(_is(created, session) for session in new):
            yield (
                f"it did not create a session {created.name!r} of {created.number} for"
                f" {created.expirationSeconds} s"
            )
    if len(new) > len(task.created):
        yield f"it created {len(new)} sessions, and not {len(task.created)}"


def _of_change(wanted: Changed, was: Json, now: Json) -> Iterator[str]:
    status = wanted.status or was.get("status")
    if now.get("status") != status:
        yield f"is {now.get('status')} and not {status}"
    count = len(was["messages"])
    if now["messages"][:count] != was["messages"]:
        yield "lost messages that it had"
    elif not wanted.appended and len(now["messages"]) > count:
        yield "has messages that nobody asked for"
    added = " ".join(str(each.get("content")) for each in now["messages"][count:])
    yield from (f"has no new message with {t!r}" for t in wanted.appended if not _says(added, t))
    same = {"messages", "status", "updatedAt"}
    if {k: v for k, v in was.items() if k not in same} != {
        k: v for k, v in now.items() if k not in same
    }:
        yield "has other fields that are different"


def _is(wanted: Created, session: Json) -> bool:
    customer: Json = session.get("customer") or {}
    made = Created(
        name=str(session.get("name")),
        number=str(customer.get("number")),
        expirationSeconds=session["expirationSeconds"],
    )
    return made == wanted


def _name(world: World, id: str) -> str:
    return f"session {id} {world.before[id].get('name', '')!r}"


def _one_of(said: Said) -> str:
    return repr(said) if isinstance(said, str) else " or ".join(map(repr, said[:3]))


def _says(answer: str, text: str) -> bool:
    """Whether an answer has a text as words of its own: "3" is not in "30"."""
    pattern = rf"(?<!\w){re.escape(_plain(text))}(?!\w)"
    return re.search(pattern, _plain(answer)) is not None


def _plain(text: str) -> str:
    """In one form: small letters, straight apostrophes, plain spaces and hyphens."""
    one = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    return " ".join(re.sub("[\u2010-\u2012]", "-", one).split())
