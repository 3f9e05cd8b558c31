"""The names in Vapi's OpenAPI that are or sound like secrets, as a person judged them."""

import json
from pathlib import Path
from typing import Any, cast

_FACTS = cast(
    "dict[str, Any]",
    json.loads(Path(__file__).with_name("facts").joinpath("secret_names.json").read_text()),
)
# Under these something is that opens a door.
SECRETS = frozenset(cast("list[str]", _FACTS["secret"]))
# These must stay; each has a value as it may be.
HARMLESS = cast("dict[str, Any]", _FACTS["harmless"])
