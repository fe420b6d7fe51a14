//! What each operation is for, takes and answers.

#![expect(clippy::indexing_slicing, reason = "JSON that is made here, and in every test that asks for it")]

use dockline::RepositoriesQuery;
use dockline::rules::return_url;
use serde_json::{Value, json};

use super::answers::{Answers, PAGE};
use super::examples;
use super::reference::reference;
use crate::endpoint::{Access, Endpoint};

/// The operation object of an endpoint.
pub(super) fn operation(endpoint: Endpoint) -> Value {
    let mut operation = match endpoint {
        Endpoint::RegisterInstallation => register(endpoint),
        Endpoint::GetInstallation => inspect(endpoint),
        Endpoint::DetachInstallation => detach(endpoint),
        Endpoint::InstallUrl => install_url(endpoint),
        Endpoint::ArriveFromGithub => arrive(endpoint),
        Endpoint::AnswerConfirmation => confirm(endpoint),
        Endpoint::ListRepos => list_repos(endpoint),
        Endpoint::TakeDelivery => take_delivery(endpoint),
        Endpoint::Whoami => whoami(endpoint),
        Endpoint::Healthz => healthz(endpoint),
        Endpoint::Readyz => readyz(endpoint),
        Endpoint::Metrics => metrics(endpoint),
        Endpoint::GetOpenapi => openapi(endpoint),
    };
    operation["operationId"] = json!(id(endpoint));
    operation["security"] = match endpoint.access() {
        Access::GithubAdmin => json!([{ "apiKey": ["github:admin"] }]),
        Access::AnyKey => json!([{ "apiKey": [] }]),
        Access::Signed => json!([{ "webhookSignature": [] }]),
        Access::Open => json!([]),
    };
    operation
}

/// The `operationId`: clients call their functions by it, so none is ever renamed.
const fn id(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::RegisterInstallation => "registerInstallation",
        Endpoint::GetInstallation => "getInstallation",
        Endpoint::DetachInstallation => "detachInstallation",
        Endpoint::InstallUrl => "installUrl",
        Endpoint::ArriveFromGithub => "arriveFromGithub",
        Endpoint::AnswerConfirmation => "answerConfirmation",
        Endpoint::ListRepos => "listRepos",
        Endpoint::TakeDelivery => "takeDelivery",
        Endpoint::Whoami => "whoami",
        Endpoint::Healthz => "healthz",
        Endpoint::Readyz => "readyz",
        Endpoint::Metrics => "metrics",
        Endpoint::GetOpenapi => "getOpenapi",
    }
}

fn register(endpoint: Endpoint) -> Value {
    let description = "The account is read from GitHub, never from the caller. Re-posting the id that the organization is \
        already bound to changes nothing: the same answer with the `registeredAt` of the first, and `Idempotent-Replayed`; that \
        needs no live state. An installation that is another organization's looks exactly like one that does not exist.";
    json!({
        "tags": ["github"],
        "summary": "Bind a GitHub App installation to the caller's organization",
        "description": description,
        "requestBody": {
            "required": true,
            "description": "At most 16 KiB of UTF-8. A key that is not named here, or given twice, is an error.",
            "content": { "application/json": {
                "schema": registration(), "examples": examples::registration(),
            } },
        },
        "responses": Answers::of(endpoint)
            .json(201, "Installation", "Bound, now or before.", examples::installation())
            .with(201, &[("Idempotent-Replayed", "IdempotentReplayed")])
            .links(201, json!({
                "look": { "operationId": "getInstallation" },
                "repositories": { "operationId": "listRepos" },
                "detach": { "operationId": "detachInstallation" },
            }))
            .error(409, "Conflict", "The organization has a different installation bound; detach it first.")
            .error(413, "PayloadTooLarge", "The body is larger than 16 KiB.")
            .error(415, "UnsupportedMediaType", "Not `application/json` in UTF-8, or with a `Content-Encoding`.")
            .error(422, "Validation", "The body is not as it must be, the state is not good, or the installation cannot be \
                claimed. All that is wrong is told at once.")
            .error(502, "Platform", "GitHub is unreachable, slow, or answers nonsense. Nothing was changed.")
            .error(503, "PlatformOrUnavailable", "GitHub limits us, or our store cannot be reached. Nothing was changed.")
            .with(503, RETRY)
            .done(),
    })
}

/// The body of a registration, as `dockline::RegistrationRequest` reads it by hand. It has no name of its own: then generated clients
/// take its two fields rather than an object.
fn registration() -> Value {
    json!({
        "type": "object",
        "properties": {
            "installationId": {
                "allOf": [reference("InstallationNumber")],
                "description": "What GitHub put on the redirect as `installation_id`. A JSON integer: no quotes, fraction or \
                    exponent.",
            },
            "state": {
                "allOf": [reference("AnyState")],
                "description": "What GitHub put on the redirect as `state`: the value that install-url gave or took.",
            },
        },
        "required": ["installationId", "state"],
        "additionalProperties": false,
    })
}

const RETRY: &[(&str, &str)] = &[("Retry-After", "RetryAfter")];

fn inspect(endpoint: Endpoint) -> Value {
    json!({
        "tags": ["github"],
        "summary": "The caller's installation as it stands",
        "description": "GitHub is not asked. A binding whose App was uninstalled is still a 200, with that status.",
        "responses": Answers::of(endpoint)
            .json(200, "VerifiedInstallation", "What is bound.", examples::verified())
            .error(404, "NotFound", "Nothing is bound.")
            .done(),
    })
}

fn detach(endpoint: Endpoint) -> Value {
    json!({
        "tags": ["github"],
        "summary": "Detach the caller's installation",
        "description": "Afterwards any installation can be bound. GitHub is not asked, unless the App is to be removed there as well.",
        "parameters": [parameter(
            "uninstall", "Whether the App is removed at GitHub, too.", false, json!({ "type": "boolean", "default": false }),
        )],
        "responses": Answers::of(endpoint)
            .empty(204, "Detached.")
            .error(404, "NotFound", "Nothing is bound.")
            .error(422, "Validation", "The query is not as it must be.")
            .error(502, "Platform", "With `uninstall`: GitHub is unreachable, slow, or answers nonsense. Nothing was changed.")
            .error(503, "PlatformOrUnavailable", "GitHub limits us, or our store cannot be reached. Nothing was changed.")
            .with(503, RETRY)
            .done(),
    })
}

fn install_url(endpoint: Endpoint) -> Value {
    let return_url = json!({
        "type": "string", "format": "uri", "maxLength": return_url::LONGEST, "pattern": RETURN_URL,
    });
    json!({
        "tags": ["github"],
        "summary": "Where to send the user's browser",
        "description": "Issues a state to the caller's organization and makes the link that carries it to GitHub. Good once, for 15 \
            minutes.",
        "parameters": [
            example(
                parameter(
                    "returnUrl",
                    "Where the browser goes in the end. `https`, and its host is on the key's `allowedReturnDomains`: the exact host in \
                     any case; `http` for `localhost` and loopback addresses that are on the list.",
                    true, return_url,
                ),
                json!("https://app.example.com/github/connected"),
            ),
            parameter(
                "state", "A state of the caller's own; one is made where it is left out.", false, reference("OwnState"),
            ),
        ],
        "responses": Answers::of(endpoint)
            .json(200, "InstallLink", "The link.", examples::install_link())
            .links(200, json!({
                "register": { "operationId": "registerInstallation", "requestBody": { "state": "$response.body#/state" } },
            }))
            .error(403, "InstallUrlForbidden", "The key lacks the scope, or may not return to this URL.")
            .error(422, "Validation", "The query is not as it must be, or the state is in use.")
            .done(),
    })
}

/// What may be allowed, written so that everything that it matches is an absolute URL. A user name is never allowed.
const RETURN_URL: &str = r"^[Hh][Tt][Tt][Pp][Ss]?://([A-Za-z0-9._~!$&'()*+,;=-]+|\[::1\]|\[[0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4}){7}\])(:([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])?)?(/([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?(\?([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?(#([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?$";

fn arrive(endpoint: Endpoint) -> Value {
    let text = || json!({ "type": "string" });
    let parameters = [
        ("state", "The state that install-url gave or took."),
        ("installation_id", "GitHub's number of the installation."),
        ("code", "What GitHub tells us the visitor by; good once."),
        ("setup_action", "What the visitor did: `install`, `update` or `request`."),
        ("error", "Why GitHub does not tell us the visitor."),
    ];
    let parameters: Vec<_> =
        parameters.into_iter().map(|(name, meaning)| parameter(name, meaning, false, text())).collect();
    json!({
        "tags": ["github"],
        "summary": "Where GitHub sends the browser",
        "description": "For browsers, not for clients. Checks who came, and asks: \"Connect acme-coffee on GitHub to Acme Coffee?\" What \
            else is in the query is passed over. A refusal is a page where `Accept` names `text/html`.",
        "parameters": parameters,
        "responses": Answers::of(endpoint)
            .text(200, "text/html", "The question, as a page.")
            .with(200, PAGE)
            .with(200, &[("Set-Cookie", "SetCookie")])
            .empty(302, "Back to the product, or to GitHub once more, to be told who came.")
            .with(302, &[("Location", "Location"), ("Referrer-Policy", "ReferrerPolicy")])
            .turned_away(422, "VisitValidation", "The visitor is turned away; `reason` says why.")
            .turned_away(500, "Internal", "The fault is ours.")
            .turned_away(502, "Platform", "GitHub is unreachable, slow, or answers nonsense.")
            .turned_away(503, "PlatformOrUnavailable", "GitHub limits us, or our store cannot be reached.")
            .done(),
    })
}

fn confirm(endpoint: Endpoint) -> Value {
    let form = json!({
        "type": "object",
        "properties": {
            "state": { "type": "string" },
            "ticket": { "type": "string" },
            "answer": { "type": "string", "enum": ["confirm", "cancel"] },
        },
        "required": ["state", "ticket", "answer"],
    });
    json!({
        "tags": ["github"],
        "summary": "The visitor's answer",
        "description": "For the form of our own page, in the browser that was asked: its cookie counts.",
        "requestBody": {
            "required": true,
            "description": "At most 16 KiB.",
            "content": { "application/x-www-form-urlencoded": { "schema": form } },
        },
        "responses": Answers::of(endpoint)
            .empty(303, "Back to the product, with `installation_id`, `state` and `setup_action`, or with `error=access_denied`.")
            .with(303, &[("Location", "Location"), ("Referrer-Policy", "ReferrerPolicy"), ("Set-Cookie", "SetCookie")])
            .turned_away(413, "PayloadTooLarge", "The body is larger than 16 KiB.")
            .turned_away(415, "UnsupportedMediaType", "Not a form, or with a `Content-Encoding`.")
            .turned_away(422, "VisitValidation", "The visitor is turned away; `reason` says why.")
            .turned_away(500, "Internal", "The fault is ours.")
            .turned_away(502, "Platform", "GitHub is unreachable, slow, or answers nonsense.")
            .turned_away(503, "PlatformOrUnavailable", "GitHub limits us, or our store cannot be reached.")
            .done(),
    })
}

fn list_repos(endpoint: Endpoint) -> Value {
    let limit = json!({
        "type": "integer", "minimum": 1, "maximum": RepositoriesQuery::MOST, "default": RepositoriesQuery::DEFAULT_LIMIT,
    });
    let search = json!({ "type": "string", "maxLength": RepositoriesQuery::LONGEST_SEARCH });
    let mut parameters = [
        parameter(
            "cursor",
            "Where the page begins: the `nextCursor` of the one before.",
            false,
            reference("Cursor"),
        ),
        parameter("limit", "The most repositories on the page.", false, limit),
        parameter("search", "A part of the full name, in any case.", false, search),
    ];
    for parameter in &mut parameters {
        // An empty one is as good as none.
        parameter["allowEmptyValue"] = json!(true);
    }
    json!({
        "tags": ["github"],
        "summary": "The repositories that the installation reaches",
        "description": "In the order of their numbers. At most half a minute old.",
        "parameters": parameters,
        "responses": Answers::of(endpoint)
            .json(200, "RepositoryPage", "A page.", examples::repositories())
            .links(200, json!({
                "next": { "operationId": "listRepos", "parameters": { "cursor": "$response.body#/nextCursor" } },
            }))
            .error(404, "NotFound", "Nothing is bound.")
            .error(422, "ReposValidation", "The query is not as it must be (`issues`), or the binding gives no access \
                (`boundStatus`).")
            .error(502, "Platform", "GitHub is unreachable, slow, or answers nonsense.")
            .error(503, "PlatformOrUnavailable", "GitHub limits us, or our store cannot be reached.")
            .with(503, RETRY)
            .done(),
    })
}

fn take_delivery(endpoint: Endpoint) -> Value {
    let text = || json!({ "type": "string" });
    let event = json!({ "type": "string", "minLength": 1 });
    let mut event = example(header("X-GitHub-Event", "What happened.", event), json!("installation"));
    event["required"] = json!(true);
    let form = json!({
        "type": "object", "properties": { "payload": { "type": "string" } }, "required": ["payload"],
    });
    json!({
        "tags": ["github"],
        "summary": "RateLimitRequest a delivery of GitHub's",
        "description": "For GitHub, not for clients. Events and actions that mean nothing to us are taken and ignored. At most 25 MiB.",
        "parameters": [event, header("X-GitHub-Delivery", "The delivery's id, for the log.", text())],
        "requestBody": {
            "required": true,
            "description": "The event's payload, as it is or in a form's field.",
            "content": {
                "application/json": { "schema": { "type": "object" } },
                "application/x-www-form-urlencoded": { "schema": form },
            },
        },
        "responses": Answers::of(endpoint)
            .empty(202, "Taken. What GitHub then has to be asked is asked afterwards.")
            .error(413, "PayloadTooLarge", "The body is larger than 25 MiB.")
            .error(415, "UnsupportedMediaType", "Neither JSON nor a form, or with a `Content-Encoding`.")
            .error(422, "DeliveryValidation", "Signed, but not to be read; `reason` says why.")
            .done(),
    })
}

fn whoami(endpoint: Endpoint) -> Value {
    json!({
        "tags": ["account"],
        "summary": "What the key is",
        "description": "Needs no scope.",
        "responses": Answers::of(endpoint).json(200, "Whoami", "Whose key it is, and what it may do.", examples::whoami()).done(),
    })
}

fn healthz(endpoint: Endpoint) -> Value {
    json!({
        "tags": ["operations"],
        "summary": "Whether the process answers",
        "responses": Answers::of(endpoint)
            .json(200, "Health", "It does.", examples::named("ok", json!({ "status": "ok" })))
            .done(),
    })
}

fn readyz(endpoint: Endpoint) -> Value {
    json!({
        "tags": ["operations"],
        "summary": "Whether this node should be sent requests",
        "responses": Answers::of(endpoint)
            .json(200, "Health", "It should; every check holds.", examples::ready())
            .error(503, "NotReady", "It should not; `checks` says why.")
            .with(503, RETRY)
            .done(),
    })
}

fn metrics(endpoint: Endpoint) -> Value {
    json!({
        "tags": ["operations"],
        "summary": "What the process counts",
        "responses": Answers::of(endpoint)
            .text(200, "text/plain; version=0.0.4; charset=utf-8", "Prometheus' text format.")
            .done(),
    })
}

fn openapi(endpoint: Endpoint) -> Value {
    let document = json!({ "application/json": { "schema": { "type": "object" } } });
    let tags = json!({ "type": "string" });
    let mut responses = Answers::of(endpoint)
        .empty(200, "The document.")
        .with(200, &[("ETag", "ETag")])
        .empty(304, "It is still the one that `If-None-Match` names.")
        .with(304, &[("ETag", "ETag")])
        .done();
    responses["200"]["content"] = document;
    json!({
        "tags": ["operations"],
        "summary": "This document",
        "parameters": [header("If-None-Match", "The `ETag` of the document that the caller has.", tags)],
        "responses": responses,
    })
}

fn parameter(name: &str, description: &str, required: bool, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "description": description, "required": required, "schema": schema })
}

fn header(name: &str, description: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "header", "description": description, "required": false, "schema": schema })
}

fn example(mut parameter: Value, example: Value) -> Value {
    parameter["example"] = example;
    parameter
}
