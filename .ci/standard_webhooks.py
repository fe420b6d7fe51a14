"""Runs the receivers of docs/events.md and sends them messages, and changed copies of them. Usage: standard_webhooks.py SENDER"""

import contextlib
import http.client
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import venv

HERE = pathlib.Path(__file__).parent
# Pinned; the page repeats the versions.
NPM, PYPI = "1.1.1", "1.1.0"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW_SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def run(command: list, folder: pathlib.Path, **more) -> str:
    done = subprocess.run([str(part) for part in command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, timeout=300, **more)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(str(part) for part in command)[:300]}\n{done.stdout}")
    return done.stdout


def programs(folder: pathlib.Path) -> dict:
    """Writes the receivers of the page, installs their packages, and returns the commands."""
    page = (HERE.parent / "docs" / "events.md").read_text(encoding="utf-8")
    found = dict(re.findall(r"```(?:js|python)\n(?://|#) ([\w.-]+)\n(.*?)```", page, re.DOTALL))
    assert sorted(found) == ["product.py", "receiver.mjs", "receiver.py"], sorted(found)
    pins = re.findall(r"`standardwebhooks` \(CI pins ([\d.]+)\)", page)
    assert pins == [NPM, PYPI], f"docs/events.md names other versions than {NPM} and {PYPI}: {pins}"
    for name, text in found.items():
        (folder / name).write_text(text, encoding="utf-8")
    package = {"name": "scratch", "private": True, "dependencies": {"standardwebhooks": NPM}}
    (folder / "package.json").write_text(json.dumps(package), encoding="utf-8")
    run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"], folder)
    interpreter = folder / "venv" / "bin" / "python"
    if not interpreter.exists():
        venv.create(folder / "venv", with_pip=True)
    run([interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"standardwebhooks=={PYPI}"], folder)
    return {"node": ["node", "receiver.mjs"], "python": [interpreter, "receiver.py"],
            "python without packages": [sys.executable, "product.py"]}


@contextlib.contextmanager
def receiving(command: list, folder: pathlib.Path, secret: str):
    """Runs a receiver; yields its port and a function that returns the lines that it printed until it ended."""
    environment = {**os.environ, "FORWARD_SECRET": secret, "PORT": "0"}
    process = subprocess.Popen([str(part) for part in command], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        word, port = process.stdout.readline().split()
        assert word == "listening"

        def end() -> list:
            process.terminate()
            return process.stdout.read().splitlines()

        yield int(port), end
    finally:
        process.kill()
        process.wait()


def send(sender: str, port: int, secrets: list, *messages: str) -> list:
    """Sends messages, each as ORGANIZATION:SEQUENCE, and returns the answers."""
    environment = {**os.environ, "FORWARD_TO": f"http://127.0.0.1:{port}/hook", "FORWARD_SECRETS": " ".join(secrets)}
    return run([sender, *messages], HERE, env=environment).split()


def recorded(sender: str) -> tuple:
    """Returns headers and body of a message, as a program between Dockline and the product sees them."""
    seen = []

    class Recorder(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen.append((headers, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Recorder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert send(sender, server.server_port, [SECRET], "org_acme:7") == ["204"]
        server.shutdown()
    return seen[0]


def post(port: int, headers: dict, body: bytes) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/hook", body, {**headers, "content-length": str(len(body))})
    return connection.getresponse().status


def changed_copies(headers: dict, body: bytes) -> dict:
    """Returns copies that a receiver must refuse, by what was changed."""
    other_time = str(int(headers["webhook-timestamp"]) - 1)
    old_time = str(int(headers["webhook-timestamp"]) - 3600)
    return {
        "another organization": (headers, body.replace(b"org_acme", b"org_mallory")),
        "another type": (headers, body.replace(b'"push"', b'"pull"')),
        "another sequence": (headers, body.replace(b'"sequence":7', b'"sequence":8')),
        "another payload": (headers, body.replace(b"main", b"evil")),
        "other white space": (headers, json.dumps(json.loads(body)).encode()),
        "another id": ({**headers, "webhook-id": "gh_1234_other"}, body),
        "another time": ({**headers, "webhook-timestamp": other_time}, body),
        "an old time": ({**headers, "webhook-timestamp": old_time}, body),
        "another signature": ({**headers, "webhook-signature": "v1," + "A" * 43 + "="}, body),
        "no signature": ({name: value for name, value in headers.items() if name != "webhook-signature"}, body),
    }


def check(name: str, command: list, folder: pathlib.Path, sender: str):
    headers, body = recorded(sender)
    with receiving(command, folder, SECRET) as (port, end):
        messages = ["org_acme:1", "org_other:1", "org_acme:2", "org_acme:1"]
        assert send(sender, port, [SECRET], *messages) == ["204"] * 4
        # While the secret is changed, messages have both signatures.
        assert send(sender, port, [NEW_SECRET, SECRET], "org_acme:3") == ["204"]
        assert send(sender, port, [NEW_SECRET], "org_acme:4") == ["401"]
        for what, (copied_headers, copied_body) in changed_copies(headers, body).items():
            assert (copied_headers, copied_body) != (headers, body), what
            assert post(port, copied_headers, copied_body) == 401, what
        # A changed header for routing does not change to whom the message belongs.
        assert post(port, {**headers, "dockline-organization": "org_mallory"}, body) == 204
        lines = end()
    expected = [f"{organization} push gh_1234_{organization.replace('_', '-')}-{sequence} {sequence}"
                for organization, sequence in [("org_acme", 1), ("org_other", 1), ("org_acme", 2), ("org_acme", 3), ("org_acme", 7)]]
    assert lines == expected, lines
    with receiving(command, folder, NEW_SECRET) as (port, _):
        assert send(sender, port, [NEW_SECRET, SECRET], "org_acme:5") == ["204"]
    print(f"ok   {name}: {len(expected)} messages verified, {len(changed_copies(headers, body))} changed copies refused")


def main(sender: str):
    sender = str(pathlib.Path(sender).resolve())
    folder = pathlib.Path(sender).parent.parent.parent / "standard-webhooks"
    folder.mkdir(parents=True, exist_ok=True)
    for name, command in programs(folder).items():
        check(name, command, folder, sender)
    print("standard webhooks: done")


if __name__ == "__main__":
    main(sys.argv[1])
