"""The pages in a real Chromium: they fit a phone, are readable in the dark, and run nothing of strangers."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.wait import WebDriverWait
from tests.end_to_end.commands import Commands
from tests.end_to_end.serving import Served, served
from tests.web_wheels import described_wheel

from pannier.formats.htpasswd import hash_password

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium and chromium-driver are not installed"),
    pytest.mark.xdist_group("browser"),
]
Browser = webdriver.Chrome
ATTACK = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
CODE = f"```python\nx = 1  # {'long ' * 60}\n```"
README = f"# Hello\n\n{ATTACK}\n\n{CODE}\n\n| a | b |\n| --- | --- |\n| {'w' * 200} | 2 |\n"
PHONE, DESK = (360, 780), (1280, 900)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    options = Options()
    assert CHROMIUM
    options.binary_location = CHROMIUM
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})  # type: ignore[no-untyped-call]
    chrome = webdriver.Chrome(service=Service(DRIVER), options=options)
    yield chrome
    chrome.quit()


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    directory = tmp_path / "packages"
    directory.mkdir()
    long_name = "a-project-of-a-remarkably-long-name-that-goes-on-and-on-and-on"
    for name, data in (
        described_wheel("particle", "1.0", summary=ATTACK, readme=README),
        described_wheel("particle", "2.0", summary=f"Tracks {ATTACK}", readme=README),
        described_wheel("particle", "2.0", tag="cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"),
        described_wheel(long_name, "2026.11.26.post1", summary="word " * 40),
    ):
        (directory / name).write_bytes(data)
    return directory


@pytest.fixture
def index(commands: Commands, packages: Path) -> Iterator[Served]:
    htpasswd = commands.directory / "htpasswd"
    htpasswd.write_text(f"alice:{hash_password('secret', rounds=4)}\n")
    with served(commands, packages, "--htpasswd", htpasswd) as running:
        yield running


def look(browser: Browser, url: str, size: tuple[int, int] = DESK, scheme: str = "light") -> None:
    """Show a page on a screen of this size."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(url)


def run(browser: Browser, script: str) -> Any:
    return browser.execute_script(script)  # type: ignore[no-untyped-call]


def leave(browser: Browser, act: Callable[[], object]) -> None:
    """Do what leads to another page, and wait until it is there."""
    before = browser.find_element(By.TAG_NAME, "html")
    act()
    # Asked at the very moment, chromedriver may have an error of its own for what is gone.
    WebDriverWait(browser, 60, ignored_exceptions=[WebDriverException]).until(staleness_of(before))
    WebDriverWait(browser, 60).until(lambda _: run(browser, "return document.readyState") == "complete")


PATHS = (
    "/",
    "/search?q=project",
    "/project/particle/",
    "/project/particle/1.0/?python=3.12",
    "/project/nothing/",
)
CONTRAST = """
function channel(v) { v /= 255; return v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4) }
function luminance(c) {
  const [r, g, b] = c.match(/[\\d.]+/g).map(Number);
  return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
}
function ground(e) {
  for (; e; e = e.parentElement) {
    const c = getComputedStyle(e).backgroundColor;
    if (!/, 0\\)|transparent/.test(c)) return c;
  }
  return "rgb(255, 255, 255)";
}
const bad = [];
for (const e of document.querySelectorAll("main *, header *, footer *")) {
  if (![...e.childNodes].some(n => n.nodeType == 3 && n.textContent.trim())) continue;
  const a = luminance(getComputedStyle(e).color), b = luminance(ground(e));
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) bad.push(e.className + " " + e.textContent.trim().slice(0, 30) + " " + ratio.toFixed(2));
}
return bad;
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK])
def test_every_page_fits_its_screen_and_can_be_read(
    browser: Browser, index: Served, size: tuple[int, int], scheme: str
) -> None:
    for path in PATHS:
        look(browser, index.url + path, size, scheme)
        assert run(browser, "return document.documentElement.scrollWidth") <= size[0], path
        # WCAG 2.2 AA asks for a contrast of 4.5.
        assert run(browser, CONTRAST) == [], path
        dark = run(browser, "return getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", dark)[:3])) < 200) == (scheme == "dark")


def test_what_strangers_wrote_runs_nowhere_and_loads_nothing(browser: Browser, index: Served) -> None:
    for path in PATHS:
        look(browser, index.url + path)
        assert "owned" not in browser.title
        loaded = run(browser, "return performance.getEntriesByType('resource').map(entry => entry.name)")
        assert all(name.startswith(index.url + "/-/") for name in loaded), loaded
    # What a page could still smuggle in, the browser refuses: the policy is in force.
    run(browser, f"document.body.insertAdjacentHTML('beforeend', {ATTACK!r})")
    make = (
        "const script = document.createElement('script'); script.textContent = 'document.title = \"owned\"';"
    )
    run(browser, f"{make} document.body.append(script)")
    assert browser.title != "owned"


def test_people_find_a_project_with_the_keyboard(browser: Browser, index: Served) -> None:
    look(browser, index.url)
    field = browser.find_element(By.NAME, "q")
    leave(browser, lambda: field.send_keys("partic\n"))
    assert "1 found" in browser.find_element(By.TAG_NAME, "h1").text
    leave(browser, browser.find_element(By.CSS_SELECTOR, ".projects a").click)
    assert browser.current_url == f"{index.url}/project/particle/"
    lines = browser.find_element(By.CSS_SELECTOR, ".install").text
    assert f"pip install --index-url {index.url}/simple/ particle" in lines


def test_pages_work_without_scripts_from_upload_to_yank(
    browser: Browser, index: Served, tmp_path: Path
) -> None:
    name, data = described_wheel("fresh", "1.0", summary="Just came")
    (tmp_path / name).write_bytes(data)
    signed = index.url.replace("//", "//alice:secret@")
    look(browser, f"{signed}/upload")
    browser.find_element(By.NAME, "content").send_keys(str(tmp_path / name))
    leave(browser, browser.find_element(By.CSS_SELECTOR, ".stack button").click)
    assert browser.find_element(By.TAG_NAME, "h1").text == "Published", browser.page_source
    look(browser, f"{signed}/manage/fresh")
    browser.find_element(By.NAME, "reason").send_keys("too fresh")
    leave(browser, browser.find_element(By.CSS_SELECTOR, ".stack button").click)
    assert browser.find_element(By.TAG_NAME, "h1").text == "Done", browser.page_source
    look(browser, f"{index.url}/project/fresh/")
    assert "too fresh" in browser.find_element(By.CSS_SELECTOR, ".notice").text


def test_a_page_of_another_site_cannot_use_who_is_signed_in(
    browser: Browser, index: Served, tmp_path: Path
) -> None:
    signed = index.url.replace("//", "//alice:secret@")
    look(browser, f"{signed}/upload")
    page = tmp_path / "evil.html"
    fields = "".join(
        f'<input name="{name}" value="{value}">'
        for name, value in {":action": "yank", "name": "particle", "version": "2.0"}.items()
    )
    page.write_text(
        f'<form action="{index.url}/manage/particle" method="post" enctype="multipart/form-data">'
        f"{fields}<button>x</button></form>"
    )
    browser.get(page.as_uri())
    leave(browser, browser.find_element(By.TAG_NAME, "button").click)
    assert "another site" in browser.page_source
    look(browser, f"{index.url}/project/particle/2.0/")
    assert not browser.find_elements(By.CSS_SELECTOR, ".notice strong")
