use serde::Serialize;
use time::OffsetDateTime;

use super::{spelled, timestamp};

/// The presence of an installation at GitHub, and the times of its looks. A look is a lookup at GitHub that returned
/// 200 or GitHub's own 404.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Life {
    /// Whether GitHub shows the installation.
    pub presence: Presence,
    /// The time of the request of the last look. Observations are ordered by it alone.
    #[serde(serialize_with = "timestamp::serialize")]
    pub observed_at: OffsetDateTime,
    /// The time from which a sweep looks again; `None` if it never does.
    #[serde(serialize_with = "timestamp::serialize_option")]
    pub next_look_at: Option<OffsetDateTime>,
}

/// Whether GitHub shows an installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Presence {
    /// GitHub shows it, active or suspended.
    Shown,
    /// GitHub has not shown it for less than an hour. It gives no tokens.
    Missing {
        /// The time of the first look that missed it.
        #[serde(serialize_with = "timestamp::serialize")]
        since: OffsetDateTime,
        /// The number of looks that missed it, at most one per minute.
        looks: u32,
        /// The time of the last one of these looks.
        #[serde(serialize_with = "timestamp::serialize")]
        last: OffsetDateTime,
    },
    /// GitHub accepted our request to uninstall it, but has not confirmed the end. It gives no tokens.
    Ending {
        /// The time of the request.
        #[serde(serialize_with = "timestamp::serialize")]
        since: OffsetDateTime,
    },
    /// It ended.
    Uninstalled {
        /// The source of the end.
        by: UninstalledBy,
    },
}

spelled! {
    /// The source of the end of an installation.
    pub enum UninstalledBy("source of an end") {
        /// GitHub's signed webhook. Final.
        Deletion = "deletion",
        /// Our request to uninstall it, which GitHub confirmed. Final.
        Us = "us",
        /// GitHub did not show the installation for an hour. It returns if GitHub shows it again.
        Absence = "absence",
    }
}

impl Presence {
    /// Returns whether the installation has ended for good, so that GitHub is not asked about it any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Uninstalled { by: UninstalledBy::Deletion | UninstalledBy::Us })
    }

    /// Returns whether a 200 of GitHub would bring the installation back: it is missing, or uninstalled by absence.
    #[must_use]
    pub const fn is_missing_or_absent(self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Uninstalled { by: UninstalledBy::Absence })
    }
}
