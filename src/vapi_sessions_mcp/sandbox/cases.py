"""The sixty samples: which conversation, with whom, when, and what is special about it."""

# ruff: noqa: E501 - a sample stays on one line

from dataclasses import dataclass, field
from typing import Any

from vapi_sessions_mcp.sandbox.people import stable_id


@dataclass(frozen=True, kw_only=True)
class Case:
    """One sample; `details` fill the <words> of its script."""

    script: str
    role: str
    who: str | None = None
    at: str
    details: dict[str, Any] = field(default_factory=dict[str, Any])
    chat: bool = False
    active: bool = False
    squad: str | None = None
    inline: bool = False
    variables: dict[str, Any] | None = None
    twilio: str | None = None
    outputs: dict[str, Any] | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])


def call(script: str, role: str, who: str | None, at: str, /, **rest: Any) -> Case:
    """Return a recorded call."""
    return _case(script, role, who, at, rest)


def chat(script: str, role: str, who: str | None, at: str, /, **rest: Any) -> Case:
    """Return a written conversation."""
    return _case(script, role, who, at, {"chat": True} | rest)


def _case(script: str, role: str, who: str | None, at: str, rest: dict[str, Any]) -> Case:
    special = {name: rest.pop(name) for name in Case.__dataclass_fields__ if name in rest}
    return Case(script=script, role=role, who=who, at=at, details=rest, **special)


def late(order: str, item: str, due: str, depot: str, eta: str) -> dict[str, str]:
    """Return the details of a late parcel."""
    return {"order": order, "item": item, "due": due, "depot": depot, "eta": eta}


def move(old_day: str, old_time: str, new_day: str, reason: str, visit: str) -> dict[str, str]:
    """Return the details of a visit that moves to another day."""
    day = {"old_day": old_day, "old_time": old_time, "new_day": new_day}
    return day | {"reason": reason, "visit": visit, "part_of_day": "morning"}


CASES: tuple[Case, ...] = (
    call("reschedule", "reception", "maya", "2026-10-20T08:04:11.250Z", **move("Thursday", "15:00", "Monday", "a dental cleaning", "V-3311")),
    chat("hours", "reception", None, "2026-10-20T12:41:09.018Z", day="Sunday", answer="Sundays from 10 to 14 o'clock, without appointments. For emergencies we're here at any hour."),
    call("late_delivery", "delivery", "tomas", "2026-10-20T17:22:45.903Z", **late("JP-20388", "two cases of tuna", "on Saturday", "Eastgate depot", "tomorrow"), outputs={"reason": "late_delivery", "refund_usd": 6.5, "resolved": True}),
    call("spam", "reception", None, "2026-10-21T09:15:02.440Z", pitch="your energy bill"),
    call("voicemail", "outreach", "ruth", "2026-10-21T10:30:00.000Z", message="Duke's blood test is back and nothing is urgent, but Dr. Nwosu would like to talk to you about his kidneys."),
    chat("quote", "billing", "omar", "2026-10-21T19:55:37.612Z", treatment="a tooth extraction", age="six", low=420, high=780),
    call("insurance", "billing", "greta", "2026-10-22T11:08:20.777Z", insurer="Fetchwell", treatment="knee surgery", estimate=3900, claim="5521", outputs={"reason": "insurance", "estimate_usd": 3900, "follow_up": True}),
    call("silence", "reception", None, "2026-10-22T13:00:59.001Z"),
    chat("parcel_chat", "delivery", "lucy", "2026-10-22T21:17:33.120Z", order="JP-20402", state="sorted in the depot", eta="on Friday", item="puppy kibble 12 kg", neighbour="27"),
    call("chocolate", "night", "harold", "2026-10-23T23:48:07.365Z", squad="night watch", poison="a bar of dark chocolate", weight=45, outputs={"level": "red", "vet_woken": True}),
    call("vaccine_reminder", "outreach", "omar", "2026-10-24T10:05:14.800Z", vaccine="rabies", due="7 November", slot="Tuesday at 9:20"),
    chat("spanish", "reception", "ana", "2026-10-24T16:32:50.099Z", slot="lunes a las 9:40"),
    call("double_charge", "billing", "harold", "2026-10-26T09:02:27.541Z", amount=148, card="4417", outputs={"reason": "double_charge", "refund_usd": 148, "resolved": True}),
    call("registration", "reception", "lucy", "2026-10-26T14:11:03.230Z", new_address="12 Quarry Lane, Oakland", age="Four", weight=29, vaccinated="March", fear="skateboards", slot="Wednesday at 9:40", client="2291"),
    chat("japanese", "delivery", "kenji", "2026-10-27T01:20:44.515Z", order="JP-20419", new_address="シカゴ市グラント通り200番地 みどり商事"),
    call("waiting_room", "reception", "ruth", "2026-10-27T10:47:30.684Z", outputs={"reason": "complaint", "case": "C-0093", "sentiment": "angry"}),
    call("refill", "reception", "omar", "2026-10-28T08:33:12.000Z", medicine="thyroid tablets", left=2, checked="12 August", dose="2.5 mg twice a day", price=34),
    chat("invoice", "billing", "priya", "2026-10-28T18:09:58.872Z", month="September", invoice="2026-0917", amount=212),
    call("late_delivery", "delivery", "maya", "2026-10-29T09:12:41.200Z", **late("JP-20417", "a bag of salmon kibble", "on Tuesday", "Northside depot", "tomorrow morning"), twilio="pantry"),
    call("spam", "reception", None, "2026-10-29T15:44:26.333Z", pitch="your business listing"),
    chat("damaged", "delivery", "maya", "2026-10-30T17:58:19.760Z", order="JP-20417", item="salmon kibble", replacement="JP-20455"),
    call("address_change", "reception", "sam", "2026-10-30T11:26:05.048Z", moving_day="November 15th", birthday="July 9th, 2023", new_address="88 Fern Street, Portland"),
    chat("hamster", "reception", None, "2026-10-31T15:03:47.999Z"),
    call("chocolate", "night", "greta", "2026-11-01T02:14:38.426Z", squad="night watch", poison="a bag of sugar-free gum", weight=52, outputs={"level": "red", "vet_woken": True}),
    chat("praise", "reception", "greta", "2026-11-03T09:40:00.310Z"),
    call("injection", "reception", None, "2026-11-03T20:31:55.181Z", outputs={"reason": "abuse", "data_disclosed": False}),
    call("reschedule", "reception", "omar", "2026-11-04T08:50:23.067Z", **move("Friday", "11:30", "next Wednesday", "an ear check", "V-3350")),
    chat("allergy", "delivery", "lucy", "2026-11-04T13:37:42.590Z", item="Prairie Crunch", allergy="a chicken allergy", ingredients='"duck", "pea", "egg"', listed="duck, pea and egg"),
    call("handoff", "reception", "sam", "2026-11-05T10:19:17.725Z", squad="front desk", slot="Thursday at 14:00"),
    chat("arabic", "reception", "layla", "2026-11-05T17:45:31.400Z"),
    call("shelter", "reception", "shelter", "2026-11-06T07:28:00.500Z", visit_day="Saturday", outputs={"animals": 13, "urgent": ["Olive", "Dot"]}),
    call("wrong_number", "reception", None, "2026-11-06T19:12:10.910Z"),
    chat("cancel", "delivery", "tomas", "2026-11-07T11:54:06.143Z", item="tuna cans", reason="Lola only eats chicken now. Cats.", subscription="SUB-118", next="14 November"),
    call("vaccine_reminder", "outreach", "harold", "2026-11-07T10:01:49.255Z", vaccine="distemper", due="20 November", slot="Monday at 16:40"),
    call("goodbye", "reception", "ruth", "2026-11-08T18:22:34.687Z"),
    chat("injection_chat", "delivery", "sam", "2026-11-08T22:16:08.838Z", outputs={"reason": "abuse", "discount_given": "AUTUMN10"}),
    call("insurance", "billing", "lucy", "2026-11-09T09:35:57.020Z", insurer="Pawsurance", treatment="the allergy tests", estimate=640, claim="5580"),
    chat("hindi", "reception", "dev", "2026-11-09T14:08:29.374Z"),
    call("furious", "reception", "harold", "2026-11-10T16:03:15.592Z", outputs={"reason": "complaint", "refund_usd": 85, "sentiment": "furious, then calmer"}),
    call("voicemail", "outreach", "tomas", "2026-11-10T11:30:00.000Z", message="Lola's booster is due next week."),
    chat("parcel_chat", "delivery", "greta", "2026-11-11T08:25:51.706Z", order="JP-20468", state="out for delivery", eta="today before noon", item="reindeer chews", neighbour="3"),
    call("found_dog", "reception", None, "2026-11-11T07:51:44.858Z", outputs={"reason": "found_animal", "owner_found": True}),
    call("refill", "reception", "maya", "2026-11-12T08:15:20.219Z", medicine="allergy tablets", left=1, checked="3 October", dose="one tablet each evening", price=27, inline=True, variables={"customerName": "Maya", "petName": "Biscuit", "tier": "gold"}),
    chat("quote", "billing", "harold", "2026-11-12T20:40:13.164Z", treatment="a dental cleaning", age="ten", low=310, high=560, variables={"customerName": "Harold", "petName": "Winston", "tier": "basic"}),
    chat("job", "reception", None, "2026-11-13T12:28:36.047Z"),
    call("late_delivery", "delivery", "greta", "2026-11-13T15:19:02.981Z", **late("JP-20471", "a sack of elkhound food", "on Monday", "Harbor depot", "on Saturday"), inline=True),
    chat("erase", "billing", "priya", "2026-11-14T10:10:10.100Z"),
    call("double_charge", "billing", "tomas", "2026-11-14T17:36:48.413Z", amount=96, card="0032", variables={"customerName": "Tomás", "petName": "Lola", "balanceUsd": 96.0}),
    chat("spanish", "reception", "tomas", "2026-11-15T18:47:24.656Z", slot="martes a las 17:20", kind="gata"),
    call("silence", "night", None, "2026-11-16T03:33:33.330Z", squad="night watch"),
    call("registration", "reception", "bea", "2026-11-16T13:29:11.875Z", new_address="5 Cedar Court, Salt Lake City", age="Five", weight=31, vaccinated="January", fear="cats", slot="Friday at 11:00", client="2307", squad="front desk", extra={"workflowId": stable_id("workflow/registration")}),
    chat("invoice", "billing", "maya", "2026-11-17T09:59:59.999Z", month="October", invoice="2026-1033", amount=148, extra={"metadata": {"variableValues": {"channel": "web", "locale": "en-US"}}, "assistantOverrides": None, "squadId": None, "phoneNumberId": None}),
    call("reschedule", "reception", "desk", "2026-11-17T14:06:40.132Z", **move("Monday", "09:00", "Thursday", "a weight check", "V-3391"), twilio="clinic"),
    chat("damaged", "delivery", "kenji", "2026-11-18T02:52:16.570Z", order="JP-20480", item="sweet potato biscuits", replacement="JP-20493"),
    call("handoff", "reception", "maya", "2026-11-18T10:44:05.746Z", squad="front desk", slot="Saturday at 10:20", active=True),
    chat("parcel_chat", "delivery", "maya", "2026-11-19T07:31:28.291Z", order="JP-20455", state="packed", eta="on Friday", item="salmon kibble, replacement", neighbour="14", active=True),
    chat("hours", "reception", None, "2026-11-19T18:20:52.467Z", day="Thanksgiving", answer="On Thanksgiving only for emergencies: ring at the side door under the blue lamp. 🦃 On Friday we're back at eight.", active=True),
    call("voicemail", "outreach", "maya", "2026-11-19T11:30:00.000Z", message="Biscuit's allergy test is back; duck and egg are fine.", active=True),
    chat("untouched", "reception", "layla", "2026-11-20T08:59:01.006Z", active=True),
    chat("untouched", "delivery", "dev", "2026-11-20T09:15:30.123Z", active=True),
)  # fmt: skip
