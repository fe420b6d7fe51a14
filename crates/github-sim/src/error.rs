//! The error of changes to the simulator.

/// The reason why a change failed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// No account has this login or slug.
    #[error("there is no account {0:?}")]
    UnknownAccount(String),
    /// No App has this id.
    #[error("there is no App {0}")]
    UnknownApp(u64),
    /// No installation has this id, or it was uninstalled.
    #[error("there is no installation {0}")]
    UnknownInstallation(u64),
    /// No repository has this name on that account, or this id.
    #[error("there is no repository {0}")]
    UnknownRepository(String),
    /// No installation request with this id is pending.
    #[error("there is no pending installation request {0}")]
    UnknownRequest(u64),
    /// No webhook delivery has this id, or it was dropped from the history.
    #[error("there is no webhook delivery {0}")]
    UnknownDelivery(u64),
    /// No fault rule has this id.
    #[error("there is no fault rule {0}")]
    UnknownFault(u64),
    /// The login, slug, App slug or App id is in use.
    #[error("{0:?} is taken")]
    Taken(String),
    /// The installation id is or was in use. GitHub never reuses one.
    #[error("installation id {0} was used before")]
    InstallationIdUsed(u64),
    /// The account has an installation of the App. It can have only one.
    #[error("the App is already installed on that account as installation {0}")]
    AlreadyInstalled(u64),
    /// The account is not of the kind that the operation needs.
    #[error("{login:?} is not {needed}")]
    WrongKind {
        /// The account's login or slug.
        login: String,
        /// The kind that the operation needs, with its article.
        needed: &'static str,
    },
    /// git failed or is not installed.
    #[error("{0}")]
    Git(String),
    /// The value is not valid.
    #[error("{0}")]
    Invalid(&'static str),
}
