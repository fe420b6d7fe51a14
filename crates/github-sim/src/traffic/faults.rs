//! The fault rules of a simulator, and which of them apply to a request.

use std::collections::BTreeSet;

use serde::Serialize;

use super::fault::{Fault, FaultRule};
use super::rate_limit::RateLimitCaller;
use super::target::Target;
use crate::model::Model;
use crate::model::account::AccountKind;
use crate::model::grant::Grant;
use crate::urls::Params;

const MINT: &str = "/api/v3/app/installations/{id}/access_tokens";
const UNINSTALL: &str = "/api/v3/app/installations/{id}";
/// Lists that omit organizations with SAML single sign-on.
const USER_LISTS: [&str; 3] =
    ["/api/v3/user/installations", "/api/v3/user/orgs", "/api/v3/user/memberships/orgs"];

/// A rule with its id.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct StoredRule {
    id: u64,
    #[serde(flatten)]
    rule: FaultRule,
}

/// A request, as rules see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FaultRequest<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) params: &'a Params,
    pub(crate) target: Target,
    pub(crate) user_token: Option<&'a Grant>,
    pub(crate) model: &'a Model,
}

impl FaultRequest<'_> {
    /// Returns whether single sign-on protects this organization from the request's user token.
    fn needs_sso(&self, organization: u64) -> bool {
        let account = self.model.account(organization);
        account.is_some_and(|account| account.kind == AccountKind::Organization)
            && self.user_token.is_some_and(|token| !self.model.grants.has_sso(organization, token))
    }

    fn is_account(&self, account: Option<u64>, login: &str) -> bool {
        let account = account.and_then(|id| self.model.account(id));
        account.is_some_and(|account| account.login.eq_ignore_ascii_case(login))
    }
}

/// The faults of a request.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) fault: Option<Fault>,
    /// Organizations that lists of the user omit.
    pub(crate) hidden: BTreeSet<u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<StoredRule>,
    added: u64,
}

impl Faults {
    /// Adds a rule and returns its id.
    pub(crate) fn add(&mut self, rule: FaultRule) -> u64 {
        self.added += 1;
        self.rules.push(StoredRule { id: self.added, rule });
        self.added
    }

    /// Removes a rule. Returns whether it existed.
    pub(crate) fn remove(&mut self, id: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|stored| stored.id != id);
        self.rules.len() < before
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub(crate) fn rules(&self) -> &[StoredRule] {
        &self.rules
    }

    /// Returns the faults of this request and counts it against their rules.
    pub(crate) fn take(&mut self, request: &FaultRequest<'_>) -> Taken {
        let mut taken = Taken::default();
        for rule in self.rules.iter_mut().map(|stored| &mut stored.rule) {
            if rule.hides(request) {
                let protected = rule.organizations(request.model).into_iter();
                taken.hidden.extend(protected.filter(|organization| request.needs_sso(*organization)));
            } else if taken.fault.is_none() && rule.matches(request) {
                taken.fault = Some(rule.fault.clone());
            } else {
                continue;
            }
            rule.remaining = rule.remaining.map(|left| left.saturating_sub(1));
        }
        taken
    }
}

impl FaultRule {
    fn matches(&self, request: &FaultRequest<'_>) -> bool {
        let in_organization = |login: &String| request.is_account(request.target.account, login);
        self.in_scope(request)
            && self.organization.as_ref().is_none_or(in_organization)
            && self.fault.applies(request)
    }

    /// Returns whether the request is a list of a user's, from which organizations are omitted.
    fn hides(&self, request: &FaultRequest<'_>) -> bool {
        self.fault == Fault::Saml
            && USER_LISTS.contains(&request.path)
            && request.target.user().is_some()
            && self.in_scope(request)
    }

    /// Compares everything but the organization, which is not in the path of a list.
    fn in_scope(&self, request: &FaultRequest<'_>) -> bool {
        let target = request.target;
        self.matches_route(request)
            && self.installation.is_none_or(|id| target.installation == Some(id))
            && self.user.as_ref().is_none_or(|login| request.is_account(target.user(), login))
            && self.app.is_none_or(|id| target.caller == Some(RateLimitCaller::App(id)))
    }

    fn matches_route(&self, request: &FaultRequest<'_>) -> bool {
        self.remaining != Some(0)
            && self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(request.method))
            && self.path.as_deref().is_none_or(|pattern| is_path(pattern, request.path))
            && self.path_prefix.as_deref().is_none_or(|prefix| request.path.starts_with(prefix))
    }

    /// Returns the organization of the rule, or all if it names none.
    fn organizations(&self, model: &Model) -> BTreeSet<u64> {
        let named =
            |login: &str| self.organization.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(login));
        let organizations = model.accounts().filter(|account| account.kind == AccountKind::Organization);
        organizations.filter(|account| named(&account.login)).map(|account| account.id).collect()
    }
}

impl Fault {
    /// Returns whether GitHub answers such requests with this fault at all.
    fn applies(&self, request: &FaultRequest<'_>) -> bool {
        let FaultRequest { method, path, params, target, .. } = *request;
        let mint = || method == "POST" && is_path(MINT, path);
        match self {
            Self::SuspendedUser => target.user().is_some(),
            Self::Saml => target.account.is_some_and(|id| request.needs_sso(id)),
            Self::SuspendedInstallation => {
                mint() || matches!(target.caller, Some(RateLimitCaller::Installation(_)))
            }
            Self::NotAccessibleToParent => mint(),
            Self::SlowUninstall { .. } => method == "DELETE" && is_path(UNINSTALL, path),
            Self::List { page: Some(page), .. } => {
                params.get("page").map_or(Some(1), |number| number.parse().ok()) == Some(*page)
            }
            Self::Status { .. }
            | Self::Garbage { .. }
            | Self::PrimaryRateLimit { .. }
            | Self::SecondaryRateLimit { .. }
            | Self::Slow { .. }
            | Self::Hang
            | Self::Huge
            | Self::Redirect { .. }
            | Self::LoseAnswer
            | Self::Drop
            | Self::WrongJson
            | Self::IpAllowList
            | Self::LegalBlock
            | Self::MissingPermission { .. }
            | Self::NotFound
            | Self::ProxyNotFound
            | Self::List { page: None, .. } => true,
        }
    }
}

/// Compares a path with a pattern, whose segments in braces match any segment.
fn is_path(pattern: &str, path: &str) -> bool {
    let same = |(wanted, segment): (&str, &str)| wanted == segment || wanted.starts_with('{');
    pattern.split('/').count() == path.split('/').count() && pattern.split('/').zip(path.split('/')).all(same)
}

#[cfg(test)]
mod tests {
    use super::is_path;

    #[test]
    fn segments_in_braces_match_any_segment() {
        assert!(is_path("/app/installations/{id}", "/app/installations/7"));
        assert!(is_path("/user", "/user"));
        for other in ["/user/orgs", "/users", "/user/", ""] {
            assert!(!is_path("/user", other), "{other}");
        }
        assert!(!is_path("/app/installations/{id}", "/app/installations/7/suspended"));
    }
}
