"""The public verbs: each checks its options, wires implementations together, and returns a result.

Nothing here prints. The names below load on first use, so `from pannier import api` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pannier.api.analysis import AnalyzeOptions, AnalyzeResult, analyze
    from pannier.api.archives import InspectResult, UnpackResult, VerifyResult, inspect, unpack, verify
    from pannier.api.caching import cache_clean, cache_usage
    from pannier.api.diagnosis import DoctorOptions, DoctorResult, doctor
    from pannier.api.index_changes import remove as index_remove
    from pannier.api.index_changes import yank as index_yank
    from pannier.api.index_files import index_export
    from pannier.api.index_status import set_status
    from pannier.api.index_users import create_token, list_tokens, revoke_token, set_password
    from pannier.api.locking import LockOptions, LockResult, lock
    from pannier.api.packing import PackOptions, PackResult, is_system_package, pack
    from pannier.api.release_subject import ReleaseOptions, ReleaseStep
    from pannier.api.releasing import ReleaseResult, release
    from pannier.api.running import run_arguments
    from pannier.api.serving import serve, serve_settings
    from pannier.api.setting_names import SETTINGS
    from pannier.api.settings import Settings, load_settings
    from pannier.api.site_archives import inspect_bundle, is_bundle, verify_bundle
    from pannier.api.site_bundling import BundleOptions, BundleResult, site_bundle
    from pannier.api.site_locking import SiteLockOptions, SiteLockResult, site_lock
    from pannier.api.site_planning import SiteDiffResult, SitePlanResult, site_diff, site_plan
    from pannier.api.site_servers import (
        PullOptions,
        PullResult,
        PushOptions,
        PushResult,
        site_pull,
        site_push,
    )
    from pannier.api.system_packages import SystemPackageResult, pack_for_system
    from pannier.api.upstream_cleaning import CleanOptions, CleanResult, clean_upstream
    from pannier.api.vendoring import VendorOptions, VendorResult, vendor

_MODULES = {
    "AnalyzeOptions": "analysis",
    "AnalyzeResult": "analysis",
    "CleanOptions": "upstream_cleaning",
    "CleanResult": "upstream_cleaning",
    "DoctorOptions": "diagnosis",
    "DoctorResult": "diagnosis",
    "InspectResult": "archives",
    "LockOptions": "locking",
    "LockResult": "locking",
    "PackOptions": "packing",
    "PackResult": "packing",
    "PullOptions": "site_servers",
    "PullResult": "site_servers",
    "PushOptions": "site_servers",
    "PushResult": "site_servers",
    "site_pull": "site_servers",
    "site_push": "site_servers",
    "ReleaseOptions": "release_subject",
    "ReleaseResult": "releasing",
    "ReleaseStep": "release_subject",
    "SETTINGS": "setting_names",
    "Settings": "settings",
    "SiteDiffResult": "site_planning",
    "SiteLockOptions": "site_locking",
    "SiteLockResult": "site_locking",
    "SitePlanResult": "site_planning",
    "SystemPackageResult": "system_packages",
    "UnpackResult": "archives",
    "VendorOptions": "vendoring",
    "VendorResult": "vendoring",
    "VerifyResult": "archives",
    "analyze": "analysis",
    "cache_clean": "caching",
    "cache_usage": "caching",
    "create_token": "index_users",
    "index_remove": "index_changes:remove",
    "index_export": "index_files",
    "index_yank": "index_changes:yank",
    "clean_upstream": "upstream_cleaning",
    "doctor": "diagnosis",
    "inspect": "archives",
    "is_system_package": "packing",
    "list_tokens": "index_users",
    "load_settings": "settings",
    "lock": "locking",
    "pack": "packing",
    "pack_for_system": "system_packages",
    "release": "releasing",
    "revoke_token": "index_users",
    "run_arguments": "running",
    "serve": "serving",
    "serve_settings": "serving",
    "set_password": "index_users",
    "set_status": "index_status",
    "site_diff": "site_planning",
    "site_lock": "site_locking",
    "site_plan": "site_planning",
    "unpack": "archives",
    "vendor": "vendoring",
    "verify": "archives",
    "inspect_bundle": "site_archives",
    "is_bundle": "site_archives",
    "verify_bundle": "site_archives",
    "BundleOptions": "site_bundling",
    "BundleResult": "site_bundling",
    "site_bundle": "site_bundling",
}

__all__ = [
    "SETTINGS",
    "AnalyzeOptions",
    "AnalyzeResult",
    "BundleOptions",
    "BundleResult",
    "CleanOptions",
    "CleanResult",
    "DoctorOptions",
    "DoctorResult",
    "InspectResult",
    "LockOptions",
    "LockResult",
    "PackOptions",
    "PackResult",
    "PullOptions",
    "PullResult",
    "PushOptions",
    "PushResult",
    "ReleaseOptions",
    "ReleaseResult",
    "ReleaseStep",
    "Settings",
    "SiteDiffResult",
    "SiteLockOptions",
    "SiteLockResult",
    "SitePlanResult",
    "SystemPackageResult",
    "UnpackResult",
    "VendorOptions",
    "VendorResult",
    "VerifyResult",
    "analyze",
    "cache_clean",
    "cache_usage",
    "clean_upstream",
    "create_token",
    "doctor",
    "index_export",
    "index_remove",
    "index_yank",
    "inspect",
    "inspect_bundle",
    "is_bundle",
    "is_system_package",
    "list_tokens",
    "load_settings",
    "lock",
    "pack",
    "pack_for_system",
    "release",
    "revoke_token",
    "run_arguments",
    "serve",
    "serve_settings",
    "set_password",
    "set_status",
    "site_bundle",
    "site_diff",
    "site_lock",
    "site_plan",
    "site_pull",
    "site_push",
    "unpack",
    "vendor",
    "verify",
    "verify_bundle",
]


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, other = module.partition(":")
    return getattr(importlib.import_module(f"pannier.api.{module}"), other or name)
