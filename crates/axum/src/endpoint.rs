//! Every endpoint: what it is called, where it is, who may use it. The router and the OpenAPI document are both made
//! from this table, so that neither can have what the other has not.

use crate::context::Context;

/// An operation of the API; named as its `operationId`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    RegisterInstallation,
    GetInstallation,
    DetachInstallation,
    InstallUrl,
    ArriveFromGithub,
    AnswerConfirmation,
    ListRepos,
    TakeDelivery,
    Whoami,
    Healthz,
    Readyz,
    Metrics,
    #[cfg(feature = "openapi")]
    GetOpenapi,
}

/// The methods that operations have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Delete,
}

/// Who may use an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Keys with the scope `github:admin`.
    GithubAdmin,
    /// Any valid key.
    AnyKey,
    /// GitHub, which signs what it sends.
    Signed,
    /// Everybody.
    Open,
}

impl Endpoint {
    /// Every endpoint, in the order in which they are documented.
    pub(crate) const ALL: &[Self] = &[
        Self::RegisterInstallation,
        Self::GetInstallation,
        Self::DetachInstallation,
        Self::InstallUrl,
        Self::ArriveFromGithub,
        Self::AnswerConfirmation,
        Self::ListRepos,
        Self::TakeDelivery,
        Self::Whoami,
        Self::Healthz,
        Self::Readyz,
        Self::Metrics,
        #[cfg(feature = "openapi")]
        Self::GetOpenapi,
    ];

    /// The operations of a router with these options.
    pub(crate) fn served(context: &Context) -> impl Iterator<Item = Self> {
        let metrics = context.options.exposition.is_some();
        Self::ALL.iter().copied().filter(move |endpoint| metrics || *endpoint != Self::Metrics)
    }

    /// Where it is, below whatever prefix the router is nested at.
    pub(crate) const fn place(self) -> (Method, &'static str) {
        match self {
            Self::RegisterInstallation => (Method::Post, "/v1/github/installation"),
            Self::GetInstallation => (Method::Get, "/v1/github/installation"),
            Self::DetachInstallation => (Method::Delete, "/v1/github/installation"),
            Self::InstallUrl => (Method::Get, "/v1/github/installation/install-url"),
            Self::ArriveFromGithub => (Method::Get, "/v1/github/installation/callback"),
            Self::AnswerConfirmation => (Method::Post, "/v1/github/installation/callback"),
            Self::ListRepos => (Method::Get, "/v1/github/repos"),
            Self::TakeDelivery => (Method::Post, "/v1/github/webhooks"),
            Self::Whoami => (Method::Get, "/v1/whoami"),
            Self::Healthz => (Method::Get, "/healthz"),
            Self::Readyz => (Method::Get, "/readyz"),
            Self::Metrics => (Method::Get, "/metrics"),
            #[cfg(feature = "openapi")]
            Self::GetOpenapi => (Method::Get, "/openapi.json"),
        }
    }

    /// Who may use it.
    pub(crate) const fn access(self) -> Access {
        match self {
            Self::RegisterInstallation
            | Self::GetInstallation
            | Self::DetachInstallation
            | Self::InstallUrl
            | Self::ListRepos => Access::GithubAdmin,
            Self::Whoami => Access::AnyKey,
            Self::TakeDelivery => Access::Signed,
            Self::ArriveFromGithub
            | Self::AnswerConfirmation
            | Self::Healthz
            | Self::Readyz
            | Self::Metrics => Access::Open,
            #[cfg(feature = "openapi")]
            Self::GetOpenapi => Access::Open,
        }
    }
}
