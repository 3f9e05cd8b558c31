"""The longest sample: a shelter registers its new animals over one telephone call."""

# ruff: noqa: E501 - a turn, or an animal, stays on its line

OPENING = """
B: Juniper Pet Clinic, Sage speaking.
U: Hi Sage, it's <name> from Second Chance. We took in a whole household last night and I need them all registered before Dr. Nwosu's visit.
B: Of course. How many are they?
U: Thirteen. I'm standing in front of the cages, so bear with me.
B: Take your time. I'll read each one back before I save it.
"""
CLOSING = """
U: That's all thirteen. My voice is gone.
B: You did well. Thirteen registered, and Dr. Nwosu comes on <visit_day> at eight.
U: Can she start with the one that isn't eating?
B: Olive goes first; I've put her at the top of the list.
T: plan_visit {"shelter": "Second Chance", "day": "<visit_day>", "first": "Olive"} => {"planned": true, "animals": 13}
B: Planned. I've mailed you the list of all thirteen. Thank you for taking them in.
U: Somebody has to. Bye, Sage.
"""
# Name, animal, how old, pounds, what the caller sees, what Sage answers to it.
ANIMALS = (
    ("Olive", "grey cat", "about three", 7, "won't eat, hides in the litter box", "She should be seen first. Warm a little tuna and try again tonight."),
    ("Bruno", "black labrador", "nine or ten", 81, "he coughs when he gets up", "Noted, a cough on rising. Dr. Nwosu will listen to his heart."),
    ("Dot", "calico kitten", "eight weeks", 2, "eyes are glued shut", "Wipe them with warm water, and keep her apart from the other cats."),
    ("Dash", "calico kitten, Dot's brother", "eight weeks", 2, "fine, screams for food", "Screaming for food is a good sign at that age."),
    ("Major", "german shepherd", "five", 74, "growls if you touch his left ear", "Please don't touch it then. I've marked him: muzzle for the ear check."),
    ("Queenie", "parrot", "they said forty", 1, "she plucked her chest bare", "A bird vet should see her; I'll ask Dr. Lindgren to come along."),
    ("Nugget", "guinea pig", "two", 2, "very round, I think pregnant", "Keep her alone and quiet, with hay. We'll know more on the scales."),
    ("Waffles", "beagle", "six", 38, "limps, and steals everything", "Limp noted. Stealing noted, too."),
    ("Mrs. Tibbs", "white cat", "fourteen", 6, "drinks water like a camel", "That can be the kidneys. I'm adding a blood and a urine test."),
    ("Rocket", "greyhound", "four", 62, "old scar on the leg, runs fine", "An old scar only needs a look. He'll want a coat at night."),
    ("Button", "rabbit", "one", 4, "front teeth are too long", "Long teeth can keep him from eating. Give soft greens until we trim them."),
    ("Sultan", "tortoise", "nobody knows", 12, "a crack in the shell, dry", "Keep it dry and clean. Don't glue it, please; people do."),
    ("Pepper", "terrier mix", "maybe seven months", 15, "scared, but she took a biscuit from my hand", "Then you've already done the hardest part."),
)  # fmt: skip
ASKS = ("Next one, please?", "Go on, who's next?", "And the next?", "Ready for another.")
WEIGHTS = ("on the scale: {} pounds", "{} pounds, give or take", "the scale says {}")
CHECKS = ("Anything that worries you?", "What do you see?", "How is it doing?")


def shelter_script() -> str:
    """Return the call: nine messages for each animal, in words that differ from one to the next."""
    turns = [OPENING]
    for place, (name, kind, age, pounds, seen, reply) in enumerate(ANIMALS):
        weight = WEIGHTS[place % len(WEIGHTS)].format(pounds)
        turns.append(
            f"""
B: {ASKS[place % len(ASKS)]}
U: {name}. A {kind}.
B: How old is {name}?
U: {age.capitalize()}, and {weight}.
B: {CHECKS[place % len(CHECKS)]}
U: {seen.capitalize()}.
T: register {{"shelter": "Second Chance", "pet": "{name}", "kind": "{kind}", "pounds": {pounds}}} => {{"file": "SC-{401 + place}"}}
B: {reply} That's file SC-{401 + place}.
"""
        )
    return "".join([*turns, CLOSING])
