"""The sixty samples: which conversation, with whom, how long ago, and what is special about it.

What is said in them is true on any day: they name no year, and no date that lies ahead.
"""

# ruff: noqa: E501 - a sample stays on one line

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from vapi_sessions_mcp.sandbox.samples.people import stable_id


@dataclass(frozen=True, kw_only=True)
class Case:
    """One sample; `details` fill the <words> of its script."""

    script: str
    role: str
    who: str | None = None
    id: str
    ago: timedelta
    details: dict[str, Any] = field(default_factory=dict[str, Any])
    chat: bool = False
    active: bool = False
    squad: str | None = None
    inline: bool = False
    variables: dict[str, Any] | None = None
    twilio: str | None = None
    outputs: dict[str, Any] | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])


def call(script: str, role: str, who: str | None, id: str, ago: timedelta, /, **rest: Any) -> Case:
    """Return a recorded call."""
    return _case(rest, script=script, role=role, who=who, id=id, ago=ago)


def chat(script: str, role: str, who: str | None, id: str, ago: timedelta, /, **rest: Any) -> Case:
    """Return a written conversation."""
    return _case(rest, script=script, role=role, who=who, id=id, ago=ago, chat=True)


def _case(rest: dict[str, Any], /, **fields: Any) -> Case:
    special = {name: rest.pop(name) for name in Case.__dataclass_fields__ if name in rest}
    return Case(**fields, **special, details=rest)


def ago(*, days: int = 0, hours: int = 0) -> timedelta:
    """Return how long before the sandbox starts a sample begins."""
    return timedelta(days=days, hours=hours)


def late(order: str, item: str, due: str, depot: str, eta: str) -> dict[str, str]:
    """Return the details of a late parcel."""
    return {"order": order, "item": item, "due": due, "depot": depot, "eta": eta}


def move(old_day: str, old_time: str, new_day: str, reason: str, visit: str) -> dict[str, str]:
    """Return the details of a visit that moves to another day."""
    day = {"old_day": old_day, "old_time": old_time, "new_day": new_day}
    return day | {"reason": reason, "visit": visit}


CASES: tuple[Case, ...] = (
    call("reschedule", "reception", "maya", "bbce0e20-7da8-5c86-9318-dbe0c6cb8e6d", ago(days=31, hours=2), **move("Thursday", "15:00", "Monday", "a dental cleaning", "V-3311")),
    chat("hours", "reception", None, "e2ecbae7-f987-505e-b597-2d1a5feb6206", ago(days=30, hours=22), day="Sunday", answer="Sundays from 10 to 14 o'clock, without appointments. For emergencies we're here at any hour."),
    call("late_delivery", "delivery", "tomas", "2d222fff-b82e-5227-8b8b-754356f099d2", ago(days=30, hours=17), **late("JP-20388", "two cases of tuna", "on Saturday", "Eastgate depot", "tomorrow"), outputs={"reason": "late_delivery", "refund_usd": 6.5, "resolved": True}),
    call("spam", "reception", None, "12c444a5-1e85-5003-8d81-e1c61a0f5a4b", ago(days=30, hours=1), pitch="your energy bill"),
    call("voicemail", "outreach", "ruth", "469dc015-25b0-5b71-a26d-6d51c8a8b1bb", ago(days=30), message="Duke's blood test is back and nothing is urgent, but Dr. Nwosu would like to talk to you about his kidneys."),
    chat("quote", "billing", "omar", "ebdd464f-521d-59e4-a813-b12f7a15fdf6", ago(days=29, hours=14), treatment="a tooth extraction", age="six", low=420, high=780),
    call("insurance", "billing", "greta", "1e4b3db0-f7b5-549c-a0b3-19c2c5da8015", ago(days=28, hours=23), insurer="Fetchwell", treatment="knee surgery", estimate=3900, claim="5521", outputs={"reason": "insurance", "estimate_usd": 3900, "follow_up": True}),
    call("silence", "reception", None, "9a9623c0-1377-5f69-98a4-eaa68271a639", ago(days=28, hours=21)),
    chat("parcel_chat", "delivery", "lucy", "f5f83fbf-6f99-5c31-835f-87cc7dc0256a", ago(days=28, hours=13), order="JP-20402", state="sorted in the depot", eta="on Friday", item="puppy kibble 12 kg", neighbour="27"),
    call("chocolate", "night", "harold", "22627b6a-3b34-5b61-9479-762c91ab10fe", ago(days=27, hours=10), squad="night watch", poison="a bar of dark chocolate", weight=45, outputs={"level": "red", "vet_woken": True}),
    call("vaccine_reminder", "outreach", "omar", "1d55afb4-1bf8-5f93-95b1-3b68b649467e", ago(days=27), vaccine="rabies", due="two weeks", slot="Tuesday at 9:20"),
    chat("spanish", "reception", "ana", "e9574cb2-b20d-53dd-86da-fa21996d4d75", ago(days=26, hours=18), slot="mañana a las 9:40"),
    call("double_charge", "billing", "harold", "230bc67f-cddc-5d4a-8262-a0eb697b1f89", ago(days=25, hours=1), amount=148, card="4417", outputs={"reason": "double_charge", "refund_usd": 148, "resolved": True}),
    call("registration", "reception", "lucy", "d90b4b00-2cad-5d99-a21b-c8bd410a0786", ago(days=24, hours=20), new_address="12 Quarry Lane, Oakland", age="Four", weight=29, vaccinated="March", fear="skateboards", slot="Wednesday at 9:40", client="2291"),
    chat("japanese", "delivery", "kenji", "790d376f-4aa3-5c85-98b7-067d18690dc5", ago(days=24, hours=9), order="JP-20419", new_address="シカゴ市グラント通り200番地 みどり商事"),
    call("waiting_room", "reception", "ruth", "6ce32389-dd6b-534a-9496-b7c7a382419b", ago(days=23, hours=23), outputs={"reason": "complaint", "case": "C-0093", "sentiment": "angry"}),
    call("refill", "reception", "omar", "246e58eb-31f2-544d-aa72-67354d2ac0cc", ago(days=23, hours=2), medicine="thyroid tablets", left=2, checked="in August", dose="2.5 mg twice a day", price=34),
    chat("invoice", "billing", "priya", "3f48dcda-4323-5ef7-b377-36f5ef6d02ae", ago(days=22, hours=16), month="September", invoice="M-0917", amount=212),
    call("late_delivery", "delivery", "maya", "37728007-7e30-5ff6-9125-e74c02890f60", ago(days=22, hours=1), **late("JP-20417", "a bag of salmon kibble", "on Tuesday", "Northside depot", "tomorrow morning"), twilio="pantry"),
    call("spam", "reception", None, "b4058c06-0ad1-5680-96f0-e2ed1e869d5d", ago(days=21, hours=19), pitch="your business listing"),
    chat("damaged", "delivery", "maya", "4345c9b4-4715-516d-afb9-0a0065be2376", ago(days=20, hours=16), order="JP-20417", item="salmon kibble", replacement="JP-20455"),
    call("address_change", "reception", "sam", "581d2c00-d2ca-5e09-8332-2bc1f87d864d", ago(days=20, hours=23), moving_day="next Monday", birthday="July 9th", new_address="88 Fern Street, Portland"),
    chat("hamster", "reception", None, "71112304-b507-51f4-8df8-f238530d4f7b", ago(days=19, hours=19)),
    call("chocolate", "night", "greta", "06e675fb-72a6-501e-9dfc-fbe4478d800c", ago(days=19, hours=8), squad="night watch", poison="a bag of sugar-free gum", weight=52, outputs={"level": "red", "vet_woken": True}),
    chat("praise", "reception", "greta", "f5bc38fc-9828-5e1e-86a5-09c04c32a51a", ago(days=17, hours=1)),
    call("injection", "reception", None, "fbaa1bd8-a03c-5c20-8ba8-afe814070ac3", ago(days=16, hours=14), outputs={"reason": "abuse", "data_disclosed": False}),
    call("reschedule", "reception", "omar", "16ce9500-8881-5673-a652-4b4fc4c508cf", ago(days=16, hours=1), **move("Friday", "11:30", "next Wednesday", "an ear check", "V-3350")),
    chat("allergy", "delivery", "lucy", "3bb6b195-969a-5676-b582-81a8c5e03a65", ago(days=15, hours=21), item="Prairie Crunch", allergy="a chicken allergy", ingredients='"duck", "pea", "egg"', listed="duck, pea and egg"),
    call("handoff", "reception", "sam", "ceab98d3-eaed-526d-95c3-5b373e1c688c", ago(days=15), squad="front desk", slot="Thursday at 14:00"),
    chat("arabic", "reception", "layla", "c87900f2-2d61-5f1d-915e-1c2435302351", ago(days=14, hours=16)),
    call("shelter", "reception", "shelter", "955b4bee-8472-5584-ac04-8e32de4aa02a", ago(days=14, hours=3), visit_day="Saturday", outputs={"animals": 13, "urgent": ["Olive", "Dot"]}),
    call("wrong_number", "reception", None, "6d6507fe-75b3-59fb-9d71-876feea257c5", ago(days=13, hours=15)),
    chat("cancel", "delivery", "tomas", "0358e79d-70b1-594c-bec6-45947a3eae6f", ago(days=12, hours=22), item="tuna cans", reason="Lola only eats chicken now. Cats.", subscription="SUB-118", next="Friday"),
    call("vaccine_reminder", "outreach", "harold", "0ec235f3-98a9-56b8-8b76-3d267ce53bba", ago(days=13), vaccine="distemper", due="thirteen days", slot="Monday at 16:40"),
    call("goodbye", "reception", "ruth", "3d213d9e-46ae-5b0a-aea1-a763a34cefd4", ago(days=11, hours=16)),
    chat("injection_chat", "delivery", "sam", "0a9bdeb9-903d-5335-b96c-1011b54f6130", ago(days=11, hours=12), outputs={"reason": "abuse", "discount_given": "PANTRY10"}),
    call("insurance", "billing", "lucy", "d3c4ad73-da73-5d14-aca9-eaec93e51674", ago(days=11, hours=1), insurer="Pawsurance", treatment="the allergy tests", estimate=640, claim="5580"),
    chat("hindi", "reception", "dev", "63bb5cab-a471-5881-b2b5-72210a572327", ago(days=10, hours=20)),
    call("furious", "reception", "harold", "ddaeff31-98d6-526c-8060-08fe61ff7e0c", ago(days=9, hours=18), outputs={"reason": "complaint", "refund_usd": 85, "sentiment": "furious, then calmer"}),
    call("voicemail", "outreach", "tomas", "c215f63e-0959-5efe-baa1-92caa15fca9d", ago(days=9, hours=23), message="Lola's booster is due next week."),
    chat("parcel_chat", "delivery", "greta", "b95a5785-b9ef-5933-854b-633f62dc0eda", ago(days=9, hours=2), order="JP-20468", state="out for delivery", eta="today before noon", item="reindeer chews", neighbour="3"),
    call("found_dog", "reception", None, "c9aac14d-90a5-5dfe-b9f3-7cba75171ab0", ago(days=9, hours=3), outputs={"reason": "found_animal", "owner_found": True}),
    call("refill", "reception", "maya", "813014ee-30b1-50e9-b6dd-4e44d8a75bdf", ago(days=8, hours=2), medicine="allergy tablets", left=1, checked="in October", dose="one tablet each evening", price=27, inline=True, variables={"customerName": "Maya", "petName": "Biscuit", "tier": "gold"}),
    chat("quote", "billing", "harold", "dc623068-d59c-5689-be6c-c3e9ff084421", ago(days=7, hours=14), treatment="a dental cleaning", age="ten", low=310, high=560, variables={"customerName": "Harold", "petName": "Winston", "tier": "basic"}),
    chat("job", "reception", None, "4efe3c97-e358-571b-98db-63a39b2019f2", ago(days=6, hours=22)),
    call("late_delivery", "delivery", "greta", "0f5cac62-8918-5a1a-9d81-3702ec369956", ago(days=6, hours=19), **late("JP-20471", "a sack of elkhound food", "on Monday", "Harbor depot", "tomorrow"), inline=True),
    chat("erase", "billing", "priya", "a10d5335-bf7d-51cf-b887-3291b4e1618d", ago(days=6)),
    call("double_charge", "billing", "tomas", "ca2c6ecb-b45f-5fb5-879c-c00232cdafd3", ago(days=5, hours=17), amount=96, card="0032", variables={"customerName": "Tomás", "petName": "Lola", "balanceUsd": 96.0}),
    chat("spanish", "reception", "tomas", "361e4ebe-2fc9-5ec5-aaae-3ee4e561f2f6", ago(days=4, hours=15), slot="pasado mañana a las 17:20", kind="gata"),
    call("silence", "night", None, "d250c59c-2222-5cb5-9078-9bbbecb770ea", ago(days=4, hours=7), squad="night watch"),
    call("registration", "reception", "bea", "a9742c30-2d9e-5fbf-91d2-c2c34fbaad58", ago(days=3, hours=21), new_address="5 Cedar Court, Salt Lake City", age="Five", weight=31, vaccinated="January", fear="cats", slot="Friday at 11:00", client="2307", squad="front desk", extra={"workflowId": stable_id("workflow/registration")}),
    chat("invoice", "billing", "maya", "d7aac04b-8bd6-5cb7-9ab3-1f380b276902", ago(days=3), month="October", invoice="M-1033", amount=148, extra={"metadata": {"variableValues": {"channel": "web", "locale": "en-US"}}, "assistantOverrides": None, "squadId": None, "phoneNumberId": None}),
    call("reschedule", "reception", "desk", "ea5e85bb-71e4-5d39-8dc8-87cc2e17aac1", ago(days=2, hours=20), **move("Monday", "09:00", "Thursday", "a weight check", "V-3391"), twilio="clinic"),
    chat("damaged", "delivery", "kenji", "4bfd14f3-75b1-5555-b7fe-248eecf1a73f", ago(days=2, hours=7), order="JP-20480", item="sweet potato biscuits", replacement="JP-20493"),
    call("handoff", "reception", "maya", "f4770ddd-79d3-57f7-8219-05edbdfd6a28", ago(days=2), squad="front desk", slot="Saturday at 10:20", active=True, extra={"expirationSeconds": 604_800}),
    chat("parcel_chat", "delivery", "maya", "13c7157d-0dd0-5fc4-8817-99ddcd304b87", ago(days=1), order="JP-20455", state="packed", eta="on Friday", item="salmon kibble, replacement", neighbour="14", active=True),
    chat("hours", "reception", None, "6062a512-e3b1-512c-9b4a-7dd11c54c944", ago(hours=16), day="public holidays", answer="On public holidays only for emergencies: ring at the side door under the blue lamp. 🎉 The day after we're back at eight.", active=True),
    call("voicemail", "outreach", "maya", "3abe9b49-02b3-5e6a-839a-6f376b7d8d26", ago(hours=5), message="Biscuit's allergy test is back; duck and egg are fine.", active=True),
    chat("untouched", "reception", "layla", "6e4b58e4-d359-58f9-9fa7-e7568d49ae37", ago(hours=2), active=True),
    chat("untouched", "delivery", "dev", "10bbc5c4-59db-5303-a287-0aacb90ac0d2", ago(hours=1), active=True),
)  # fmt: skip
