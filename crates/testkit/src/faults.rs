//! Failures, delays and meetings on demand, around any port.
//!
//! ```
//! use std::sync::Arc;
//!
//! use dockline::ports::BindingRepo;
//! use dockline_memory::MemoryBindingRepo;
//! use dockline_testkit::faults::{Fault, Faulty};
//! use dockline_testkit::fixtures::binding;
//!
//! # dockline_testkit::runner::block_on(async {
//! let memory: Arc<dyn BindingRepo> = Arc::new(MemoryBindingRepo::new());
//! let faulty = Faulty::over(Arc::clone(&memory)).with(Fault::LosesAnswer.once().of("insert"));
//! assert!(faulty.insert(binding()).await.is_err());
//! assert!(faulty.insert(binding()).await.is_ok());
//! assert_eq!(faulty.count("insert"), 2);
//! # });
//! ```

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dockline::{PortError, PortErrorKind, PortName};
use tokio::sync::Barrier;
use tokio::time::sleep;

/// The failure of a call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Fails as [`PortErrorKind::Unavailable`] without any effect.
    FailsBefore,
    /// Fails as this kind without any effect.
    FailsAs(PortErrorKind),
    /// Takes effect and then fails as [`PortErrorKind::Unavailable`]. A call that fails by itself keeps its error.
    LosesAnswer,
    /// Waits this long before the call and again before it returns. Needs a running tokio.
    Slow(Duration),
    /// Waits at the barrier before the call.
    Meets(Arc<Barrier>),
}

impl Fault {
    /// Applies to every call until [`Faulty::clear`].
    #[must_use]
    pub const fn always(self) -> Rule {
        Rule { fault: self, method: None, left: None }
    }

    /// Applies to that many calls.
    #[must_use]
    pub const fn times(self, times: u32) -> Rule {
        Rule { fault: self, method: None, left: Some(times) }
    }

    /// Applies to one call.
    #[must_use]
    pub const fn once(self) -> Rule {
        self.times(1)
    }
}

/// A fault and the calls that it applies to.
#[derive(Debug, Clone)]
pub struct Rule {
    fault: Fault,
    method: Option<&'static str>,
    left: Option<u32>,
}

impl Rule {
    /// Restricts the rule to the method of this name.
    #[must_use]
    pub const fn of(mut self, method: &'static str) -> Self {
        self.method = Some(method);
        self
    }

    fn applies_to(&self, method: &str) -> bool {
        self.left != Some(0) && self.method.is_none_or(|wanted| wanted == method)
    }
}

/// A recorded call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The method's name.
    pub method: &'static str,
    /// The arguments' `Debug`, which contains no secret.
    pub arguments: String,
}

/// A port with faults, which records every call. `Faulty<dyn BindingRepo>` is a `BindingRepo`, and so on.
pub struct Faulty<P: ?Sized> {
    pub(crate) port: Arc<P>,
    rules: Mutex<Vec<Rule>>,
    calls: Mutex<Vec<Call>>,
}

impl<P: ?Sized> Faulty<P> {
    /// Wraps the port, without faults.
    pub const fn over(port: Arc<P>) -> Self {
        Self { port, rules: Mutex::new(Vec::new()), calls: Mutex::new(Vec::new()) }
    }

    /// Adds a rule. The first rule that applies to a call decides.
    #[must_use]
    pub fn with(self, rule: Rule) -> Self {
        self.set(rule);
        self
    }

    /// Adds a rule while the port is in use.
    pub fn set(&self, rule: Rule) {
        locked(&self.rules).push(rule);
    }

    /// Removes all rules.
    pub fn clear(&self) {
        locked(&self.rules).clear();
    }

    /// Returns every call, oldest first, failed ones included.
    pub fn calls(&self) -> Vec<Call> {
        locked(&self.calls).clone()
    }

    /// Returns the number of calls of this method.
    pub fn count(&self, method: &str) -> usize {
        locked(&self.calls).iter().filter(|call| call.method == method).count()
    }

    pub(crate) fn record(&self, method: &'static str, arguments: String) {
        locked(&self.calls).push(Call { method, arguments });
    }

    fn fault(&self, method: &str) -> Option<Fault> {
        let mut rules = locked(&self.rules);
        let rule = rules.iter_mut().find(|rule| rule.applies_to(method))?;
        rule.left = rule.left.map(|left| left.saturating_sub(1));
        Some(rule.fault.clone())
    }
}

impl<P: ?Sized + Send + Sync> Faulty<P> {
    pub(crate) async fn call<T: Send>(
        &self,
        name: PortName,
        method: &'static str,
        arguments: String,
        call: impl Future<Output = Result<T, PortError>> + Send,
    ) -> Result<T, PortError> {
        self.record(method, arguments);
        let failed = |kind| Err(PortError::new(name, kind, format!("fault injected into {method}")));
        match self.fault(method) {
            None => call.await,
            Some(Fault::FailsBefore) => failed(PortErrorKind::Unavailable),
            Some(Fault::FailsAs(kind)) => failed(kind),
            Some(Fault::LosesAnswer) => {
                call.await?;
                failed(PortErrorKind::Unavailable)
            }
            Some(Fault::Slow(delay)) => {
                sleep(delay).await;
                let result = call.await;
                sleep(delay).await;
                result
            }
            Some(Fault::Meets(barrier)) => {
                barrier.wait().await;
                call.await
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<P: ?Sized + fmt::Debug> fmt::Debug for Faulty<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Faulty").field(&self.port).finish()
    }
}
