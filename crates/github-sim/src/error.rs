//! What can go wrong when the model is told to change.

/// Why the model refused a change.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// No account has this login or slug.
    #[error("no account is called {0:?}")]
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
    /// No installation request waits under this id.
    #[error("no installation request {0} is waiting")]
    UnknownRequest(u64),
    /// No webhook delivery has this id, or it was forgotten.
    #[error("there is no webhook delivery {0}")]
    UnknownDelivery(u64),
    /// A login, slug, App slug or App id that somebody has already.
    #[error("{0:?} is taken")]
    Taken(String),
    /// Installation ids are never given twice, not even after an uninstall.
    #[error("installation id {0} was used before")]
    InstallationIdUsed(u64),
    /// An account has at most one installation of an App.
    #[error("the App is installed on that account already, as {0}")]
    AlreadyInstalled(u64),
    /// The account exists, but is of another kind than the operation needs.
    #[error("{login:?} is not {needed}")]
    WrongKind {
        /// The account's login or slug.
        login: String,
        /// What it should have been, with its article.
        needed: &'static str,
    },
    /// A value that GitHub would not take.
    #[error("{0}")]
    Invalid(&'static str),
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
}
