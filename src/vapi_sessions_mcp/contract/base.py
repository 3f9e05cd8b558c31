"""Named arguments: known ones checked, nulls taken for not given, unknown ones refused or kept."""

from functools import cache
from typing import Any, Self, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic.alias_generators import to_camel

from vapi_sessions_mcp.contract.fields import (
    Flag,
    PhoneNumber,
    check_phone_number,
    from_json_text,
)


@cache
def aliases(model: type[BaseModel]) -> frozenset[str]:
    """The names that arguments can have."""
    return frozenset(field.alias or name for name, field in model.model_fields.items())


class Arguments(BaseModel):
    """Named arguments; an explicit null means that the argument was not given."""

    # Built on first use: only whole requests are ever used, and their parts build with them.
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, data: object) -> object:
        data = from_json_text(data)
        if not isinstance(data, dict):
            return data
        given = cast("dict[object, object]", data)
        known = aliases(cls)
        return {k: v for k, v in given.items() if v is not None or k not in known}

    def given(self) -> dict[str, Any]:
        """What was given, under Vapi's names: no default, no null of ours."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class Open(Arguments):
    """Arguments that Vapi judges: keys we do not know are kept."""

    model_config = ConfigDict(extra="allow")

    @model_validator(mode="after")
    def _forget_what_was_not_given(self) -> Self:
        if self.model_extra:
            # One spelt like one of our Python names makes pydantic count that field as set.
            absent = [name for name, value in self.__dict__.items() if value is None]
            self.model_fields_set.difference_update(absent)
        return self


def either(*ways: tuple[str, ...]) -> dict[str, Any]:
    """The JSON Schema's rule that fields of one way only are given."""
    names = {name: None for way in ways for name in way}
    return {
        "anyOf": [
            {"properties": {name: {"type": "null"} for name in names if name not in way}}
            for way in ways
        ]
    }


class Numbered(Arguments):
    """Arguments with a phone number in them and the flag that says how to check it."""

    number_e164_check_enabled: Flag | None = Field(
        default=None, alias="numberE164CheckEnabled", description="false allows other forms"
    )
    number: PhoneNumber | None = Field(default=None, description="Customer's number: +14155550123")

    @field_validator("number")
    @classmethod
    def _check_number(cls, number: str, info: ValidationInfo) -> str:
        return check_phone_number(number, info.data.get("number_e164_check_enabled") is not False)
