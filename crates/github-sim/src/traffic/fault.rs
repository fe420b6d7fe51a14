//! Fault rules: which requests fail, how, and how often.

use serde::{Deserialize, Serialize};

/// A rule that makes matching requests fail.
///
/// A request must match all fields that are set. Rules are tried in the order in which they were added. The first that matches and has
/// requests remaining applies. Requests to the control API never fail.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Matches only this method. `None` matches all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Matches only this path, such as `/api/v3/app/installations/{id}/access_tokens`. A segment in braces matches any segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Matches only paths with this prefix, such as `/api/v3/app/installations`. `None` matches all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_prefix: Option<String>,
    /// Matches only requests for this installation: with its id or its account in the path, or with one of its tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<u64>,
    /// Matches only requests with a token of the user with this login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Matches only requests that concern the organization or account with this login: with its login in the path, or for an
    /// installation on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Matches only requests with a JWT of the App with this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<u64>,
    /// The fault of matching requests.
    pub fault: Fault,
    /// The number of requests to which the rule still applies. `None` applies until the rule is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining: Option<u32>,
}

impl FaultRule {
    /// Returns a rule for all requests until it is removed.
    pub fn new(fault: Fault) -> Self {
        Self {
            method: None,
            path: None,
            path_prefix: None,
            installation: None,
            user: None,
            organization: None,
            app: None,
            fault,
            remaining: None,
        }
    }

    /// Restricts the rule to a method.
    #[must_use]
    pub fn for_method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Restricts the rule to paths with this prefix.
    #[must_use]
    pub fn for_path(mut self, prefix: &str) -> Self {
        self.path_prefix = Some(prefix.to_owned());
        self
    }

    /// Restricts the rule to a method and a path, in which a segment in braces matches any segment.
    #[must_use]
    pub fn for_route(mut self, method: &str, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self.for_method(method)
    }

    /// Restricts the rule to requests for this installation.
    #[must_use]
    pub fn for_installation(mut self, id: u64) -> Self {
        self.installation = Some(id);
        self
    }

    /// Restricts the rule to requests with a token of this user.
    #[must_use]
    pub fn for_user(mut self, login: &str) -> Self {
        self.user = Some(login.to_owned());
        self
    }

    /// Restricts the rule to requests that concern this organization or account.
    #[must_use]
    pub fn for_organization(mut self, login: &str) -> Self {
        self.organization = Some(login.to_owned());
        self
    }

    /// Restricts the rule to requests with a JWT of this App.
    #[must_use]
    pub fn for_app(mut self, id: u64) -> Self {
        self.app = Some(id);
        self
    }

    /// Restricts the rule to the next `count` matching requests.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.remaining = Some(count);
        self
    }
}

/// A fault. In JSON it is an object with a `kind`, such as `{"kind": "slow", "ms": 200}`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    /// Answers with this status and GitHub's body: the unicorn page for 502 to 504, otherwise JSON.
    Status {
        /// 400 to 599. Any other value becomes 500.
        code: u16,
    },
    /// Answers 200 with `Content-Type: application/json` and a body that is not JSON.
    Garbage {
        /// The kind of body.
        #[serde(default)]
        form: Garbage,
    },
    /// Answers 403 with no requests remaining in the hourly limit.
    PrimaryRateLimit {
        /// Seconds until the reset, by the simulator's clock.
        reset_in: i64,
    },
    /// Answers 403 or 429 with `Retry-After`.
    SecondaryRateLimit {
        /// Seconds to wait. `None` omits the header, as GitHub does sometimes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
        /// 403 or 429. Any other value becomes 403.
        #[serde(default = "forbidden")]
        status: u16,
    },
    /// Delays the normal response.
    Slow {
        /// The delay in milliseconds.
        ms: u64,
    },
    /// Never answers.
    Hang,
    /// Answers 200 with more than a megabyte of JSON.
    Huge,
    /// Answers 302.
    Redirect {
        /// The `Location` header.
        to: String,
    },
    /// Handles the request and closes the connection without an answer.
    LoseAnswer,
    /// Closes the connection without handling the request.
    Drop,
    /// Answers 200 with valid JSON that does not match the schema.
    WrongJson,
    /// Answers 403: the organization's IP allow list does not contain the address of the caller.
    IpAllowList,
    /// Protects organizations with SAML single sign-on. Applies to user tokens only. Requests for an organization are answered with 403
    /// and `X-GitHub-SSO: required; url=…`. Lists of the user omit the organization and have `X-GitHub-SSO: partial-results; …`.
    Saml,
    /// Answers 403: the user's account is suspended. Applies to user tokens only.
    SuspendedUser,
    /// Answers 403: the installation is suspended. Applies to minting and to installation tokens only. The installation itself is
    /// shown as it is, and no webhook is sent; see [`GithubSim::suspend`](crate::GithubSim::suspend).
    SuspendedInstallation,
    /// Answers 451: access is blocked for legal reasons.
    LegalBlock,
    /// Answers 422: a requested repository is not accessible to the parent installation. Applies to minting only.
    NotAccessibleToParent,
    /// Answers 403: the App lacks a permission.
    MissingPermission {
        /// The value of `X-Accepted-GitHub-Permissions`, such as `members=read`.
        accepted: String,
    },
    /// Answers 404 with GitHub's body and headers.
    NotFound,
    /// Answers 404 with an HTML page and without GitHub's headers, as a proxy in front of GitHub does.
    ProxyNotFound,
    /// Answers the removal of an installation with 202, and removes it later. Applies to `DELETE /app/installations/{id}` only.
    SlowUninstall {
        /// For how long the installation is still shown, in seconds of the simulator's clock.
        seconds: u32,
    },
    /// Changes the pages of lists.
    List {
        /// Changes only this page. `None` changes all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        page: Option<usize>,
        /// How many entries are missing at the end of a page. The `Link` header stays.
        #[serde(default)]
        missing: usize,
        /// Added to `total_count`.
        #[serde(default)]
        total_count_off_by: i64,
        /// The largest number of entries of a page, below GitHub's 100.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_per_page: Option<usize>,
    },
}

fn forbidden() -> u16 {
    403
}

/// A body that is not JSON.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Garbage {
    /// An HTML page, as proxies send.
    #[default]
    Html,
    /// JSON that is cut off.
    Truncated,
}
