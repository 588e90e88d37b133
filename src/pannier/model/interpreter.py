"""A probed interpreter and an installed distribution, as facts."""

from typing import NamedTuple

from pannier.model.target import Platform, Target


class Interpreter(NamedTuple):
    """What a Python said of itself when it was run once.

    Attributes:
        python_executable: Absolute path it was started by.
        version: Whole version (`3.11.7`).
        implementation: `cpython`.
        platform: The machine it runs on.
        prefix: Its `sys.prefix`.
        base_prefix: Its `sys.base_prefix`: where the interpreter itself lives, also from a venv.
        base_executable: The real executable in `base_prefix`.
        stdlib: Directory of its standard library.
        site_packages: Directories its distributions are installed in, first is the prefix's own.
        is_debian: Built by Debian, with `dist-packages` and a standard library outside its prefix's layout.
        abi_flags: Its `sys.abiflags`: `t` for a free-threaded build, `d` for a debug build, `m` before 3.8.
        library_directory: Its `sys.platlibdir`: `lib`, or `lib64` with Fedora and its kin.
    """

    python_executable: str
    version: str
    implementation: str
    platform: Platform
    prefix: str
    base_prefix: str
    base_executable: str
    stdlib: str
    site_packages: tuple[str, ...]
    is_debian: bool = False
    abi_flags: str = ""
    library_directory: str = "lib"

    @property
    def target(self) -> Target:
        """What to lock and pack for so that this interpreter can run it."""
        return Target(python_version=self.version, platform=self.platform, implementation=self.implementation)


class InstalledDistribution(NamedTuple):
    """A distribution found in an environment, from its metadata alone.

    Attributes:
        name: Project name as its METADATA writes it.
        version: Its version.
        import_names: Top-level (or namespace-dotted) names it provides.
        editable_path: The project's directory when it is an editable or local-directory install.
    """

    name: str
    version: str
    import_names: tuple[str, ...] = ()
    editable_path: str = ""
