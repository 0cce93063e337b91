"""The review page in headless Chromium, driven by real keys and clicks."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars"
)


class Rater:
    """A person at the page."""

    def __init__(self, driver: Any, folder: Path) -> None:
        self.driver, self.folder = driver, folder
        self.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def command(self, name: str, **arguments: Any) -> Any:
        return self.driver.execute_cdp_cmd(name, arguments)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def wait(self, condition: Callable[[], Any], seconds: float = 15) -> Any:
        end = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < end, f"waited {seconds} s in vain; console: {self.console()}"
            time.sleep(0.02)
        return found

    def console(self) -> list[Any]:
        return list(self.driver.get_log("browser"))

    def open(self, url: str, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[scheme])
        self.driver.get("about:blank")
        self.console()
        self.driver.get(url)
        self.ready()

    def reload(self) -> None:
        self.driver.refresh()
        self.ready()

    @contextmanager
    def unplugged(self) -> Iterator[None]:
        """Without any network, loopback included."""
        self.command("Network.enable")
        conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.command("Network.emulateNetworkConditions", offline=True, **conditions)
        try:
            yield
        finally:
            self.command("Network.emulateNetworkConditions", offline=False, **conditions)

    def ready(self) -> None:
        self.wait(lambda: self.run("return 'ready' in document.documentElement.dataset"))

    def press(self, *keys: str) -> None:
        from selenium.webdriver import ActionChains

        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def click(self, selector: str) -> None:
        self.driver.find_element("css selector", selector).click()

    def words(self, selector: str) -> str:
        return str(self.run("return document.querySelector(arguments[0]).textContent", selector))

    def visible(self, selector: str) -> bool:
        return bool(self.run("return document.querySelector(arguments[0]).checkVisibility()", selector))

    def focused(self) -> Any:
        """The criterion that has the focus, by name; or the id of what has it."""
        return self.run(
            "const at = document.activeElement.closest('.criterion');"
            "return at ? at.querySelector('h3').textContent : document.activeElement.id"
        )

    def points(self) -> list[str]:
        """The points of the text on the screen."""
        return list(self.run("return [...document.querySelectorAll('.criterion')].map(row => row.dataset.point)"))

    def criteria(self) -> list[str]:
        return list(self.run("return [...document.querySelectorAll('.criterion h3')].map(name => name.textContent)"))

    def downloaded(self, selector: str) -> Path:
        """Click, and wait for the file."""
        before = set(self.folder.iterdir())
        self.click(selector)

        def new() -> Any:
            found = [path for path in set(self.folder.iterdir()) - before if path.suffix == ".jsonl"]
            return found if found and found[0].stat().st_size and not list(self.folder.glob("*.crdownload")) else None

        return Path(self.wait(new)[0])


def rater(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rater]:
    """A browser for a module's tests; skips where there is none, but fails there when CI=true."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    chromedriver = shutil.which("chromedriver")
    if not chromium or not chromedriver:
        missing = "chromium" if not chromium else "chromedriver"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{missing} is not installed, and CI=true asks for the browser tests")
        pytest.skip(f"{missing} is not installed: on Debian, apt-get install chromium chromium-driver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(chromedriver))
    try:
        yield Rater(driver, tmp_path_factory.mktemp("downloads"))
    finally:
        driver.quit()
