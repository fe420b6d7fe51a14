//! The table of endpoints: name, path, group and access. The routers are built from it, and tests compare it with the
//! OpenAPI document.

use crate::options::Context;

/// An operation of the API; the variant is its `operationId`.
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
    GetOpenapi30,
}

/// The method of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Delete,
}

/// A part of the API that a host can mount as a router of its own.
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

/// The credential that an endpoint requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// An API key with the scope `github:admin`, or the host's login.
    GithubAdmin,
    /// Any valid API key, or the host's login.
    AnyKey,
    /// The signature of a webhook delivery.
    Signed,
    /// None.
    Open,
}

impl Endpoint {
    /// Every endpoint.
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
        Self::GetOpenapi30,
    ];

    /// Returns the endpoints that a router with these options serves.
    pub(crate) fn served(context: &Context) -> impl Iterator<Item = Self> {
        let metrics = context.options.exposition.is_some();
        let keys = context.dockline.has_api_keys();
        Self::ALL.iter().copied().filter(move |endpoint| {
            (metrics || !matches!(endpoint, Self::Metrics)) && (keys || !matches!(endpoint, Self::Whoami))
        })
    }

    /// Returns the group of the endpoint.
    pub(crate) const fn group(self) -> Group {
        match self {
            Self::RegisterInstallation
            | Self::GetInstallation
            | Self::DetachInstallation
            | Self::InstallUrl
            | Self::ListRepos
            | Self::Whoami
            | Self::GetOpenapi
            | Self::GetOpenapi30 => Group::Api,
            Self::ArriveFromGithub | Self::AnswerConfirmation => Group::Callback,
            Self::TakeDelivery => Group::Webhook,
            Self::Healthz | Self::Readyz | Self::Metrics => Group::Operations,
        }
    }

    /// Returns method and path, without the prefix under which the router is nested.
    pub(crate) const fn method_and_path(self) -> (Method, &'static str) {
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
            Self::GetOpenapi30 => (Method::Get, "/openapi-3.0.json"),
        }
    }

    /// Returns the required credential.
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
            | Self::Metrics
            | Self::GetOpenapi
            | Self::GetOpenapi30 => Access::Open,
        }
    }
}
