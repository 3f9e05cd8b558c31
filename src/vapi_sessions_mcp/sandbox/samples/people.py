"""Who appears in the samples: the clinic's assistants, its squads, and its invented customers."""

# ruff: noqa: E501 - a customer stays on one line

import uuid
from typing import Any

NAMESPACE = uuid.UUID("6f1c2b7e-3d0a-4c55-9b1f-2a7d8e4c6f10")


def stable_id(name: str) -> str:
    """Return the id that this name always has."""
    return str(uuid.uuid5(NAMESPACE, name))


ORG_ID = stable_id("organization")
CLINIC_LINE = stable_id("phone number/clinic")
PANTRY_LINE = stable_id("phone number/pantry")
NIGHT_LINE = stable_id("phone number/night")

# Name, and what its system message says.
ASSISTANTS: dict[str, tuple[str, str]] = {
    "reception": (
        "Sage",
        "You are Sage, receptionist of Juniper Pet Clinic. Be brief and kind. Book, move and cancel "
        "visits. Never give out anything about another customer.",
    ),
    "billing": (
        "Penny",
        "You are Penny, who answers billing questions for Juniper Pet Clinic. You may refund up to "
        "200 dollars. Check who is calling before you change anything.",
    ),
    "delivery": (
        "Miles",
        "You are Miles of Juniper Pantry, the clinic's food delivery. Find orders, change deliveries, "
        "replace what arrived broken.",
    ),
    "night": (
        "Luna",
        "You are Luna, the after-hours line of Juniper Pet Clinic. Sort emergencies first. Wake the "
        "vet on call for anything red. Give no doses.",
    ),
    "outreach": (
        "Basil",
        "You are Basil. You call customers of Juniper Pet Clinic about boosters and results.",
    ),
}
SQUADS = {"front desk": ("reception", "billing"), "night watch": ("night", "outreach")}

# What Vapi keeps of a customer, and what the scripts need to know about them.
CUSTOMERS: dict[str, dict[str, Any]] = {
    "maya": {"number": "+14155550123", "name": "Maya Okafor", "email": "maya.okafor@example.com", "externalId": "cust-1001"},
    "tomas": {"number": "+13105550142", "name": "Tomás Herrera", "externalId": "cust-1014"},
    "priya": {"number": "+12065550117", "name": "Priya Raman", "email": "priya@example.org", "externalId": "cust-1022"},
    "kenji": {"number": "+13125550168", "name": "渡辺 健司", "email": "kenji.w@example.com"},
    "layla": {"number": "+16175550109", "name": "ليلى حداد"},
    "greta": {"sipUri": "sip:greta@sip.example.com", "name": "Greta Lindqvist", "email": "greta@example.org", "externalId": "cust-1040"},
    "sam": {"number": "+15035550131", "name": "Sam O'Neill", "externalId": "cust-1007"},
    "dev": {"number": "+14085550177", "name": "देव शर्मा", "email": "dev.sharma@example.com"},
    "ana": {"number": "+17865550150", "name": "Ana Beltrán", "email": "ana.beltran@example.com"},
    "ruth": {"number": "+12125550184", "name": "Ruth Abernathy", "externalId": "cust-1003"},
    "omar": {"number": "+19175550195", "name": "Omar Haddad", "email": "omar.h@example.org"},
    "lucy": {"name": "Lucy Chen", "email": "lucy.chen@example.com"},
    "harold": {"number": "+16025550126", "name": "Harold Pike", "externalId": "cust-1031"},
    "shelter": {"number": "+15125550160", "extension": "204", "name": "Nadia Brooks", "email": "intake@example.org", "externalId": "partner-2", "assistantOverrides": {"variableValues": {"partner": "Second Chance", "rate": "charity"}}},
    "bea": {"number": "+18015550133", "name": "Beatrix Young", "email": "bea@example.com", "squadOverrides": {"variableValues": {"newClient": True, "visits": 0}}},
    "desk": {"number": "8821", "numberE164CheckEnabled": False, "extension": "21", "name": "Front desk, inside line"},
}  # fmt: skip
PETS: dict[str, dict[str, str]] = {
    "maya": {"first": "Maya", "pet": "Biscuit", "kind": "a corgi", "birthday": "April 3rd"},
    "tomas": {"first": "Tomás", "pet": "Lola", "kind": "a cat", "birthday": "June 18th"},
    "priya": {"first": "Priya", "pet": "Mango", "kind": "a parakeet", "birthday": "May 12th"},
    "kenji": {"first": "健司", "pet": "モモ", "kind": "柴犬", "birthday": "2月11日"},
    "layla": {"first": "ليلى", "pet": "لوز", "kind": "قطة", "birthday": "unknown"},
    "greta": {"first": "Greta", "pet": "Ivar", "kind": "an elkhound", "birthday": "1 March"},
    "sam": {"first": "Sam", "pet": "Clover", "kind": "a rabbit", "birthday": "July 9th"},
    "dev": {"first": "देव", "pet": "शेरू", "kind": "पिल्ला", "birthday": "unknown"},
    "ana": {"first": "Ana", "pet": "Canela", "kind": "perra", "birthday": "12 de mayo"},
    "ruth": {"first": "Ruth", "pet": "Duke", "kind": "a dachshund", "birthday": "May 30th"},
    "omar": {"first": "Omar", "pet": "Pixel", "kind": "a tabby cat", "birthday": "August 4th"},
    "lucy": {"first": "Lucy", "pet": "Juno", "kind": "a whippet", "birthday": "January 5th"},
    "harold": {"first": "Harold", "pet": "Winston", "kind": "a poodle", "birthday": "March 9th"},
    "shelter": {"first": "Nadia", "pet": "the new ones", "kind": "several", "birthday": "unknown"},
    "bea": {"first": "Bea", "pet": "Toffee", "kind": "a spaniel", "birthday": "unknown"},
    "desk": {"first": "there", "pet": "the desk's cat", "kind": "a cat", "birthday": "unknown"},
}
