"""A browser, driven by the WebDriver protocol, and checks. Uses only the standard library."""

import base64
import contextlib
import json
import pathlib
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
DEADLINE = 30


class Stale(Exception):
    """The page changed between finding the element and using it, or is about to."""


class Browser:
    """A browser with its own profile, driven by the WebDriver protocol."""

    def __init__(self, driver: str, shots: pathlib.Path, name: str):
        self.shots, self.name, self.shot_count = shots, name, 0
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                     "--disable-background-networking", "--disable-component-update", "--disable-sync",
                     "--window-size=900,700", f"--user-data-dir={self.profile.name}"]
        capabilities = {"alwaysMatch": {"goog:chromeOptions": {"args": arguments},
                                        "timeouts": {"implicit": 10_000, "pageLoad": DEADLINE * 1000}}}
        self.session = f"{driver}/session"
        self.session += "/" + self.call("", {"capabilities": capabilities})["sessionId"]

    def call(self, path: str, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.session + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE + 10) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            refusal = json.load(error)["value"]
            # During a navigation chromedriver reports some stale elements as unknown errors. A button that does not take
            # the pointer yet lets the click through.
            passing = ("stale element reference", "element click intercepted")
            if refusal["error"] in passing or "does not belong to the document" in refusal["message"]:
                raise Stale(path) from None
            self.shot("failure")
            raise SystemExit(f"{self.name} {path}: {refusal['message']}") from None

    def open(self, url: str):
        self.call("/url", {"url": url})

    def find(self, css: str) -> str:
        return self.call("/element", {"using": "css selector", "value": css})[ELEMENT]

    def on(self, css: str, command: str, body=None):
        """Runs the command on the element, and again if a navigation replaced the page meanwhile."""
        end = time.monotonic() + DEADLINE
        while True:
            try:
                return self.call(f"/element/{self.find(css)}/{command}", body)
            except Stale:
                if time.monotonic() > end:
                    raise SystemExit(f"{self.name}: {css} stays stale") from None
                time.sleep(0.05)

    def click(self, css: str):
        """Clicks the element once it takes the pointer."""
        end = time.monotonic() + DEADLINE
        while self.on(css, "css/pointer-events") == "none" and time.monotonic() < end:
            time.sleep(0.05)
        self.on(css, "click", {})

    def press(self, css: str, times: int = 1, gap: int = 0):
        """Presses the mouse over the element, `times` times with `gap` milliseconds between, whatever it hits."""
        button = [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0},
                  {"type": "pause", "duration": gap}]
        move = {"type": "pointerMove", "origin": {ELEMENT: self.find(css)}, "x": 0, "y": 0}
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"},
                 "actions": [move, *(button * times)]}
        self.call("/actions", {"actions": [mouse]})

    def key(self, text: str):
        """Presses a key."""
        actions = [{"type": "keyDown", "value": text}, {"type": "keyUp", "value": text}]
        self.call("/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def has(self, css: str) -> bool:
        return bool(self.run("return document.querySelector(arguments[0]) !== null", css))

    def tab(self) -> str:
        """Opens a tab and switches to it; returns its handle."""
        handle = self.call("/window/new", {"type": "tab"})["handle"]
        self.switch(handle)
        return handle

    def switch(self, handle: str):
        self.call("/window", {"handle": handle})

    def size(self, width: int, height: int):
        self.call("/window/rect", {"width": width, "height": height})

    def text(self, css: str) -> str:
        return self.on(css, "text")

    def value(self, css: str) -> str:
        return self.on(css, "property/value")

    def run(self, script: str, *arguments):
        return self.call("/execute/sync", {"script": script, "args": list(arguments)})

    def arrives_at(self, part: str) -> bool:
        """Waits until the URL contains `part`; false if it does not in time."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            if part in self.call("/url"):
                return True
            time.sleep(0.05)
        return False

    def close_other_tabs(self):
        """Closes the tabs that pages opened. A tab behind another one is not drawn, so nothing in it can be clicked."""
        current = self.call("/window")
        for other in self.call("/window/handles"):
            if other != current:
                self.switch(other)
                self.call_delete("/window")
        self.switch(current)

    def call_delete(self, path: str):
        request = urllib.request.Request(self.session + path, method="DELETE")
        urllib.request.urlopen(request, timeout=DEADLINE).close()

    def chrome(self, command: str, parameters: dict):
        """Runs a command of Chromium's own protocol."""
        self.call("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def screenshot(self) -> bytes:
        with urllib.request.urlopen(self.session + "/screenshot", timeout=DEADLINE) as answer:
            return base64.b64decode(json.load(answer)["value"])

    def shot(self, name: str):
        self.shot_count += 1
        (self.shots / f"{self.name}-{self.shot_count}-{name}.png").write_bytes(self.screenshot())

    def close(self):
        urllib.request.urlopen(urllib.request.Request(self.session, method="DELETE"), timeout=DEADLINE).close()
        self.profile.cleanup()


def check(what: str, holds: bool, seen: object = ""):
    print(f"{'ok  ' if holds else 'FAIL'} {what}", flush=True)
    if not holds:
        raise SystemExit(f"expected: {what}\nseen: {seen}")


@contextlib.contextmanager
def browsers(shots: pathlib.Path, *names: str):
    """Starts a chromedriver with one browser per name."""
    shots.mkdir(exist_ok=True)
    driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
    started = []
    try:
        port = next(found for line in driver.stdout if (found := re.search(r"successfully on port (\d+)", line)))[1]
        for name in names:
            started.append(Browser(f"http://127.0.0.1:{port}", shots, name))
        yield started
    finally:
        for browser in started:
            browser.close()
        driver.terminate()
