from pathlib import Path

from pannier.environment.requirements import installed_requirements


def test_who_requires_whom_is_read_from_metadata(tmp_path: Path) -> None:
    libraries = tmp_path / "lib/python3.11/site-packages"
    for name, metadata in {
        "Flask-3.0.dist-info": "Metadata-Version: 2.1\nName: Flask\nRequires-Dist: Jinja2>=3\n"
        'Requires-Dist: asgiref ; extra == "async"\n'
        'Requires-Dist: importlib_metadata; python_version<"3.10"\n'
        "\nRequires-Dist: in-the-description\n",
        "broken-1.dist-info": None,
        "other.egg-info": "",
    }.items():
        (libraries / name).mkdir(parents=True)
        if metadata is not None:
            (libraries / name / "METADATA").write_text(metadata)
    assert installed_requirements(tmp_path) == {
        "flask": {"jinja2", "importlib-metadata"},
        "flask[async]": {"asgiref"},
    }


def test_nothing_installed_requires_nothing(tmp_path: Path) -> None:
    assert installed_requirements(tmp_path) == {}
