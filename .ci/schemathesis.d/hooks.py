"""Gives schemathesis existing installations, live states and signatures of deliveries."""

import atexit
import collections
import hashlib
import hmac
import json
import os
import pathlib
import re
from urllib.parse import parse_qsl, urlsplit

import requests
import schemathesis
from schemathesis.core.parameters import ParameterLocation

INSTALLATIONS = json.loads(os.environ["DOCKLINE_INSTALLATIONS"])
SECRET = os.environ["DOCKLINE_WEBHOOK_SECRET"].encode()
API, KEY = os.environ["DOCKLINE_API"], os.environ["DOCKLINE_KEY"]

ANSWERS = collections.Counter()
# Counts responses by status and operation, to show that requests were accepted as well.
atexit.register(lambda: pathlib.Path("answers.json").write_text(json.dumps(ANSWERS, sort_keys=True), encoding="utf-8"))


def call(method: str, path: str, **more) -> requests.Response:
    return requests.request(method, f"{API}/v1/github/{path}", headers={"Authorization": f"Bearer {KEY}"}, timeout=30, **more)


def fresh_state() -> str:
    """A live state, or an unknown one if the budget is used up."""
    return call("GET", "installation/install-url?returnUrl=https://app.example.com/").json().get("state", "used-up")


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes half of the valid registrations name an existing installation, some with a live state, and writes integers as the API
    accepts them (to JSON Schema `3108.0` is an integer as well). Binds an installation before half of the valid listings. Leaves the
    stateful phase alone, whose links rely on no other calls."""
    name = case.operation.definition.raw["operationId"]
    if case.meta is None or not (case.meta.generation.mode.is_positive or name == "takeDelivery"):
        return
    # Derived from the data, since Hypothesis requires the same data to be treated alike.
    chance = hashlib.sha256(repr((case.body, case.query)).encode()).digest()[0]
    stateful = case.meta.phase.name.value == "stateful"
    if name == "registerInstallation":
        number = case.body.get("installationId")
        if isinstance(number, float) and number.is_integer():
            number = int(number)
        if chance % 2:
            number = INSTALLATIONS[chance // 2 % len(INSTALLATIONS)]
        if chance % 8 == 1 and not stateful:
            case.body["state"] = fresh_state()
        case.body["installationId"] = number
    elif name == "takeDelivery" and not unsigned(case):
        # `requests` signs, since it has the final bytes; probes without authentication skip this.
        case._auth, case._has_explicit_auth = Signature(), True
    elif name == "listRepos" and chance % 2 and not stateful:
        if call("GET", "installation").status_code == 404:
            call("POST", "installation", json={"installationId": INSTALLATIONS[0], "state": fresh_state()})


def unsigned(case) -> bool:
    """Whether the case tests a missing signature."""
    wrong = case.meta.is_negative_at(ParameterLocation.HEADER) and "X-Hub-Signature-256" not in (case.headers or {})
    return wrong or case.operation.schema.is_security_param_negated(case)


class Signature(requests.auth.AuthBase):
    """Signs deliveries as GitHub does, one in eight wrongly."""

    def __call__(self, request):
        body = request.body or b""
        body = body if isinstance(body, bytes) else body.encode()
        signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
        wrong = hashlib.sha256(body).digest()[0] % 8 == 0
        request.headers["X-Hub-Signature-256"] = "sha256=" + (signature[::-1] if wrong else signature)
        return request


@schemathesis.check
def request_ids(ctx, response, case):
    """Every response has a request id, and errors repeat it."""
    ANSWERS[f"{response.status_code} {case.operation.definition.raw['operationId']}"] += 1
    [identity] = response.headers["x-request-id"]
    assert re.fullmatch("req_[0-9A-HJKMNP-TV-Z]{26}", identity), identity
    if response.status_code >= 400 and response.headers["content-type"] == ["application/json"]:
        assert response.json()["error"]["requestId"] == identity


@schemathesis.check
def refusals_of_good_data(ctx, response, case):
    """Valid data is rejected only for what is stored, never for its form."""
    if response.status_code != 422 or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.headers["content-type"] != ["application/json"]:
        return
    details = response.json()["error"]["details"]
    if "issues" in details:
        told = {(issue["path"], issue["code"]) for issue in details["issues"]}
        # A schema cannot exclude the parameters that are added to a returnUrl at the end.
        return_url = str((case.query or {}).get("returnUrl", ""))
        names = {name for name, _ in parse_qsl(urlsplit(return_url).query, keep_blank_values=True)}
        if names & {"installation_id", "state", "setup_action", "error"}:
            told.discard(("returnUrl", "malformed"))
        stored = {("state", "not_claimable"), ("state", "expired"), ("installationId", "not_claimable"), ("cursor", "malformed")}
        assert told <= stored, told
    else:
        assert "boundStatus" in details or "reason" in details, details
