"""Attacks a host with cookie sessions from a page of another site, in a real browser.

Usage: browser_attack.py PATH_OF_EXAMPLE_OWN_LOGIN

The host is at localhost, the attacker's page at 127.0.0.1. A signed-in administrator opens the attacker's page, which makes their
browser send requests to the host in every way that a page can. Every request that arrives must be answered 403
CROSS_SITE_REQUEST, no state may be issued and nothing bound. The control: the host's own page then connects an account.
"""

import http.server
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

from browser_driver import DEADLINE, Browser, browsers, check
from browser_flow import choose_account, install

KNOWN = "known-to-the-attacker"

# Each script gets the URL of install-url with a known state, and the URL of the registration.
FORM = """
const form = document.createElement('form');
Object.assign(form, { method: arguments[2], action: arguments[3], enctype: arguments[4] });
for (const [name, value] of Object.entries(arguments[5])) {
    const input = document.createElement('input');
    input.name = name; input.value = value; form.append(input);
}
document.body.append(form); form.submit();
"""
ELEMENT = "const made = document.createElement('{}'); made.{} = arguments[0]; document.body.append(made);"
BODY = json.dumps({"installationId": 50000021, "state": KNOWN})
# A text/plain form sends `name=value`: the body is the same JSON with one more key.
HEAD, TAIL = BODY[:-1] + ', "x": "', '"}'
TRIALS = {
    "a link": "const link = document.createElement('a'); link.href = arguments[0]; document.body.append(link); link.click();",
    "window.open": "window.open(arguments[0]);",
    "img": ELEMENT.format("img", "src"),
    "iframe": ELEMENT.format("iframe", "src"),
    "script": ELEMENT.format("script", "src"),
    "fetch, no-cors": "fetch(arguments[0], { credentials: 'include', mode: 'no-cors' }).catch(() => 0);",
    "fetch, cors": "fetch(arguments[0], { credentials: 'include', mode: 'cors' }).catch(() => 0);",
    "prefetch": "const made = document.createElement('link'); made.rel = 'prefetch'; made.href = arguments[0]; document.head.append(made);",
    "POST by fetch, no-cors": "fetch(arguments[1], { method: 'POST', credentials: 'include', mode: 'no-cors', body: arguments[2] }).catch(() => 0);",
    "DELETE by fetch": "fetch(arguments[1], { method: 'DELETE', credentials: 'include' }).catch(() => 0);",
}


class Host:
    """The example host, with the requests that it answered."""

    def __init__(self, binary: str):
        self.log = tempfile.NamedTemporaryFile(suffix=".log")
        self.process = subprocess.Popen([binary], stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.origin = json.loads(self.process.stdout.readline())["host"]

    def answered(self) -> list:
        """Returns method, path, status and code of every request so far, in the order of the answers."""
        lines = pathlib.Path(self.log.name).read_text().splitlines()
        records = [json.loads(line) for line in lines if line.endswith("}")]
        spans = [record["span"] for record in records if record["fields"].get("message") == "answered"]
        return [(span["method"], span["route"], int(span["status"]), span["code"]) for span in spans]

    def wait_for_more(self, count: int) -> list:
        """Returns the requests after the first `count`, as soon as there is one."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            if more := self.answered()[count:]:
                return more
            time.sleep(0.02)
        return []


def attacker() -> http.server.ThreadingHTTPServer:
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Win a prize</title><h1>Win a prize</h1>")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def sign_in(host: Host, victim: Browser):
    """Signs ann in. The cookie becomes SameSite=None, so that the browser itself protects nothing."""
    victim.open(host.origin)
    victim.click("#sign-in")
    end = time.monotonic() + DEADLINE
    while not (cookies := victim.call("/cookie")) and time.monotonic() < end:
        time.sleep(0.02)
    cookie = next(cookie for cookie in cookies if cookie["name"] == "session")
    victim.call("/cookie", {"cookie": {**cookie, "sameSite": "None", "secure": True}})
    check("a session cookie that the browser sends to every site", victim.call("/cookie")[0]["sameSite"] == "None")


def own(victim: Browser, path: str, body=None):
    """Sends a request from the page that the browser shows; returns status and text."""
    return victim.run("""
        const [path, body] = arguments, headers = { 'Content-Type': 'application/json' };
        return fetch(path, body ? { method: 'POST', headers, body } : {}).then(async a => [a.status, await a.text()]);
        """, path, body)


def attack(host: Host, victim: Browser, site: str):
    api = f"{host.origin}/v1/github/installation"
    link = f"{api}/install-url?returnUrl={host.origin}/connected"
    own_state = f"{link}&state={KNOWN}"
    fields = {"returnUrl": f"{host.origin}/connected", "state": KNOWN}
    plain = "application/x-www-form-urlencoded"
    trials = [(name, (script, own_state, api, BODY)) for name, script in TRIALS.items()]
    trials += [
        ("a link without a state", (TRIALS["a link"], link, api)),
        ("form GET", (FORM, own_state, api, "get", f"{api}/install-url", plain, fields)),
        ("form POST, text/plain", (FORM, own_state, api, "post", api, "text/plain", {HEAD: TAIL})),
    ]
    for name, arguments in trials:
        victim.open(site)
        before = len(host.answered())
        victim.run(*arguments)
        arrived = host.wait_for_more(before)
        refused = all(answer[2:] == (403, "CROSS_SITE_REQUEST") for answer in arrived)
        if name == "DELETE by fetch":
            # The browser asks first, and no preflight is answered.
            refused = all(answer[0] == "OPTIONS" and answer[2] == 405 for answer in arrived)
        check(f"{name}: {arrived}", bool(arrived) and refused, arrived)
    everything = [answer for answer in host.answered() if answer[1].startswith("/v1/github/installation")]
    check("every API request was refused", all(answer[2] in (403, 405) for answer in everything), everything)


def main(binary: str):
    host, page = Host(binary), attacker()
    try:
        with browsers(pathlib.Path(binary).parent.parent.parent / "browser-attack", "victim") as (victim,):
            sign_in(host, victim)
            attack(host, victim, f"http://127.0.0.1:{page.server_port}/")

            victim.close_other_tabs()
            victim.open(host.origin)
            status, _ = own(victim, "/v1/github/installation")
            check("nothing is bound", status == 404, status)
            status, text = own(victim, "/v1/github/installation", BODY)
            check("the attacker's state was not issued", status == 422, text)
            victim.click("#connect")
            check("the host's own page gets an install URL", victim.arrives_at("/installations/new"), victim.call("/url"))
            victim.find("#account-select")
            choose_account(victim)
            install(victim)
            victim.click("#confirm")
            check("the host's own page returns", victim.arrives_at("/connected"), victim.call("/url"))
            end = time.monotonic() + DEADLINE
            while not (result := victim.text("#result")) and time.monotonic() < end:
                time.sleep(0.02)
            check("the host's own page connects an account", result == "Connected acme-coffee", result)
    finally:
        host.process.terminate()
        host.process.wait(DEADLINE)
        page.shutdown()
    print("browser attack: done")


if __name__ == "__main__":
    main(sys.argv[1])
