"""An environment that is there, told as a spec."""

import json
from pathlib import Path

import pytest

from pannier.api.environments import is_environment, spec_of_environment, with_editables
from pannier.model.errors import SpecError
from pannier.model.spec import LocalProject, Spec


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """A venv with `six` from an index and `mine` from a directory."""
    place = tmp_path / "venv"
    packages = place / "lib" / "python3.11" / "site-packages"
    for name, version in (("six", "1.17.0"), ("mine", "0.1")):
        metadata = packages / f"{name}-{version}.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (metadata / "RECORD").write_text(f"{name}.py,,\n")
    direct = {"url": (tmp_path / "mine").as_uri(), "dir_info": {"editable": True}}
    (packages / "mine-0.1.dist-info" / "direct_url.json").write_text(json.dumps(direct))
    (place / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.7\n")
    return place


def test_versions_are_pinned_and_editables_are_local_projects(prefix: Path, tmp_path: Path) -> None:
    assert spec_of_environment(prefix) == Spec(
        requirements=("six==1.17.0",),
        python="==3.11.*",
        local_projects=(LocalProject(path=str(tmp_path / "mine"), name="mine"),),
    )


def test_an_empty_environment_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyvenv.cfg").touch()
    with pytest.raises(SpecError) as caught:
        spec_of_environment(tmp_path)
    assert caught.value.code == "spec-empty"


def test_a_spec_takes_editables_of_the_active_environment(prefix: Path, tmp_path: Path) -> None:
    spec = Spec(requirements=("mine==0.1", "six"))
    taken = with_editables(spec, {"VIRTUAL_ENV": str(prefix)})
    assert taken.requirements == ("six",)
    assert taken.local_projects == (LocalProject(path=str(tmp_path / "mine"), name="mine"),)
    assert with_editables(spec, {}) == spec


def test_a_directory_of_code_is_no_environment(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    assert not is_environment(tmp_path)
