"""Repeats every step of the browser flow in Chromium: nothing ends in a page without a way on.

Called by browser_flow.py. Prints how often each step was done, and the number of dead ends.
"""

import collections
import http.client
import http.server
import json
import threading
import time
import urllib.parse
import urllib.request

from browser_driver import DEADLINE, Browser, check

ENTER, TAB = "\ue007", "\ue004"


class Repeats:
    """The steps, by a person who administers the organization."""

    def __init__(self, demo: dict, person: Browser, api):
        self.demo, self.person, self.api = demo, person, api
        self.steps, self.dead_ends = collections.Counter(), 0
        self.callback = demo["api"] + "/v1/github/installation/callback"
        self.back = demo["product"].rstrip("/") + "/by-hand"
        with urllib.request.urlopen(f"{demo['github']}/_control/state", timeout=DEADLINE) as answer:
            self.installation = json.load(answer)["installations"][0]["id"]

    def state(self) -> str:
        status, link = self.api(self.demo["api"], self.demo["apiKey"],
                                "/install-url?" + urllib.parse.urlencode({"returnUrl": self.back}))
        check("the API gives a link", status == 200, link)
        return link["state"]

    def start(self, state: str) -> str:
        return f"{self.callback}?state={state}&installation_id={self.installation}"

    def asked(self, state: str):
        """Opens the question, through GitHub's web flow."""
        self.person.open(self.start(state))
        self.ends_at_the_question()

    def ends_at_the_question(self):
        self.ends(lambda: self.person.has("#confirm") and self.callback in self.person.call("/url"))

    def ends_at_the_product(self, parameter: str = "installation_id="):
        self.ends(lambda: self.person.call("/url").startswith(self.back + "?") and parameter in self.person.call("/url"))

    def ends(self, holds):
        """Waits until the step has ended as it should. A page that has no link or button is a dead end."""
        end = time.monotonic() + DEADLINE
        while not holds():
            if time.monotonic() > end:
                self.dead_ends += not self.person.run("return document.querySelector('a[href], button') !== null")
                self.person.shot("unexpected")
                raise SystemExit(f"{list(self.steps)[-1]}: ended at {self.person.call('/url')}; dead ends: {self.dead_ends}")
            time.sleep(0.05)

    def step(self, name: str):
        self.steps[name] += 1

    def reload(self):
        self.asked(self.state())
        for _ in range(3):
            self.step("reload of the question")
            self.person.call("/refresh", {})
            self.ends_at_the_question()
        self.person.click("#confirm")
        self.ends_at_the_product()

    def go_back(self):
        for button, parameter in (("#confirm", "installation_id="), ("#cancel", "error=access_denied")):
            state = self.state()
            self.asked(state)
            self.person.click(button)
            self.ends_at_the_product(parameter)
            self.step(f"back after {button[1:]}")
            self.person.call("/back", {})
            # The browser kept the question, whose buttons repeat the first answer; or it asked again, and is led on.
            self.ends(lambda: any(map(self.person.has, ("#confirm", "#back"))) or self.back in self.person.call("/url"))
            for other in ("#confirm", "#back"):
                if self.person.has(other):
                    self.person.click(other)
                    break
            self.ends_at_the_product(parameter)
            self.step(f"the first link again after {button[1:]}")
            self.person.open(self.start(state))
            if button == "#confirm":
                self.ends_at_the_product()
            else:
                self.ends(lambda: self.person.has("#back"))
                self.person.click("#back")
                self.ends_at_the_product(parameter)

    def double_click(self):
        for gap in (0, 150, 400):
            for button, parameter in (("#confirm", "installation_id="), ("#cancel", "error=access_denied")):
                for _ in range(3):
                    self.asked(self.state())
                    self.let_the_second_pass()
                    self.step(f"double click on {button[1:]}, {gap} ms")
                    self.person.press(button, times=2, gap=gap)
                    self.ends_at_the_product(parameter)

    def let_the_second_pass(self):
        self.person.run("document.getAnimations().forEach(animation => animation.finish())")

    def first_second(self):
        """A click that was meant for another page does nothing."""
        for button in ("#confirm", "#cancel"):
            self.asked(self.state())
            self.person.run("document.getAnimations().forEach(one => { one.pause(); one.currentTime = 500; })")
            self.step(f"click on {button[1:]} in the first second")
            self.person.press(button, times=2, gap=50)
            time.sleep(0.3)  # a form that was sent would have left the page
            check("a click in the first second does nothing", self.person.has("#confirm"))
            self.let_the_second_pass()
            self.person.press(button)
            self.ends_at_the_product("state=")

    def two_tabs(self):
        first = self.person.call("/window")
        states = [self.state(), self.state()]
        self.asked(states[0])
        second = self.person.tab()
        self.asked(states[1])
        third = self.person.tab()
        self.asked(states[1])
        for tab in (first, second, third):
            self.person.switch(tab)
            self.step("confirm in one of three tabs")
            self.person.click("#confirm")
            self.ends_at_the_product()
        for tab in (third, second):
            self.person.switch(tab)
            self.person.call_delete("/window")
        self.person.switch(first)

    def code(self, state: str) -> str:
        """A callback URL with a code that GitHub gave for the person."""
        to_github = self.location(self.start(state))
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(to_github).query)
        github = self.demo["github"]
        with urllib.request.urlopen(urllib.request.Request(
                f"{github}/_control/default-user", json.dumps({"login": "olga"}).encode(),
                {"Content-Type": "application/json"}), timeout=DEADLINE):
            pass
        back = self.location(f"{github}/login/oauth/authorize?" + urllib.parse.urlencode(
            {"client_id": query["client_id"][0], "state": state}))
        return f"{back}&installation_id={self.installation}&setup_action=update"

    def location(self, url: str) -> str:
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=DEADLINE)
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        check("a redirect", answer.status == 302, answer.read())
        return answer.getheader("Location")

    def prefetch(self):
        """Another page of the browser loads the callback before the person goes there."""
        rules = '<script type="speculationrules">{"%s":[{"source":"list","urls":["%s"],"eagerness":"immediate"}]}</script>'
        for name, html in (("link rel=prefetch", '<link rel="prefetch" href="%s">'),
                           ("speculation rules, prefetch", rules % ("prefetch", "%s")),
                           ("speculation rules, prerender", rules % ("prerender", "%s"))):
            url = self.code(self.state())
            with page(html % (url.replace("&", "&amp;") if html.startswith("<link") else url)) as (address, done):
                self.person.open(address)
                done.wait(1)
                time.sleep(0.5)  # nothing tells when the browser has prefetched
                self.step(name)
                self.person.open(url)
                self.ends_at_the_question()
            self.person.click("#confirm")
            self.ends_at_the_product()

    def foreign_cookie(self):
        self.person.open(self.demo["product"])
        self.person.run("document.cookie = 'theme=\u00e9t\u00e9; path=/'")
        self.asked(self.state())
        self.step("a non-ASCII cookie beside ours")
        self.person.click("#confirm")
        self.ends_at_the_product()
        self.person.run("document.cookie = 'theme=; path=/; max-age=0'")

    def phone(self):
        self.person.size(380, 700)
        self.asked(self.state())
        self.step("phone width")
        wide = self.person.run("return document.documentElement.scrollWidth > window.innerWidth")
        self.person.shot("phone")
        check("the question fits a phone", not wide)
        self.person.click("#confirm")
        self.ends_at_the_product()
        self.person.size(900, 700)

    def keyboard(self):
        for button, parameter in (("confirm", "installation_id="), ("cancel", "error=access_denied")):
            self.asked(self.state())
            self.step(f"{button} by keyboard")
            for _ in range(6):
                if self.person.run("return document.activeElement.id") == button:
                    break
                self.person.key(TAB)
            check(f"Tab reaches {button}", self.person.run("return document.activeElement.id") == button)
            self.person.key(ENTER)
            self.ends_at_the_product(parameter)

    def roles(self):
        self.asked(self.state())
        self.step("roles and names")
        for css, role, name in (("main", "main", None), ("h1", "heading", "Connect acme-coffee on GitHub to Acme Coffee (demo)?"),
                                ("#confirm", "button", "Confirm"), ("#cancel", "button", "Cancel")):
            check(f"{css} is a {role}", self.person.on(css, "computedrole") == role, self.person.on(css, "computedrole"))
            label = self.person.on(css, "computedlabel")
            check(f"{css} is named", name is None or label == name, label)
        check("the page has a language", self.person.run("return document.documentElement.lang") == "en")
        check("the page has a title", self.person.run("return document.title") == "Connect GitHub")


class page:  # noqa: N801
    """Serves one HTML page on a port of its own; `done` is set once it was loaded."""

    def __init__(self, html: str):
        done = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(f"<!DOCTYPE html><title>Another page</title>{html}".encode())
                done.set()

            def log_message(self, *_):
                pass

        self.server, self.done = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler), done

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}/", self.done

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def repeats(demo: dict, person: Browser, api):
    run = Repeats(demo, person, api)
    for steps in (run.roles, run.reload, run.go_back, run.double_click, run.first_second, run.two_tabs, run.prefetch,
                  run.foreign_cookie, run.phone, run.keyboard):
        steps()
        check(steps.__name__.replace("_", " "), run.dead_ends == 0)
    for name, times in run.steps.items():
        print(f"{times:4} {name}")
    print(f"{run.dead_ends:4} dead ends", flush=True)
