"""Headless Chromium for tests that open a page: driven through DevTools, with its own profile and download folder."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars"
)


class Browser:
    """A page in headless Chromium, driven through DevTools."""

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
            assert time.monotonic() < end, f"waited {seconds} s in vain; console: {self.driver.get_log('browser')}"
            time.sleep(0.02)
        return found

    def open(self, path: Path, *, width: int = 1280, dark: bool = False) -> None:
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        self.prefer(dark)
        for log in ("browser", "performance"):
            self.driver.get_log(log)
        self.driver.get(path.as_uri())
        self.wait(lambda: self.run("return 'ready' in document.documentElement.dataset"))

    def prefer(self, dark: bool) -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[scheme])

    def click(self, kind: str) -> None:
        self.run("document.querySelector(`[data-do=${arguments[0]}]`).click()", kind)

    def saved(self, kind: str, name: str = "edge_of_stability-sharpness-and-loss") -> Path:
        """Click the first figure's button of this kind and wait for the file."""
        path = self.folder / f"{name}.{kind}"
        path.unlink(missing_ok=True)
        self.click(kind)
        self.wait(lambda: path.exists() and not list(self.folder.glob("*.crdownload")))
        return path


def chromium(profile: Path, downloads: Path) -> Iterator[Browser]:
    """One browser, closed at the end; a test without one is skipped, and fails where CI=true."""
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
    for flag in (*FLAGS.split(), f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(chromedriver))
    try:
        yield Browser(driver, downloads)
    finally:
        driver.quit()
