//! Examples: the contract's own wherever it has one.

#![expect(clippy::indexing_slicing, reason = "JSON that is made here, and in every test that asks for it")]

use serde_json::{Value, json};

const STATE: &str = "lUNN5tIRm-K3a8sBXvBQDxVOCgz2x9YK";

/// One example, by a name.
pub(super) fn named(name: &str, value: Value) -> Value {
    json!({ name: { "value": value } })
}

/// The body of a registration.
pub(super) fn registration() -> Value {
    named("acme", json!({ "installationId": 50_291_845, "state": STATE }))
}

/// The five fields.
pub(super) fn installation() -> Value {
    named("acme", bound())
}

/// The five fields and the sixth.
pub(super) fn verified() -> Value {
    let mut verified = bound();
    verified["lastVerifiedAt"] = json!("2026-04-18T20:00:00.000000+00:00");
    named("acme", verified)
}

fn bound() -> Value {
    json!({
        "installationId": 50_291_845,
        "githubAccount": { "login": "acme-coffee", "type": "Organization" },
        "orgLogin": "acme-coffee",
        "status": "active",
        "registeredAt": "2026-04-18T19:14:09.123456+00:00",
    })
}

/// What install-url answers.
pub(super) fn install_link() -> Value {
    let url = format!(
        "https://github.com/apps/dockline-demo/installations/new?state={STATE}&redirect_uri=https%3A%2F%2Fapp.example.com%2Fgithub%2Fconnected"
    );
    named(
        "acme",
        json!({ "authUrl": url, "installUrl": url, "state": STATE, "expiresAt": "2026-04-18T19:29:09.123Z" }),
    )
}

/// A page of repositories.
pub(super) fn repositories() -> Value {
    let storefront = json!({
        "repoId": 812_004_417, "fullName": "acme-coffee/storefront", "owner": "acme-coffee", "private": true,
        "defaultBranch": "main", "language": "Rust", "primaryLanguage": "Rust",
        "htmlUrl": "https://github.com/acme-coffee/storefront",
    });
    json!({
        "last": { "summary": "The only page", "value": { "items": [storefront], "nextCursor": null } },
        "none": { "summary": "Nothing granted", "value": { "items": [], "nextCursor": null } },
    })
}

/// What a key is.
pub(super) fn whoami() -> Value {
    named(
        "acme",
        json!({
            "organizationId": "org_acme", "organizationName": "Acme Coffee", "apiKeyId": "01HX9Y6K7EJ4T2",
            "scopes": ["github:admin"], "rateLimitTier": "standard",
        }),
    )
}

/// Health.
pub(super) fn ready() -> Value {
    named(
        "ready",
        json!({
            "status": "ok", "checks": [{ "name": "database", "ok": true, "since": "2026-04-18T19:14:09.007Z" }],
        }),
    )
}

/// The error of this kind.
pub(super) fn error(kind: &str) -> Value {
    let issue = |path: &str, code: &str, message: &str| json!({ "issues": [{ "path": path, "code": code, "message": message }] });
    let unclaimable = "This installation does not exist, or cannot be claimed with this state. Send the user through install-url \
        and post what the redirect brings back.";
    let invalid = "The request is not valid; details.issues lists what is wrong with it.";
    let one = |code: &str, message: &str, details: Value| json!({ code: { "value": envelope(code, message, details) } });
    let nothing = || Value::Null;
    match kind {
        "BadRequest" => one("BAD_REQUEST", "A request has exactly one Host header.", nothing()),
        "Validation" => json!({
            "unknownKey": { "value": envelope(
                "VALIDATION", invalid,
                issue("orgLogin", "unknown_key", "There is no such key. Send installationId and state only."),
            ) },
            "notClaimable": { "value": envelope(
                "VALIDATION", invalid, issue("installationId", "not_claimable", unclaimable),
            ) },
        }),
        "ReposValidation" => json!({
            "limit": { "value": envelope("VALIDATION", invalid, issue("limit", "out_of_range", "limit must be from 1 to 200.")) },
            "uninstalled": { "value": envelope(
                "VALIDATION",
                "The App was uninstalled at GitHub. Detach the installation, and connect again by install-url.",
                bound_details("uninstalled"),
            ) },
        }),
        "VisitValidation" => one(
            "VALIDATION",
            "This link is not one of ours, or has been used up. Start again from the product.",
            json!({ "reason": "unknown_state" }),
        ),
        "DeliveryValidation" => one(
            "VALIDATION",
            "The delivery is signed, but cannot be read; details.reason says why.",
            json!({ "reason": "no_event" }),
        ),
        "Unauthenticated" => {
            one("UNAUTHENTICATED", "A valid API key is required: Authorization: Bearer lp_….", nothing())
        }
        "ForbiddenScope" => one("FORBIDDEN_SCOPE", "The API key lacks the scope github:admin.", nothing()),
        "InstallUrlForbidden" => one(
            "RETURN_URL_NOT_ALLOWED",
            "returnUrl must be an HTTPS URL whose host is on the key's allowedReturnDomains.",
            nothing(),
        ),
        "NotFound" => {
            one("NOT_FOUND", "No GitHub App installation is registered for this organization.", nothing())
        }
        "MethodNotAllowed" => one(
            "METHOD_NOT_ALLOWED",
            "This path does not take this method; Allow lists those that it takes.",
            nothing(),
        ),
        "Conflict" => one(
            "CONFLICT",
            "Your organization already has a different installation bound. Detach it first.",
            bound_details("active"),
        ),
        "PayloadTooLarge" => one("PAYLOAD_TOO_LARGE", "The body is larger than 16 KiB.", nothing()),
        "UnsupportedMediaType" => one(
            "UNSUPPORTED_MEDIA_TYPE",
            "Send Content-Type: application/json in UTF-8, without Content-Encoding.",
            nothing(),
        ),
        "RateLimited" => one(
            "RATE_LIMITED",
            "The key's budget is used up. Repeat the call after Retry-After seconds.",
            nothing(),
        ),
        "Platform" | "PlatformOrUnavailable" => one(
            "PLATFORM_ERROR",
            "GitHub did not answer as it should. Nothing was changed; the same call may be repeated.",
            json!({ "platform": "github" }),
        ),
        "Unavailable" | "NotReady" => one(
            "UNAVAILABLE",
            "Our store cannot be reached. Nothing was changed; the same call may be repeated.",
            nothing(),
        ),
        _ => one("INTERNAL", "Something went wrong on our side. Quote the request id to support.", nothing()),
    }
}

fn bound_details(status: &str) -> Value {
    json!({ "boundInstallationId": 50_291_845, "boundStatus": status })
}

fn envelope(code: &str, message: &str, details: Value) -> Value {
    let mut error =
        json!({ "code": code, "message": message, "requestId": "req_01HXZ9G7KMV2QX8Y1S5RJW3B7T" });
    if !details.is_null() {
        error["details"] = details;
    }
    json!({ "error": error })
}
