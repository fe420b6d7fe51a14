use std::sync::Arc;

use dockline::ports::{BindingRepo, Clock, InsertOutcome, SystemClock};
use dockline::{
    AccountId, AppId, ClaimPolicy, Dockline, InstallationId, NewBinding, OrganizationId, Ports, Proof, Status,
};
use dockline_memory::{MemoryBindingRepo, MemoryKeyStore, MemoryRateLimiter, MemoryStateStore};
use time::Duration;

use crate::{APP, Error, OfflineGithub, Tenant};

/// Builds a Dockline on the memory adapters, with budgets, in which the first `tenants` tenants have their bindings. Also
/// returns the bindings.
///
/// # Errors
/// If a tenant's number is out of range.
pub async fn dockline_on_memory(tenants: u64) -> Result<(Dockline, MemoryBindingRepo), Error> {
    let (keys, bindings) = (MemoryKeyStore::new(), MemoryBindingRepo::new());
    for tenant in (0..tenants).map(Tenant) {
        keys.put(tenant.key_record()?);
        let inserted = bindings.insert(binding(tenant)?).await?;
        if !matches!(inserted, InsertOutcome::Inserted(_)) {
            return Err("a tenant was bound twice".into());
        }
    }
    let dockline = Dockline::builder(Ports {
        states: Arc::new(MemoryStateStore::new()),
        bindings: Arc::new(bindings.clone()),
        github: Arc::new(OfflineGithub::new(AppId::new(APP)?)),
    })
    .with_policy(ClaimPolicy::State)
    .with_api_keys(Arc::new(keys))
    .with_rate_limiter(Arc::new(MemoryRateLimiter::new()))
    .build()?;
    Ok((dockline, bindings))
}

fn binding(tenant: Tenant) -> Result<NewBinding, Error> {
    let now = SystemClock.now();
    Ok(NewBinding {
        organization: OrganizationId::new(tenant.organization())?,
        installation: InstallationId::new(tenant.installation())?,
        account: tenant.account()?,
        status: Status::Active,
        proof: Proof::Administered,
        proven_by: Some(AccountId::new(77)?),
        actor: "bench".parse()?,
        spent: tenant.state_digest(),
        last_verified_at: now,
        next_look_at: now + Duration::DAY,
        registered_at: now,
        facts: None,
    })
}
