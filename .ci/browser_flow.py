"""Runs the main flow in real browsers: connect, install, confirm; an attack in which an administrator follows a stranger's link; and every
step repeated.

Usage: browser_flow.py PATH_OF_DOCKLINE_DEMO [PICTURE]. Uses only the standard library; writes screenshots beside the binary, and the
picture of the README to PICTURE.
"""

import json
import pathlib
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from browser_driver import DEADLINE, ELEMENT, Browser, browsers, check
from browser_repeats import repeats


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
    # Else the next click may hit the page that is about to go.
    check("GitHub shows the account", admin.arrives_at("account="), admin.call("/url"))


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
    check("another browser's Confirm is refused", "another browser" in reason, reason)
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


def shows_steps(demo: dict, admin: Browser, picture: pathlib.Path | None):
    """The product's page shows what happened, fits a phone, and is photographed for the README."""
    end = time.monotonic() + DEADLINE
    while "installation.registered" not in admin.text("#steps") and time.monotonic() < end:
        admin.open(demo["product"])
    steps = admin.text("#steps")
    for part in ("proved to administer the account", "came from another browser", "no visitor proved", "Dockline bound the two",
                 "Bean Counter received the event installation.registered"):
        check(f"the page shows: {part}", part in steps, steps)
    # Headless windows are not narrower than 500 px, a phone is.
    phone = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    admin.chrome("Emulation.setDeviceMetricsOverride", phone)
    admin.open(demo["product"])
    width, viewport = admin.run("return [document.documentElement.scrollWidth, innerWidth]")
    check("the page fits a phone of 360 px", width <= 360 and viewport == 360, (width, viewport))
    admin.shot("phone")
    # As high as the page, without a scroll bar.
    page = {**phone, "width": 760}
    admin.chrome("Emulation.setDeviceMetricsOverride", page)
    admin.open(demo["product"])
    page["height"] = admin.run("return document.documentElement.scrollHeight")
    admin.chrome("Emulation.setDeviceMetricsOverride", page)
    image = admin.screenshot()
    admin.chrome("Emulation.clearDeviceMetricsOverride", {})
    check("the picture is smaller than 150 kB", len(image) < 150_000, len(image))
    if picture is not None:
        picture.write_bytes(image)


def main(binary: str, picture: pathlib.Path | None):
    server = subprocess.Popen(
        [binary, "--json", "--listen", "127.0.0.1:0", "--github-listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE, text=True)
    try:
        demo = json.loads(server.stdout.readline())
        with browsers(pathlib.Path(binary).parent.parent / "browser-flow", "olga", "stranger") as (olga, stranger):
            lured(demo, olga, stranger)
            connect(demo, olga)
            shows_steps(demo, olga, picture)
            repeats(demo, olga, api)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(DEADLINE)
    check("the demo ends cleanly", server.returncode == 0, server.returncode)
    print("browser flow: done")


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None)
