"""The OpenAPI document of the HTTP API: `shapes` are its schemas, `paths` its operations; tests hold both against the server.

A route that is added gets an entry in `paths.PATHS`, and a shape where it has one of its own.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from runfork_server.openapi.paths import PATHS
from runfork_server.openapi.shapes import SHAPES

__all__ = ["describe_api"]


def describe_api() -> dict[str, Any]:
    """Return the document; addresses in it are relative to where it is served."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "runfork",
            "version": version("runfork"),
            "description": "What `runfork ui` reads. Answers about a project carry its `revision`, which grows whenever something "
            'reads differently. Numbers that JSON lacks are the strings "NaN", "Infinity" and "-Infinity".',
        },
        "servers": [{"url": "."}],
        "security": [{"token": []}, {}],
        "paths": PATHS,
        "components": {"schemas": SHAPES, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
