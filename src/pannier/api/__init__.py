"""The public verbs: each checks its options, wires implementations together, and returns a result.

Nothing here prints. The names below load on first use, so `from pannier import api` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pannier.api.analyze import AnalyzeOptions, AnalyzeResult, analyze
    from pannier.api.archive import InspectResult, UnpackResult, VerifyResult, inspect, unpack, verify
    from pannier.api.cache import cache_clean, cache_usage
    from pannier.api.lock import LockOptions, LockResult, lock
    from pannier.api.pack import PackOptions, PackResult, pack
    from pannier.api.run import run_arguments
    from pannier.api.settings import SETTINGS, Settings, load_settings

_MODULES = {
    "AnalyzeOptions": "analyze",
    "AnalyzeResult": "analyze",
    "InspectResult": "archive",
    "LockOptions": "lock",
    "LockResult": "lock",
    "PackOptions": "pack",
    "PackResult": "pack",
    "SETTINGS": "settings",
    "Settings": "settings",
    "UnpackResult": "archive",
    "VerifyResult": "archive",
    "analyze": "analyze",
    "cache_clean": "cache",
    "cache_usage": "cache",
    "inspect": "archive",
    "load_settings": "settings",
    "lock": "lock",
    "pack": "pack",
    "run_arguments": "run",
    "unpack": "archive",
    "verify": "archive",
}

__all__ = [
    "SETTINGS",
    "AnalyzeOptions",
    "AnalyzeResult",
    "InspectResult",
    "LockOptions",
    "LockResult",
    "PackOptions",
    "PackResult",
    "Settings",
    "UnpackResult",
    "VerifyResult",
    "analyze",
    "cache_clean",
    "cache_usage",
    "inspect",
    "load_settings",
    "lock",
    "pack",
    "run_arguments",
    "unpack",
    "verify",
]


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"pannier.api.{module}"), name)
