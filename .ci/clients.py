"""Generates the clients of docs/clients.md in a folder beside the binary and runs them. Usage: clients.py BINARY"""

import compileall
import json
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.request
import venv
from concurrent.futures import ThreadPoolExecutor

from served import served

HERE = pathlib.Path(__file__).parent
# Every version is pinned; the page repeats those of the generators.
NPM = {"@hey-api/openapi-ts": "0.95.0", "typescript": "5.9.3", "@types/node": "20.19.0"}
PYPI = ["openapi-python-client==0.29.1", "openapi-spec-validator==0.9.0", "httpx==0.28.1", "attrs==26.1.0", "mypy==2.4.1",
        "openapi-generator-cli==7.26.0"]
DOCUMENTS = {"openapi.json": "3.1", "openapi-3.0.json": "3.0"}
# Warnings of OpenAPI Generator about any document.
NOISE = re.compile(r"Failed to get the schema name: null|OpenAPI 3\.1 support is still in beta")


def run(command: list, folder: pathlib.Path, **more):
    done = subprocess.run([str(part) for part in command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, **more)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(str(part) for part in command)[:300]}\n{done.stdout}")
    return done.stdout


def blocks() -> dict:
    """The code blocks of the page by the file names in their first lines."""
    page = (HERE.parent / "docs" / "clients.md").read_text(encoding="utf-8")
    found = re.findall(r"```(?:js|ts|python)\n(?://|#) ([\w.-]+)\n(.*?)```", page, re.DOTALL)
    assert [name for name, _ in found] == ["openapi-ts.config.mjs", "layers.ts", "example.ts", "layers.py", "example.py",
                                         "generator.ts"]
    for package in ("@hey-api/openapi-ts", "openapi-python-client", "openapi-generator-cli"):
        version = NPM.get(package) or next(pin.split("==")[1] for pin in PYPI if pin.startswith(package))
        assert f"`{package}` (CI pins {version}" in page, f"docs/clients.md names another version of {package}"
    return dict(found)


def typescript(folder: pathlib.Path, files: dict, given: dict):
    for name in ("openapi-ts.config.mjs", "layers.ts", "example.ts"):
        (folder / name).write_text(files[name], encoding="utf-8")
    shutil.copy(HERE / "clients.d" / "flow.ts", folder)
    package = {"name": "scratch", "private": True, "dependencies": NPM}
    (folder / "package.json").write_text(json.dumps(package), encoding="utf-8")
    options = {"strict": True, "target": "es2022", "module": "commonjs", "moduleResolution": "node10", "outDir": "built",
               "noUncheckedIndexedAccess": True, "skipLibCheck": True, "types": ["node"]}
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["flow.ts"]}), encoding="utf-8")
    if not (folder / "node_modules" / ".package-lock.json").exists():
        run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"], folder)
    shutil.rmtree(folder / "generated", ignore_errors=True)
    run(["npx", "--no-install", "openapi-ts", "-f", "openapi-ts.config.mjs"], folder)
    run(["npx", "--no-install", "tsc"], folder)
    print(run(["node", "built/flow.js", json.dumps(given)], folder), end="")


def python(folder: pathlib.Path, files: dict, given: dict, interpreter: pathlib.Path):
    for name in ("layers.py", "example.py"):
        (folder / name).write_text(files[name], encoding="utf-8")
    shutil.copy(HERE / "clients.d" / "flow.py", folder)
    generator = interpreter.parent / "openapi-python-client"
    made = run([generator, "generate", "--path", "openapi.json", "--meta", "none", "--output-path", "dockline_client",
                "--overwrite"], folder)
    # It leaves out what it cannot make, with a warning; the linter that it looks for is not needed.
    problems = [part for part in made.split("\n\n") if part.strip() and "Generating" not in part]
    problems = [part for part in problems if not re.search(r"ruff|Skipping Integration|open an issue", part)]
    assert not problems, problems
    run([interpreter, "-m", "mypy", "--ignore-missing-imports", "--check-untyped-defs", "example.py"], folder)
    print(run([interpreter, "flow.py", json.dumps(given)], folder), end="")


def openapi_generator(folder: pathlib.Path, files: dict, given: list, generator: pathlib.Path):
    """Generates clients in three languages from each document, in a folder below that of the TypeScript compiler, and runs the
    TypeScript ones."""
    def generate(document: str, language: str):
        output = folder / document.removesuffix(".json") / ("client" if language == "typescript-fetch" else language)
        shutil.rmtree(output, ignore_errors=True)
        made = run([generator, "generate", "-i", folder.parent / document, "-g", language, "-o", output], folder)
        problems = [line for line in made.splitlines() if re.search(r"\b(WARN|ERROR)\b", line) and not NOISE.search(line)]
        assert not problems, (document, language, problems)
        assert language != "python" or compileall.compile_dir(output, quiet=1), output

    with ThreadPoolExecutor(2) as pool:
        made = [pool.submit(generate, document, language)
                for document in DOCUMENTS for language in ("typescript-fetch", "python", "go")]
    for one in made:
        one.result()
    for document, values in zip(DOCUMENTS, given):
        client = folder / document.removesuffix(".json")
        (client / "generator.ts").write_text(files["generator.ts"], encoding="utf-8")
        shutil.copy(HERE / "clients.d" / "generator_flow.ts", client)
        options = {"strict": True, "target": "es2022", "module": "commonjs", "moduleResolution": "node10", "outDir": "built",
                   "lib": ["es2022", "dom"], "skipLibCheck": True, "types": ["node"]}
        (client / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["generator_flow.ts"]}),
                                              encoding="utf-8")
        run(["npx", "--no-install", "tsc"], client)
        run(["node", "built/generator_flow.js", json.dumps(values)], client)
        print(f"ok   the clients by OpenAPI Generator of {document}")


def main(binary: str):
    binary = str(pathlib.Path(binary).resolve())
    scratch = pathlib.Path(binary).parent.parent / "clients"
    folders = {name: scratch / name for name in ("typescript", "python")}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    interpreter = scratch / "venv" / "bin" / "python"
    if not interpreter.exists():
        venv.create(scratch / "venv", with_pip=True)
    run([interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PYPI], scratch)
    files = blocks()
    with served(binary, scratch / "server.log") as server:
        for name, version in DOCUMENTS.items():
            with urllib.request.urlopen(f"{server.api}/{name}", timeout=30) as answer:
                document = answer.read()
            for folder in folders.values():
                (folder / name).write_bytes(document)
            run([interpreter, "-m", "openapi_spec_validator", "--schema", version, scratch / "python" / name], scratch)
            print(f"ok   {name} is OpenAPI {version}")
        installation = server.install("acme-coffee", "olga")
        other = server.install("mallory-inc", "mallory")
        repositories = [f"acme-coffee/{name}" for name in ("storefront", "roaster-firmware", "loyalty-api")]

        def given(name: str) -> dict:
            return {"api": server.api, "key": server.key(f"org_{name}"), "small": server.key(f"org_small_{name}", "standard"),
                    "installation": installation, "other": other, "repositories": repositories}

        # In sequence: each client binds the installation that the one before has detached.
        typescript(folders["typescript"], files, given("typescript"))
        python(folders["python"], files, given("python"), interpreter)
        generated = folders["typescript"] / "generator"
        generated.mkdir(exist_ok=True)
        openapi_generator(generated, files, [given("generator"), given("generator_30")],
                          interpreter.parent / "openapi-generator-cli")
    print("clients: done")


if __name__ == "__main__":
    main(sys.argv[1])
