"""Names for runs that got none: two words and a number, easy to say aloud."""

from __future__ import annotations

import secrets

_KINDS = (
    "able amber bold brisk calm clear clever crisp eager fair fleet gentle glad grand honest keen kind lively lucid "
    "mellow merry neat nimble noble patient plain polite proud quick quiet ready sharp smart solid steady sunny swift "
    "tidy trusty upbeat vivid warm wise witty"
)
_THINGS = (
    "auk badger bear beaver bison crane crow deer dolphin eagle elk falcon finch fox gecko goose hare hawk heron ibex "
    "jay kestrel lark lemur lynx marten mole moose newt orca otter owl panda puffin raven robin seal shrew stoat swan "
    "tern toad trout turtle vole whale wolf wren"
)


def new_run_name() -> str:
    return f"{secrets.choice(_KINDS.split())}-{secrets.choice(_THINGS.split())}-{secrets.randbelow(1000)}"
