"""What a server says of itself, and where servers are."""

import json

import pytest

from pannier.model.errors import UsageError
from pannier.site.servers import Server, format_bare_inventory


def test_a_machine_with_glibc():
    told = "machine x86_64\nglibc glibc 2.17\npython 2.7 2.7.5 /usr/bin/python2.7\n"
    found = json.loads(format_bare_inventory(told, "/opt/site"))
    assert found["platform"] == "linux-x86_64-glibc2.17"
    assert found["pythons"] == {"2.7": {"version": "2.7.5", "abi": "", "path": "/usr/bin/python2.7"}}


def test_a_machine_with_musl():
    told = "machine aarch64\nglibc \nmusl 1.2.5\npython 3.12 3.12.1 /opt/a b/bin/python3.12\n"
    found = json.loads(format_bare_inventory(told, "/opt/site"))
    assert found["platform"] == "linux-aarch64-musl1.2"
    assert found["pythons"]["3.12"]["path"] == "/opt/a b/bin/python3.12"


def test_lines_that_say_nothing_are_passed_over():
    told = "machine x86_64\nWelcome\n\npython 3.6\nglibc \n"
    found = json.loads(format_bare_inventory(told, "/opt/site"))
    assert found["platform"] == "linux-x86_64"
    assert found["pythons"] == {}


@pytest.mark.parametrize("destination", ["", "-oProxyCommand=true"])
def test_what_ssh_would_take_for_an_option_is_no_server(destination):
    with pytest.raises(UsageError):
        Server.parse(destination, "ssh")


def test_a_command_with_options():
    assert Server.parse("me@there", "ssh -p 22 -i 'my key'").command == ("ssh", "-p", "22", "-i", "my key")
