"""The software bill of materials: the environment lock as CycloneDX JSON."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime

from fairloop import __version__
from fairloop.errors import MissingExtra

_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;#]+)")
_SPACE = uuid.UUID("6c1f2f0e-33a4-5d1f-9c53-0f6a1b7d2a11")


def bill_of_materials(lock: str, name: str, version: str, made_ms: int) -> bytes:
    """CycloneDX 1.6 JSON of the pinned packages of ``lock``, with ``name`` as what they belong to.

    Serial number and time come from the arguments: the same lock makes the same bytes.

    Raises
    ------
    MissingExtra
        The library that writes the format is not installed.
    """
    try:
        from cyclonedx.model.bom import Bom
        from cyclonedx.model.component import Component, ComponentType
        from cyclonedx.output.json import JsonV1Dot6
        from packageurl import PackageURL
    except ModuleNotFoundError as cause:
        raise MissingExtra("A software bill of materials needs cyclonedx: pip install 'fairloop[evidence]'.") from cause

    bom = Bom(serial_number=uuid.uuid5(_SPACE, f"{name}\n{version}\n{lock}"))
    bom.metadata.timestamp = datetime.fromtimestamp(made_ms / 1000, UTC)
    root = Component(name=name, version=version, type=ComponentType.MACHINE_LEARNING_MODEL, bom_ref=f"model:{name}")
    tool = Component(name="fairloop", version=__version__, type=ComponentType.APPLICATION, bom_ref="tool:fairloop")
    bom.metadata.component = root
    bom.metadata.tools.components.add(tool)
    parts = []
    for package, pinned in sorted(set(_PIN.findall(lock))):
        url = PackageURL("pypi", name=re.sub(r"[-_.]+", "-", package).lower(), version=pinned)
        parts.append(
            Component(name=package, version=pinned, type=ComponentType.LIBRARY, purl=url, bom_ref=url.to_string())
        )
    for part in parts:
        bom.components.add(part)
    bom.register_dependency(root, parts)
    return (JsonV1Dot6(bom).output_as_string(indent=1) + "\n").encode()
