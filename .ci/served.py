"""Runs `dockline serve` with the simulator and the PostgreSQL of DATABASE_URL for the duration of a `with` block."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import urllib.request
import uuid

DEADLINE = 30


class Served:
    """A running server, its App at the simulator, and actions of operators and GitHub's users."""

    def __init__(self, binary: str, environment: dict, github: dict, api: str):
        self.binary, self.environment, self.github, self.api = binary, environment, github, api

    def key(self, organization: str, tier: str = "partner", scopes=("github:admin",)) -> str:
        """Creates an API key."""
        command = [self.binary, "keys", "create", "--json", "--organization", organization, "--name", organization,
                   "--tier", tier, "--return-domain", "app.example.com"]
        command += [f"--scope={scope}" for scope in scopes]
        created = subprocess.run(command, env=self.environment, check=True, stdout=subprocess.PIPE)
        return json.loads(created.stdout)["apiKey"]

    def control(self, path: str, body: dict):
        """Calls the control API of the simulator."""
        request = urllib.request.Request(self.github["control"] + path, json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def install(self, account: str, sender: str) -> int:
        """Creates an installation and returns its id."""
        return self.control("/installations", {"app_id": self.github["appId"], "account": account,
                                               "sender": sender})["id"]


def start(command: list, environment: dict, log) -> tuple:
    """Starts a program; returns its process and the JSON line that it prints when it listens."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"{' '.join(command[:2])} did not start; see {log.name}")
    return process, json.loads(line)


@contextlib.contextmanager
def served(binary: str, log_path: pathlib.Path):
    """Starts simulator and server, with the claim policy `state`, which needs no visitor. The programs log to `log_path`."""
    environment = {**os.environ, "DOCKLINE_DATABASE_URL": os.environ["DATABASE_URL"],
                   "DOCKLINE_DATABASE_SCHEMA": f"clients_{uuid.uuid4().hex[:12]}", "RUST_LOG": "warn",
                   # The tests send many wrong keys.
                   "DOCKLINE_AUTH_FAILURES_PER_MINUTE": "0"}
    processes = []
    with tempfile.TemporaryDirectory() as folder, open(log_path, "w", encoding="utf-8") as log:
        files = pathlib.Path(folder)
        try:
            simulator = str(pathlib.Path(binary).with_name("dockline-github-sim"))
            sim, github = start([simulator, "--json", "--listen", "127.0.0.1:0"], environment, log)
            processes.append(sim)
            for name in ("privateKeyPem", "clientSecret", "webhookSecret"):
                (files / name).write_text(github[name], encoding="utf-8")
            server, told = start(
                [binary, "serve", "--json", "--listen", "127.0.0.1:0", "--claim-policy", "state",
                 "--github-web-url", github["web"], "--github-api-url", github["api"],
                 "--github-app-id", str(github["appId"]), "--github-app-slug", github["slug"],
                 "--github-client-id", github["clientId"], "--github-client-secret-file", f"{folder}/clientSecret",
                 "--github-private-key-file", f"{folder}/privateKeyPem",
                 "--webhook-secret-file", f"{folder}/webhookSecret"], environment, log)
            processes.append(server)
            yield Served(binary, environment, github, told["api"])
        finally:
            for process in reversed(processes):
                process.send_signal(signal.SIGTERM)
                process.wait(DEADLINE)
    for process in processes:
        if process.returncode != 0:
            raise SystemExit(f"{' '.join(process.args[:2])} ended with {process.returncode}; see {log_path}")
