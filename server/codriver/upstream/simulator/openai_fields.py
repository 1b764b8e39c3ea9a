"""Checks of single fields in the words of OpenAI's API, shared by its chat and completions endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from codriver.upstream.simulator.models import SimModel
from codriver.upstream.simulator.values import Refused

W = TypeVar("W", bound=str)

# Field -> kind, least, most. Null is absent for all of these.
_LIMITS: Mapping[str, tuple[str, float | None, float | None]] = {
    "temperature": ("a decimal", 0, 2),
    "top_p": ("a decimal", 0, 1),
    "presence_penalty": ("a decimal", -2, 2),
    "frequency_penalty": ("a decimal", -2, 2),
    "n": ("an integer", 1, 128),
    "max_tokens": ("an integer", 1, None),
    "max_completion_tokens": ("an integer", 1, None),
    "top_logprobs": ("an integer", 0, 20),
    "seed": ("an integer", None, None),
    "stream": ("a boolean", None, None),
    "store": ("a boolean", None, None),
    "echo": ("a boolean", None, None),
    "parallel_tool_calls": ("a boolean", None, None),
    "user": ("a string", None, None),
    "suffix": ("a string", None, None),
    "metadata": ("an object", None, None),
    "logit_bias": ("an object", None, None),
    "stream_options": ("an object", None, None),
}
# Fields of other wires: a gateway that lets them through has mixed up its formats. Fields that
# nobody knows are taken, so that what a relay does with them can be seen in the log.
_FOREIGN = ("system", "stop_sequences", "anthropic_version", "contents", "generationConfig", "input", "instructions")
_KINDS: Mapping[str, tuple[type, ...]] = {
    "a string": (str,),
    "a boolean": (bool,),
    "an integer": (int,),
    "a decimal": (int, float),
    "an object": (dict,),
    "an array": (list,),
    "an array of objects": (list,),
}


def common(body: Mapping[str, Any], model: SimModel) -> None:
    """The rules for fields that both endpoints have. Raises Refused."""
    for name in _FOREIGN:
        if name in body:
            raise refused(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
    for name in model.refused:
        if body.get(name) is not None:
            text = f"Unsupported parameter: '{name}' is not supported with this model."
            raise refused(text, name, "unsupported_parameter")
    for name, (kind, least, most) in _LIMITS.items():
        if body.get(name) is not None:
            typed(body[name], kind, name)
            within(body[name], kind, least, most, name)
    if body.get("stream_options") is not None and not body.get("stream"):
        text = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise refused(text, "stream_options")
    stops(body)


def stops(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The stop sequences: a string, or up to four."""
    stop = body.get("stop")
    if stop is None:
        return ()
    if isinstance(stop, str):
        return (stop,)
    typed(stop, "an array", "stop")
    if len(stop) > 4:
        text = (
            "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an "
            f"array with length {len(stop)} instead."
        )
        raise refused(text, "stop", "array_above_max_length")
    for place, item in enumerate(stop):
        typed(item, "a string", f"stop[{place}]")
    return tuple(stop)


def output_limit(body: Mapping[str, Any], model: SimModel, absent: int | None) -> int:
    """Output tokens wanted, held against what the model can give and how it wants to be asked."""
    for name, other in (("max_tokens", "max_completion_tokens"), ("max_completion_tokens", "max_tokens")):
        if body.get(name) is not None and model.max_tokens_field == other:
            text = f"Unsupported parameter: '{name}' is not supported with this model. Use '{other}' instead."
            raise refused(text, name, "unsupported_parameter")
    name = "max_completion_tokens" if body.get("max_completion_tokens") is not None else "max_tokens"
    wanted = body.get(name)
    if wanted is None:
        return min(absent or model.max_output, model.max_output)
    if wanted > model.max_output:
        text = (
            f"{name} is too large: {wanted}. This model supports at most {model.max_output} "
            f"completion tokens, whereas you provided {wanted}."
        )
        raise refused(text, name, "invalid_value")
    return int(wanted)


def window(model: SimModel, prompt: int, output: int, where: str, *, asked: bool) -> None:
    """Whether prompt and answer fit. `asked`: the caller named the output limit, so that it counts too."""
    if prompt > model.window:
        text = (
            f"This model's maximum context length is {model.window} tokens. However, your {where} "
            f"resulted in {prompt} tokens. Please reduce the length of the {where}."
        )
        raise refused(text, where, "context_length_exceeded")
    if asked and prompt + output > model.window:
        text = (
            f"This model's maximum context length is {model.window} tokens. However, you requested "
            f"{prompt + output} tokens ({prompt} in the {where}, {output} in the completion). Please "
            f"reduce the length of the {where} or completion."
        )
        raise refused(text, where, "context_length_exceeded")


def refused(message: str, param: str | None = None, code: str | None = None) -> Refused:
    """A 400 in OpenAI's words."""
    return Refused(400, message, param=param, code=code)


def required(holder: Mapping[str, Any], name: str, path: str) -> Any:
    """The field, which must be there and not null."""
    if holder.get(name) is None:
        raise refused(f"Missing required parameter: '{path}'.", path, "missing_required_parameter")
    return holder[name]


def typed(value: Any, kind: str, path: str) -> Any:
    """The value, which must be of this kind. Booleans are no numbers."""
    fits = isinstance(value, _KINDS[kind]) and not (isinstance(value, bool) and kind != "a boolean")
    if not fits:
        text = f"Invalid type for '{path}': expected {kind}, but got {_kind(value)} instead."
        raise refused(text, path, "invalid_type")
    return value


def filled(value: Any, kind: str, path: str) -> Any:
    """A list of this kind with something in it."""
    if not typed(value, kind, path):
        text = (
            f"Invalid '{path}': empty array. Expected an array with minimum length 1, but got an empty array instead."
        )
        raise refused(text, path, "empty_array")
    return value


def one_of(value: Any, allowed: Sequence[W], path: str) -> W:
    """The value, which must be one of these words."""
    for word in allowed:
        if value == word:
            return word
    shown = [f"'{word}'" for word in allowed]
    listed = shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])}, and {shown[-1]}"
    raise refused(f"Invalid value: '{value}'. Supported values are: {listed}.", path, "invalid_value")


def within(value: Any, kind: str, least: float | None, most: float | None, path: str) -> None:
    """Whether a number is in its range."""
    word = kind.split()[-1]
    if least is not None and value < least:
        text = f"Invalid '{path}': {word} below minimum value. Expected a value >= {least}, but got {value} instead."
        raise refused(text, path, f"{word}_below_min_value")
    if most is not None and value > most:
        text = f"Invalid '{path}': {word} above maximum value. Expected a value <= {most}, but got {value} instead."
        raise refused(text, path, f"{word}_above_max_value")


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    names = {str: "a string", int: "an integer", float: "a decimal", dict: "an object", list: "an array"}
    return names[type(value)]
