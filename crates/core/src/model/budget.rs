use std::borrow::Cow;
use std::time::Duration;

use super::{KeyId, OrganizationId};

/// Reads and writes are counted apart (`contract.md` §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BudgetClass {
    /// Every GET.
    Read,
    /// Everything that changes something.
    Write,
}

impl BudgetClass {
    /// As it is spelled in `X-RateLimit-Endpoint-Class`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read-light",
            Self::Write => "write-light",
        }
    }
}

/// How much a key may do. Data, so that a host may have tiers of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    /// The tier's name, as `rateLimitTier` spells it.
    pub name: Cow<'static, str>,
    /// Reads a minute; also the largest burst.
    pub reads_per_minute: u32,
    /// Writes a minute; also the largest burst.
    pub writes_per_minute: u32,
    /// Writes a day (UTC).
    pub writes_per_day: u32,
}

impl Tier {
    const fn of(name: &'static str, reads: u32, writes: u32, daily: u32) -> Self {
        Self {
            name: Cow::Borrowed(name),
            reads_per_minute: reads,
            writes_per_minute: writes,
            writes_per_day: daily,
        }
    }

    /// 120 reads and 60 writes a minute, 10,000 writes a day.
    #[must_use]
    pub const fn standard() -> Self {
        Self::of("standard", 120, 60, 10_000)
    }

    /// 1,200 reads and 600 writes a minute, 100,000 writes a day.
    #[must_use]
    pub const fn pilot() -> Self {
        Self::of("pilot", 1_200, 600, 100_000)
    }

    /// 6,000 reads and 3,000 writes a minute, 500,000 writes a day.
    #[must_use]
    pub const fn partner() -> Self {
        Self::of("partner", 6_000, 3_000, 500_000)
    }

    /// The tier that `contract.md` §2 describes under `name`; `None` where it describes none: a host's own.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::standard(), Self::pilot(), Self::partner()].into_iter().find(|tier| tier.name == name)
    }

    /// The budget of a minute in `class`.
    #[must_use]
    pub const fn per_minute(&self, class: BudgetClass) -> u32 {
        match class {
            BudgetClass::Read => self.reads_per_minute,
            BudgetClass::Write => self.writes_per_minute,
        }
    }

    /// The cap of a day in `class`, where there is one.
    #[must_use]
    pub const fn per_day(&self, class: BudgetClass) -> Option<u32> {
        match class {
            BudgetClass::Read => None,
            BudgetClass::Write => Some(self.writes_per_day),
        }
    }
}

/// The identity of a budget: an API key's own, or one that all callers of an organization share.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BudgetKey(String);

impl BudgetKey {
    /// The budget as text, of at most 132 printable ASCII characters: what a rate limiter counts by.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&KeyId> for BudgetKey {
    /// The key's own budget.
    fn from(key: &KeyId) -> Self {
        Self(key.as_str().to_owned())
    }
}

impl From<&OrganizationId> for BudgetKey {
    /// The budget that all callers of the organization share.
    fn from(organization: &OrganizationId) -> Self {
        // A key id has no colon, so the two kinds never meet.
        Self(format!("org:{organization}"))
    }
}

/// The level of one class of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Which budget.
    pub class: BudgetClass,
    /// Requests a minute.
    pub limit: u32,
    /// Requests left at once.
    pub remaining: u32,
    /// Time until the budget is full again.
    pub reset_after: Duration,
}
