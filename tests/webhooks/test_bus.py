"""Each change once, to every listener, of sessions inside the pins; whatever comes, in bounds."""

import pytest
from mcp.server.subscriptions import ResourcesListChanged, ResourceUpdated, ServerEvent

from support.webhooks import Clock, taking
from vapi_sessions_mcp.sessions.pins import Pins
from vapi_sessions_mcp.webhooks.bus import MOST, Bus
from vapi_sessions_mcp.webhooks.events import CREATED, DELETED, UPDATED, Change


class Heard(list[ServerEvent]):
    """What a listener was called with."""

    def __init__(self, bus: Bus) -> None:
        super().__init__()
        self.end = bus.subscribe(self.append)


@pytest.fixture
def bus(clock: Clock) -> Bus:
    """One without pins."""
    return Bus(Pins(taking()), clock)


@pytest.mark.parametrize(
    ("type", "in_list"), [(CREATED, True), (UPDATED, False), (DELETED, True)], ids=str
)
def test_a_change_is_one_of_what_is_read_and_perhaps_of_the_list(
    bus: Bus, type: str, in_list: bool
) -> None:
    # A client that shows the transcript has to hear of it, too.
    heard = Heard(bus)
    assert bus.take(Change(type, "s-1", "t1"))
    uris = ("vapi-session://s-1", "vapi-session://s-1/transcript")
    assert heard[:2] == [ResourceUpdated(uri) for uri in uris]
    assert heard[2:] == ([ResourcesListChanged()] if in_list else [])


def test_a_repeat_is_reported_once_and_a_later_change_again(bus: Bus) -> None:
    # Deliveries have no id, and Vapi repeats those that it takes for failed.
    heard = Heard(bus)
    changes = [
        *(Change(UPDATED, "s-1", "t1"), Change(UPDATED, "s-1", "t2"), Change(UPDATED, "s-2", "t1")),
        *(Change(DELETED, "s-1", "t1"), Change(DELETED, "s-1", "t2")),
    ]
    assert [bus.take(change) for change in changes] == [True] * 5
    assert [bus.take(change) for change in [*changes, *changes]] == [False] * 10
    # What else is in it makes no other change of it.
    assert not bus.take(Change(UPDATED, "s-1", "t1", "a-1"))
    assert len(heard) == 5 * 2 + 2


def test_without_a_time_nothing_is_a_repeat(bus: Bus) -> None:
    # A notification too many costs one read; one too few hides a change.
    heard = Heard(bus)
    assert [bus.take(Change(UPDATED, "s-1")) for _ in range(3)] == [True] * 3
    assert len(heard) == 6


def test_a_change_is_remembered_for_an_hour_and_not_for_ever(bus: Bus, clock: Clock) -> None:
    # Vapi repeats within minutes; a memory without end would grow.
    first = Change(UPDATED, "s-1", "t1")
    bus.take(first)
    clock.wait(minutes=59)
    assert not bus.take(first)
    clock.wait(hours=2)
    bus.take(Change(UPDATED, "s-2", "t1"))
    clock.wait(hours=2)
    assert bus.take(first)


def test_ten_thousand_changes_later_no_more_is_kept_than_before(bus: Bus) -> None:
    # A burst must not leave memory behind: the latest are known again, the first are forgotten.
    changes = [Change(UPDATED, f"s-{number}", "t1") for number in range(3 * MOST)]
    for change in changes:
        assert bus.take(change)
    assert not any(bus.take(change) for change in changes[-MOST // 2 + 1 :])
    assert all(bus.take(change) for change in changes[:10])


@pytest.mark.parametrize(
    ("pins", "inside"),
    [
        ({}, "of a1, of a1 and q1, of q1, of nobody"),
        ({"only_assistants": ("a1",)}, "of a1, of a1 and q1"),
        ({"only_assistants": ("a1", "a2")}, "of a1, of a1 and q1"),
        ({"only_squad": "q1"}, "of q1, of a1 and q1"),
        ({"only_assistants": ("A1",)}, ""),
    ],
    ids=str,
)
def test_of_sessions_outside_the_pins_nothing_is_heard(
    pins: dict[str, object], inside: str, clock: Clock
) -> None:
    # Not even that there is one: list-changed would say it.
    bus = Bus(Pins(taking(**pins)), clock)
    owners = {
        "of a1": ("a1", ""),
        "of a1 and q1": ("a1", "q1"),
        "of q1": ("", "q1"),
        "of nobody": ("", ""),
    }
    for name, (assistant, squad) in owners.items():
        heard = Heard(bus)
        # It goes on to other replicas, whose pins may be others.
        assert bus.take(Change(CREATED, "s-1", name, assistant, squad))
        assert bool(heard) is (name in inside.split(", "))


def test_a_listener_that_is_gone_hears_nothing_more(bus: Bus) -> None:
    # Streams end while others go on.
    first, second = Heard(bus), Heard(bus)
    bus.take(Change(UPDATED, "s-1", "t1"))
    first.end()
    first.end()
    bus.take(Change(UPDATED, "s-1", "t2"))
    assert (len(first), len(second)) == (2, 4)
