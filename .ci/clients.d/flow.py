"""Runs the main flow with the generated client and checks every step. Usage: flow.py '{"api": …}'"""

import datetime
import json
import sys
from urllib.parse import parse_qs, urlsplit

from dockline_client.models import ConflictFailure, DenialValidationFailure, InstallationStatus, IssueCode
from example import connect, repositories
from layers import Layers, LayersError

given = json.loads(sys.argv[1])
layers = Layers(base_url=given["api"], api_key=given["key"])


def refused(call, **arguments) -> LayersError:
    try:
        answer = call(**arguments)
    except LayersError as error:
        assert error.failure.request_id.startswith("req_"), error
        return error
    raise SystemExit(f"expected a refusal, not {answer}")


assert layers.whoami().rate_limit_tier == "partner"
assert refused(layers.github.get_installation).code == "NOT_FOUND"

link = layers.github.install_url(return_url="https://app.example.com/back")
assert link.auth_url == link.install_url
assert parse_qs(urlsplit(link.install_url).query)["state"] == [link.state]
assert link.expires_at > datetime.datetime.now(datetime.timezone.utc)
elsewhere = refused(layers.github.install_url, return_url="https://evil.example.com/")
assert (elsewhere.status, elsewhere.code) == (403, "RETURN_URL_NOT_ALLOWED")

unknown = refused(layers.github.register_installation, installation_id=given["installation"], state="x" * 20)
assert unknown.status == 422 and isinstance(unknown.failure, DenialValidationFailure), unknown
[issue] = unknown.failure.details.issues
assert (issue.path, issue.code) == ("state", IssueCode.NOT_CLAIMABLE), issue

bound = layers.github.register_installation(
    installation_id=given["installation"],
    state=link.state,
)
assert bound.installation_id == given["installation"] and bound.status is InstallationStatus.ACTIVE
assert bound.registered_at.utcoffset() == datetime.timedelta(0)
again = connect(layers, given["installation"], link.state)
assert again == f"bound to {bound.org_login} since {bound.registered_at.isoformat()}", again
assert layers.github.get_installation().registered_at == bound.registered_at

state = layers.github.install_url(return_url="https://app.example.com/back", state="s" * 32).state
assert state == "s" * 32
assert connect(layers, given["other"], state) == f"detach {bound.installation_id} first"
conflict = refused(layers.github.register_installation, installation_id=given["other"], state=state)
assert conflict.status == 409 and isinstance(conflict.failure, ConflictFailure), conflict
assert conflict.failure.details.bound_status is InstallationStatus.ACTIVE

assert repositories(layers, 1) == repositories(layers, 200) == given["repositories"]
[found] = layers.github.list_repos(search="STORE").items
assert found.full_name == "acme-coffee/storefront"
assert refused(layers.github.list_repos, limit=201).failure.details.issues[0].code is IssueCode.OUT_OF_RANGE

small = Layers(base_url=given["api"], api_key=given["small"])
while (limited := refused(small.github.detach_installation)).status != 429:
    assert limited.status == 404, limited
assert limited.code == "RATE_LIMITED" and limited.retry_after >= 1, limited
assert connect(small, given["other"], state) == f"again in {limited.retry_after} seconds"

layers.github.detach_installation()
assert refused(layers.github.detach_installation).status == 404
assert refused(Layers(base_url=given["api"], api_key="lp_live_x").whoami).status == 401
print("ok   the Python client")
