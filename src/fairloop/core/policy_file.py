"""Policies as YAML text, read strictly: nothing unknown, nothing twice, nothing that only looks like a number."""

from __future__ import annotations

import dataclasses
from typing import Any

from fairloop.core.checks import Check
from fairloop.core.policy import Approval, Policy, Primary
from fairloop.core.records import from_plain, to_plain
from fairloop.errors import InvalidInput

SCHEMA = 1
_LONGEST = 65_536
_KINDS: dict[str, type] = {"gates": Check, "limits": Check, "primary": Primary, "approval": Approval}


def read_policy(text: str) -> Policy:
    """The policy that ``text`` writes.

    Raises
    ------
    InvalidInput
        The text is not YAML, or holds an unknown key, a key twice, an alias or a value that does not fit; the message
        names it.
    """
    import yaml  # only where a policy is read: a server starts without

    if len(text) > _LONGEST:
        raise InvalidInput(f"The policy is longer than {_LONGEST} characters; shorten it.")
    try:
        _check_nodes(yaml.compose(text, Loader=yaml.SafeLoader), text)
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as cause:
        raise InvalidInput(f"The policy is not valid YAML: {' '.join(str(cause).split())[:300]}.") from cause
    if not isinstance(value, dict):
        raise InvalidInput("A policy is a list of keys and values, for example: automatic: [release]")
    schema = value.pop("schema", SCHEMA)
    if schema != SCHEMA or isinstance(schema, bool):
        raise InvalidInput(f"schema: {schema!r} is unknown; this version of Fairloop reads schema {SCHEMA}.")
    _check_keys(value)
    return from_plain(Policy, value)


def write_policy(policy: Policy) -> str:
    """The policy as YAML; reading it gives an equal one."""
    import yaml  # see read_policy

    plain: dict[str, Any] = {"schema": SCHEMA}
    for field in dataclasses.fields(Policy):
        value = getattr(policy, field.name)
        if value is not None and value != []:
            plain[field.name] = _bare(to_plain(value))
        elif field.name in {"aliases", "automatic"}:
            plain[field.name] = []
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110)
    return text


def _bare(value: Any) -> Any:
    """Without what is not said."""
    if isinstance(value, list):
        return [_bare(v) for v in value]
    return {k: _bare(v) for k, v in value.items() if v is not None} if isinstance(value, dict) else value


def _check_nodes(node: Any, text: str) -> None:
    import yaml  # see read_policy

    if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
        raise InvalidInput("The policy uses a YAML alias (*name); write the value out.")
    waiting = [node]
    while waiting:
        found = waiting.pop()
        if isinstance(found, yaml.MappingNode):
            keys = [key.value for key, _ in found.value]
            if twice := [k for k in keys if keys.count(k) > 1]:
                raise InvalidInput(f"The key {twice[0]!r} stands twice in the policy; keep one.")
            waiting += [value for _, value in found.value]
        elif isinstance(found, yaml.SequenceNode):
            waiting += found.value


def _check_keys(value: dict[str, Any]) -> None:
    _known(value, Policy, "the policy")
    for name, kind in _KINDS.items():
        parts = value.get(name)
        for part in parts if isinstance(parts, list) else [parts]:
            if isinstance(part, dict):
                _known(part, kind, name)


def _known(value: dict[Any, Any], kind: Any, where: str) -> None:
    names = [field.name for field in dataclasses.fields(kind)]
    if unknown := [key for key in value if key not in names]:
        raise InvalidInput(f"{unknown[0]!r} is no key of {where}; known are: {', '.join(names)}.")
    for key, given in value.items():
        if key in {"at_least", "at_most", "drop"} and isinstance(given, str):
            raise InvalidInput(f"{key}: {given!r} is text, not a number; write for example 0.001 (not 1e-3).")
