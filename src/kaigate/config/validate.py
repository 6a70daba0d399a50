"""From plain data to `GatewayConfig`: pydantic's findings told in the words of the file, with positions."""

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from kaigate.config.document import Document
from kaigate.config.models import GatewayConfig
from kaigate.config.problems import KeyPath, Problem, Step, nearest, shown, suggestion

_NUMBER_AS_TEXT: Final = "must be text: put it in quotes (an unquoted 3.10 is the number 3.1)"
_TEXT_AS_FLAG: Final = "must be true or false, without quotes (yes, no, on and off are text)"
_EXPECTED: Final[Mapping[str, str]] = {
    "string_type": "text",
    "int_type": "a whole number, without quotes",
    "int_from_float": "a whole number",
    "float_type": "a number, without quotes",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
    "dict_type": "a mapping (key: value)",
    "tuple_type": "a list (- item)",
    "list_type": "a list (- item)",
}


def validate(document: Document) -> tuple[GatewayConfig | None, list[Problem]]:
    """The typed configuration, or None and what is wrong with it."""
    try:
        # As JSON: strict types, and lists become tuples.
        return GatewayConfig.model_validate_json(msgspec.json.encode(_filled(GatewayConfig, document.data))), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        return None, list(_problems(document, details))


def _problems(document: Document, details: list[ErrorDetails]) -> Iterator[Problem]:
    for detail in details:
        path: KeyPath = detail["loc"]
        if path and path[-1] == "[key]":
            yield document.problem(path[:-1], _key_message(detail), key=True)
        elif detail["type"] == "extra_forbidden":
            valid = valid_keys(GatewayConfig, path[:-1])
            name = str(path[-1])
            message = f'unknown key "{shown(name)}"{suggestion(name, valid)}'
            yield document.problem(path, message, key=True)
        else:
            yield document.problem(path, _message(detail, _value_at(document.data, path)))


def _key_message(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    if "max_length" in context:
        return f"this name is longer than {context['max_length']} characters"
    return f"this name does not have the form {context.get('pattern', 'of a name')}"


def _message(detail: ErrorDetails, value: object) -> str:
    kind = detail["type"]
    context = detail.get("ctx", {})
    if kind == "secret_reference":
        return str(context["reason"])
    if kind == "bool_type":
        return _TEXT_AS_FLAG
    if kind == "string_type" and isinstance(value, int | float):
        return _NUMBER_AS_TEXT
    if kind in _EXPECTED:
        return f"must be {_EXPECTED[kind]}, but is {_kind(value)}"
    if kind == "missing":
        return "is required"
    if kind == "literal_error":
        return _choice(str(context["expected"]), value)
    if kind == "string_pattern_mismatch":
        return f"does not have the form {context['pattern']}"
    message = detail["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return message.replace("should be", "must be")


def _choice(expected: str, value: object) -> str:
    names = [part.strip("' ") for part in expected.replace(" or ", ",").split(",")]
    if not isinstance(value, str):
        return f"must be one of {', '.join(names)}, but is {_kind(value)}"
    near = nearest(value, names)
    return f"must be one of {', '.join(names)}" + (f' (did you mean "{near}"?)' if near else "")


def _kind(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "a mapping"


def _value_at(data: Any, path: KeyPath) -> object:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _filled(annotation: Any, value: Any) -> Any:
    """The data with empty sections as `{}`: `llama3.2:` with nothing after it is that entry with every default."""
    if value is None:
        return {} if annotation is not None and annotation is _section(annotation) else None
    if isinstance(value, dict):
        return {key: _filled(_descend(annotation, key), item) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(_descend(annotation, index), item) for index, item in enumerate(value)]
    return value


def valid_keys(model: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys that the section at `path` below `model` knows; empty where keys are free names."""
    annotation: Any = model
    for step in path:
        annotation = _descend(annotation, step)
    section = _section(annotation)
    return list(section.model_fields) if section else []


def _descend(annotation: Any, step: Step) -> Any:
    section = _section(annotation)
    if section is not None:
        known = section.model_fields.get(str(step))
        return known.annotation if known else None
    arguments = get_args(annotation)
    if not arguments:
        return None
    return arguments[1] if get_origin(annotation) is dict else arguments[0]


def _section(annotation: Any) -> type[BaseModel] | None:
    """The section behind `Section`, `Section | None` or `Annotated[Section, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in {Union, UnionType, Annotated}:
        return next((found for argument in get_args(annotation) if (found := _section(argument))), None)
    return None
