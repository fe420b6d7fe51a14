use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{KeyId, OrganizationId, spelled};

spelled! {
    /// The class of a request, as `X-RateLimit-Endpoint-Class` spells it. Reads and writes have separate budgets.
    #[derive(PartialOrd, Ord)]
    pub enum BudgetClass("budget class") {
        /// A request that changes nothing.
        Read = "read-light",
        /// A request that changes something.
        Write = "write-light",
    }
}

/// The size of a budget. A host may define its own tiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    /// The tier's name, as `rateLimitTier` spells it.
    pub name: Cow<'static, str>,
    /// Reads per minute; also the largest burst.
    pub reads_per_minute: u32,
    /// Writes per minute; also the largest burst.
    pub writes_per_minute: u32,
    /// Writes per UTC day.
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

    /// Returns the tier with 120 reads and 60 writes per minute and 10,000 writes per day.
    #[must_use]
    pub const fn standard() -> Self {
        Self::of("standard", 120, 60, 10_000)
    }

    /// Returns the tier with 1,200 reads and 600 writes per minute and 100,000 writes per day.
    #[must_use]
    pub const fn pilot() -> Self {
        Self::of("pilot", 1_200, 600, 100_000)
    }

    /// Returns the tier with 6,000 reads and 3,000 writes per minute and 500,000 writes per day.
    #[must_use]
    pub const fn partner() -> Self {
        Self::of("partner", 6_000, 3_000, 500_000)
    }

    /// Returns the predefined tier of this name, or `None` if there is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::standard(), Self::pilot(), Self::partner()].into_iter().find(|tier| tier.name == name)
    }

    /// Returns the budget per minute in `class`.
    #[must_use]
    pub const fn per_minute(&self, class: BudgetClass) -> u32 {
        match class {
            BudgetClass::Read => self.reads_per_minute,
            BudgetClass::Write => self.writes_per_minute,
        }
    }

    /// Returns the cap per day in `class`, or `None` if there is none.
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
pub struct BudgetKey(Identity);

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Identity {
    Key(KeyId),
    Organization(Arc<str>),
}

impl BudgetKey {
    /// Returns the identity as text of at most 132 printable ASCII characters. Rate limiters count by it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Identity::Key(key) => key.as_str(),
            Identity::Organization(name) => name,
        }
    }
}

impl From<&KeyId> for BudgetKey {
    /// The key's own budget.
    fn from(key: &KeyId) -> Self {
        Self(Identity::Key(key.clone()))
    }
}

impl From<&OrganizationId> for BudgetKey {
    /// The budget that all callers of the organization share.
    fn from(organization: &OrganizationId) -> Self {
        // A key id contains no colon, so the two kinds cannot collide.
        Self(Identity::Organization(format!("org:{organization}").into()))
    }
}

/// The level of one class of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The class.
    pub class: BudgetClass,
    /// The budget per minute.
    pub limit: u32,
    /// The number of requests that are allowed right now.
    pub remaining: u32,
    /// The time until the budget is full again.
    pub reset_after: Duration,
}
