//! Every endpoint: its name, path, group and access. The routers are made from this table, and the tests compare it with
//! the OpenAPI document.

use crate::options::Context;

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
    GetOpenapi,
}

/// The methods that operations have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Delete,
}

/// The routers that a host can mount one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Api,
    Callback,
    Webhook,
    Operations,
}

impl Group {
    /// Every group.
    pub(crate) const ALL: &[Self] = &[Self::Api, Self::Callback, Self::Webhook, Self::Operations];
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
        Self::GetOpenapi,
    ];

    /// Returns the operations of a router with these options.
    pub(crate) fn served(context: &Context) -> impl Iterator<Item = Self> {
        let metrics = context.options.exposition.is_some();
        let keys = context.dockline.has_api_keys();
        Self::ALL.iter().copied().filter(move |endpoint| match endpoint {
            Self::Metrics => metrics,
            Self::Whoami => keys,
            _ => true,
        })
    }

    /// Returns the router that it belongs to.
    pub(crate) const fn group(self) -> Group {
        match self {
            Self::RegisterInstallation
            | Self::GetInstallation
            | Self::DetachInstallation
            | Self::InstallUrl
            | Self::ListRepos
            | Self::Whoami
            | Self::GetOpenapi => Group::Api,
            Self::ArriveFromGithub | Self::AnswerConfirmation => Group::Callback,
            Self::TakeDelivery => Group::Webhook,
            Self::Healthz | Self::Readyz | Self::Metrics => Group::Operations,
        }
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
            Self::GetOpenapi => Access::Open,
        }
    }
}
