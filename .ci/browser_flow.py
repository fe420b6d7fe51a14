"""Runs the main flow in real browsers: connect, install, confirm; and an attack in which an administrator follows a stranger's link.

Usage: browser_flow.py PATH_OF_DOCKLINE_DEMO. Uses only the standard library; writes screenshots beside the binary.
"""

import base64
import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
DEADLINE = 30


class Stale(Exception):
    """The page changed between finding the element and using it."""


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
            if refusal["error"] == "stale element reference":
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

    def click(self, css: str):
        self.on(css, "click", {})

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

    def shot(self, name: str):
        self.shot_count += 1
        path = self.shots / f"{self.name}-{self.shot_count}-{name}.png"
        with urllib.request.urlopen(self.session + "/screenshot", timeout=DEADLINE) as answer:
            path.write_bytes(base64.b64decode(json.load(answer)["value"]))

    def close(self):
        urllib.request.urlopen(urllib.request.Request(self.session, method="DELETE"), timeout=DEADLINE).close()
        self.profile.cleanup()


def check(what: str, holds: bool, seen: object = ""):
    print(f"{'ok  ' if holds else 'FAIL'} {what}", flush=True)
    if not holds:
        raise SystemExit(f"expected: {what}\nseen: {seen}")


def api(base: str, key: str, path: str, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{base}/v1/github/installation{path}", data, headers)
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def choose_account(admin: Browser):
    """Selects the organization on GitHub's page."""
    option = admin.call("/element", {"using": "xpath", "value": "//option[contains(., 'acme-coffee')]"})[ELEMENT]
    admin.call(f"/element/{option}/click", {})
    admin.click("#account-select")


def install(admin: Browser) -> str:
    """Installs the App on GitHub's page; returns the question on Dockline's page."""
    admin.click("#install")
    check("GitHub sends the browser back", admin.arrives_at("/v1/github/installation/callback"), admin.call("/url"))
    return admin.text("h1")


def lured(demo: dict, admin: Browser, stranger: Browser):
    """olga follows a stranger's link: the page names the stranger's organization, and nothing happens without her Confirm."""
    query = urllib.parse.urlencode({"returnUrl": demo["returnUrl"]})
    _, link = api(demo["api"], demo["rivalApiKey"], f"/install-url?{query}")
    admin.open(link["installUrl"])
    choose_account(admin)
    asked = install(admin)
    admin.shot("lured")
    check("the question names the stranger's organization", "Rival Roasters" in asked, asked)
    fields = {name: admin.value(f"input[name={name}]") for name in ("state", "ticket")}
    installed = [i["id"] for i in github_state(demo)["installations"]]

    stranger.open(demo["product"])
    stranger.run("""
        const form = document.createElement('form');
        form.method = 'post'; form.action = arguments[0];
        for (const [name, value] of Object.entries(arguments[1])) {
            const input = document.createElement('input');
            input.name = name; input.value = value; form.append(input);
        }
        document.body.append(form); form.submit();
        """, demo["api"] + "/v1/github/installation/callback", {**fields, "answer": "confirm"})
    reason = stranger.text("#reason")
    stranger.shot("other-browser")
    check("another browser's Confirm is refused", "browser that was asked" in reason, reason)
    for installation in installed:
        status, answer = api(demo["api"], demo["rivalApiKey"], "",
                             {"installationId": installation, "state": link["state"]})
        check("nothing is tied to the stranger's state", status == 422, answer)

    admin.click("#cancel")
    check("Cancel returns to the product with a refusal", admin.arrives_at("error=access_denied"))
    for installation in installed:
        with urllib.request.urlopen(urllib.request.Request(
                f"{demo['github']}/_control/installations/{installation}/uninstall", b"{}",
                {"Content-Type": "application/json"}), timeout=DEADLINE):
            pass


def github_state(demo: dict) -> dict:
    with urllib.request.urlopen(f"{demo['github']}/_control/state", timeout=DEADLINE) as answer:
        return json.load(answer)


def connect(demo: dict, admin: Browser):
    """olga connects her organization."""
    admin.open(demo["product"])
    admin.shot("product")
    admin.click("#connect")
    admin.find("#install")
    admin.shot("github")
    asked = install(admin)
    admin.shot("confirmation")
    check("the question names the account", "acme-coffee" in asked, asked)
    admin.click("#confirm")
    login = admin.text("#bound-login")
    admin.shot("connected")
    check("the product shows acme-coffee bound", login == "acme-coffee", login)
    status, bound = api(demo["api"], demo["apiKey"], "")
    check("the API agrees", (status, bound.get("orgLogin")) == (200, "acme-coffee"), bound)


def main(binary: str):
    shots = pathlib.Path(binary).parent.parent / "browser-flow"
    shots.mkdir(exist_ok=True)
    server = subprocess.Popen(
        [binary, "--json", "--listen", "127.0.0.1:0", "--github-listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE, text=True)
    driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
    browsers = []
    try:
        demo = json.loads(server.stdout.readline())
        port = next(found for line in driver.stdout if (found := re.search(r"successfully on port (\d+)", line)))[1]
        for name in ("olga", "stranger"):
            browsers.append(Browser(f"http://127.0.0.1:{port}", shots, name))
        lured(demo, *browsers)
        connect(demo, browsers[0])
    finally:
        for browser in browsers:
            browser.close()
        driver.terminate()
        server.send_signal(signal.SIGTERM)
        server.wait(DEADLINE)
    check("the demo ends cleanly", server.returncode == 0, server.returncode)
    print("browser flow: done")


if __name__ == "__main__":
    main(sys.argv[1])
