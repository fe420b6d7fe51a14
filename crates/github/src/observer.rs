use std::fmt::Debug;
use std::time::Duration;

use crate::answer::Answer;
use crate::fault::GithubFault;
use crate::verdict::fault_of;

/// Is told of every request to GitHub, and of every signature: for metrics. A port's call may be several requests, or
/// none where GitHub asked for a pause.
pub trait Observer: Debug + Send + Sync + 'static {
    /// A request ended. MUST return at once.
    fn called(&self, called: Called);

    /// A JWT was signed with the App's key. MUST return at once.
    fn signed(&self);
}

/// A request that was sent, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Called {
    /// What was asked.
    pub operation: Operation,
    /// What came of it.
    pub outcome: Outcome,
    /// From the request to the last byte of the answer.
    pub took: Duration,
}

macro_rules! spelled {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$of])* $variant,)*
        }

        impl $name {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As it is spelled in metrics.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

spelled! {
    /// What GitHub is asked.
    Operation {
        /// `GET /app`
        App = "app",
        /// `GET /app/installations/{id}`
        Installation = "installation",
        /// `DELETE /app/installations/{id}`
        Uninstall = "uninstall",
        /// `POST /app/installations/{id}/access_tokens`
        Mint = "mint",
        /// `GET /app/hook/config`
        HookConfig = "hook_config",
        /// `GET /app/hook/deliveries`
        Deliveries = "deliveries",
        /// `GET /app/hook/deliveries/{id}`
        Delivery = "delivery",
        /// `GET /installation/repositories`
        Repositories = "repositories",
        /// `DELETE /installation/token`
        RevokeToken = "revoke_token",
        /// `POST /login/oauth/access_token`
        ExchangeCode = "exchange_code",
        /// `GET /user`
        Visitor = "visitor",
        /// `GET /user/installations`
        VisitorsInstallations = "visitors_installations",
        /// `GET /user/memberships/orgs/{org}`
        VisitorsMembership = "visitors_membership",
        /// `DELETE /applications/{client_id}/token`
        RevokeVisitorsToken = "revoke_visitors_token",
    }
}

spelled! {
    /// What came of a request.
    Outcome {
        /// 2xx.
        Ok = "ok",
        /// 404: an everyday answer to a look-up.
        NotFound = "not_found",
        /// 401.
        Unauthorized = "unauthorized",
        /// 403, neither a limit nor a suspension.
        Denied = "denied",
        /// 403: the installation is suspended.
        Suspended = "suspended",
        /// 403 or 429: GitHub limits us.
        Limited = "limited",
        /// 422.
        Unprocessable = "unprocessable",
        /// 5xx.
        ServerError = "server_error",
        /// No answer in time.
        TimedOut = "timed_out",
        /// No connection, or one that broke.
        Unreachable = "unreachable",
        /// Not one of GitHub's answers: a redirect, too large, no HTTP.
        NotGithubs = "not_githubs",
        /// A status that has no rule.
        Unforeseen = "unforeseen",
    }
}

impl Outcome {
    pub(crate) fn of(answer: &Result<Answer, GithubFault>) -> Self {
        match answer {
            Ok(answer) => fault_of(answer).as_ref().map_or(Self::Ok, Self::of_fault),
            Err(fault) => Self::of_fault(fault),
        }
    }

    const fn of_fault(fault: &GithubFault) -> Self {
        match fault {
            GithubFault::NotFound { .. } | GithubFault::UnknownApp => Self::NotFound,
            GithubFault::CredentialRefused { .. }
            | GithubFault::ClockSkew { .. }
            | GithubFault::VisitorTokenRefused => Self::Unauthorized,
            GithubFault::NotGranted { .. } => Self::Denied,
            GithubFault::Suspended => Self::Suspended,
            GithubFault::Limited { .. } | GithubFault::Paused { .. } => Self::Limited,
            GithubFault::Unprocessable { .. } => Self::Unprocessable,
            GithubFault::Server { .. } => Self::ServerError,
            GithubFault::TimedOut => Self::TimedOut,
            GithubFault::Unreachable { .. } => Self::Unreachable,
            GithubFault::Redirected { .. }
            | GithubFault::NotGithubs { .. }
            | GithubFault::TooLarge { .. } => Self::NotGithubs,
            GithubFault::AnotherApp { .. }
            | GithubFault::ApiVersion { .. }
            | GithubFault::Unforeseen { .. }
            | GithubFault::NoOauthClient
            | GithubFault::OauthClientRefused { .. }
            | GithubFault::ExchangeRefused { .. }
            | GithubFault::Signing(_)
            | GithubFault::TaskEnded => Self::Unforeseen,
        }
    }
}
