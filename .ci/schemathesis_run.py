"""Starts a server and runs schemathesis against it. Usage: schemathesis_run.py BINARY [OPTIONS], see --help."""

import argparse
import json
import os
import pathlib
import secrets
import subprocess
import time
import venv

from served import served

HERE = pathlib.Path(__file__).parent
PYPI = ["schemathesis==4.32.5"]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("binary")
    options.add_argument("--max-examples", type=int, default=60, help="the most cases per operation and phase")
    options.add_argument("--seed", type=int, default=secrets.randbelow(2**31), help="the seed of the run to repeat")
    options.add_argument("--tier", default="partner", help="tier of the key; a small one provokes 429s")
    options.add_argument("--release", action="store_true", help="build the server in release mode")
    options.add_argument("--workers", type=int, default=1)
    given = options.parse_args()
    binary = pathlib.Path(given.binary).resolve()
    scratch = binary.parent.parent / "schemathesis"
    scratch.mkdir(parents=True, exist_ok=True)
    program = scratch / "venv" / "bin" / "schemathesis"
    if not program.exists():
        venv.create(scratch / "venv", with_pip=True)
    subprocess.run([program.with_name("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PYPI], check=True)
    report = scratch / "report.json"
    report.unlink(missing_ok=True)
    print(f"seed {given.seed}, tier {given.tier}, at most {given.max_examples} examples", flush=True)
    began = time.monotonic()
    with served(str(binary), scratch / "server.log") as server:
        # Once one is bound, registrations of the other conflict.
        installations = [server.install("acme-coffee", "olga"), server.install("mallory-inc", "mallory")]
        environment = {**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE / "schemathesis.d"),
                       "DOCKLINE_KEY": server.key("org_schemathesis", given.tier),
                       "DOCKLINE_API": server.api, "DOCKLINE_INSTALLATIONS": json.dumps(installations),
                       "DOCKLINE_WEBHOOK_SECRET": server.github["webhookSecret"]}
        ended = subprocess.run(
            [program, "--config-file", HERE / "schemathesis.d" / "schemathesis.toml", "run", f"{server.api}/openapi.json",
             "--max-examples", str(given.max_examples), "--seed", str(given.seed), "--workers", str(given.workers),
             "--checks", "all", "--continue-on-failure", "--suppress-health-check", "all", "--no-color",
             "--report", "json", "--report-json-path", str(report)],
            cwd=scratch, env=environment, check=False)
    answers = json.loads((scratch / "answers.json").read_text(encoding="utf-8"))
    print("answers: " + ", ".join(f"{name} {count}" for name, count in answers.items()))
    print(f"seed {given.seed}, {time.monotonic() - began:.0f} seconds; the report: {report}")
    raise SystemExit(ended.returncode)


if __name__ == "__main__":
    main()
