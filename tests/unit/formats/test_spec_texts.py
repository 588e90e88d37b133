import json

import pytest
import yaml

from pannier.formats.spec_texts import format_spec_as
from pannier.formats.specs import parse_spec
from pannier.model.spec import DataSource, LocalProject, Spec

SPEC = Spec(
    requirements=("numpy<1.24", "foo[bar]>=1 ; python_version > '3'", "PyYAML", "on"),
    python=">=3.8,<3.12",
    local_projects=(LocalProject(path="shop", name="shop"),),
)
LINES = ["./shop", "foo[bar]>=1 ; python_version > '3'", "numpy<1.24", "on", "PyYAML"]


def test_a_requirements_file_is_for_pip():
    text = format_spec_as("out/requirements.txt", SPEC, {})
    assert text.splitlines() == ["# for Python >=3.8,<3.12", *LINES]


@pytest.mark.parametrize("name", ["environment.yml", "a/b.YAML"])
def test_yaml_says_the_same_as_json(name):
    text = format_spec_as(name, SPEC, {"pyyaml": "pyyaml", "numpy": "numpy"})
    document = yaml.load(text, yaml.BaseLoader)
    assert document == json.loads(format_spec_as("spec.json", SPEC, {}))
    assert parse_spec(text, filename="environment.yml").requirements == tuple(LINES[1:])
    assert "- numpy<1.24  # conda-forge: numpy\n" in text
    assert "- PyYAML  # conda-forge: pyyaml\n" in text


def test_what_conda_lacks_has_no_comment():
    assert "#" not in format_spec_as("environment.yml", SPEC, {"numpy": ""})


def test_a_spec_without_requirements_has_no_list_for_pip():
    assert yaml.safe_load(format_spec_as("e.yml", Spec(), {})) == {
        "channels": ["conda-forge"],
        "dependencies": ["python", "pip"],
    }


def test_data_are_written_as_json():
    spec = Spec(data=(DataSource(variable="X", kind="git", url="https://example.org/x.git", ref="main"),))
    assert "git" in json.loads(format_spec_as("e.yml", spec, {}))
