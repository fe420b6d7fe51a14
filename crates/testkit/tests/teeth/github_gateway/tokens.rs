//! What the paper's tokens are given out for, and reach.

use std::collections::{BTreeMap, BTreeSet};

use dockline::ports::{ListOutcome, MintOutcome};
use dockline::{
    Access, InstallationId, InstallationToken, NewToken, PermissionName, PortError, PortErrorKind, PortName,
    RepositoryId, RepositoryScope, TokenScope,
};
use dockline_testkit::fixtures::{NOON, unique};

use super::fault::Fault;
use super::paper::{APP, Live, Paper};

/// What every installation was granted.
pub(crate) fn granted() -> BTreeMap<PermissionName, Access> {
    [("contents", Access::Write), ("members", Access::Read)]
        .map(|(name, access)| (PermissionName::new(name).unwrap(), access))
        .into()
}

pub(crate) fn unexpected() -> PortError {
    PortError::new(PortName::GithubGateway, PortErrorKind::Unexpected, "paper")
}

impl Paper {
    pub(crate) fn give_out(&self, id: InstallationId, scope: &TokenScope) -> Result<MintOutcome, PortError> {
        let found = self.world().installed.get(&id).cloned();
        let foreign = self.is(Fault::MintsForForeigners);
        let Some(found) = found.filter(|found| foreign || found.app.get() == APP) else {
            return Ok(MintOutcome::Missing);
        };
        if found.suspended {
            let absent = self.is(Fault::TakesSuspensionForAbsence);
            return Ok(if absent { MintOutcome::Missing } else { MintOutcome::Suspended });
        }
        let everything = TokenScope::everything();
        let scope = if self.is(Fault::IgnoresNarrowing) { &everything } else { scope };
        let Some(repositories) = self.narrowed(id, scope) else {
            return if self.is(Fault::FailsOnRefusedScopes) {
                Err(unexpected())
            } else {
                let message = if self.is(Fault::SwallowsGithubsWords) { "" } else { "not granted" };
                Ok(MintOutcome::NotGranted { message: message.into() })
            };
        };
        let mut world = self.world();
        let kept =
            world.live.iter().find(|(_, live)| live.installation == id).map(|(secret, _)| secret.clone());
        let secret = match kept.filter(|_| self.is(Fault::KeepsInstallationTokens)) {
            Some(kept) => kept,
            None if world.stateless => format!("ghs_{APP}_{}.{}", unique(), "eyJ-_".repeat(90)),
            None => format!("ghs_{:036}", unique()),
        };
        if self.is(Fault::KnowsTheOldFormatOnly) && secret.len() != 40 {
            return Err(unexpected());
        }
        let refusals = world.refusals;
        world.live.insert(secret.clone(), Live { installation: id, repositories, refusals });
        Ok(MintOutcome::Minted(InstallationToken::new(NewToken {
            installation: id,
            secret: secret.into(),
            issued_at: NOON,
            expires_at: NOON + time::Duration::HOUR,
            web_origin: "https://github.example".into(),
        })))
    }

    /// What a token of this scope reaches, `Some(None)` being all; `None` where it may not be had.
    fn narrowed(&self, id: InstallationId, scope: &TokenScope) -> Option<Option<BTreeSet<RepositoryId>>> {
        let granted = granted();
        let mut asked = scope.permissions().into_iter().flatten();
        let permitted =
            |(name, access): (&PermissionName, &Access)| granted.get(name).is_some_and(|most| access <= most);
        if !asked.all(permitted) {
            return None;
        }
        let world = self.world();
        let all: Vec<_> = world.repositories.get(&id).into_iter().flatten().collect();
        let named = |name: &str| {
            let full = |full: &str| full.split_once('/').is_some_and(|(_, own)| own == name);
            all.iter().find(|repository| full(&repository.full_name)).map(|repository| repository.id)
        };
        match scope.repositories() {
            RepositoryScope::All => Some(None),
            RepositoryScope::Names(_) if self.is(Fault::IgnoresNames) => Some(None),
            RepositoryScope::Names(names) => {
                names.iter().map(|name| named(name.as_str())).collect::<Option<_>>().map(Some)
            }
            RepositoryScope::Ids(ids) => ids
                .iter()
                .all(|id| all.iter().any(|repository| repository.id == *id))
                .then(|| Some(ids.clone())),
        }
    }

    /// One answer to a listing; `None` where the token is refused.
    pub(crate) fn listed(&self, token: &InstallationToken, page: u32) -> Option<ListOutcome> {
        let mut world = self.world();
        let live = world.live.get_mut(token.expose())?;
        if live.refusals > 0 {
            live.refusals -= 1;
            return None;
        }
        let (id, scope) = (live.installation, live.repositories.clone());
        world.installed.get(&id).filter(|installed| !installed.suspended)?;
        let all: Vec<_> = world.repositories.get(&id).cloned().unwrap_or_default();
        let reached: Vec<_> = all
            .into_iter()
            .filter(|repository| scope.as_ref().is_none_or(|scope| scope.contains(&repository.id)))
            .collect();
        let size = ListOutcome::PER_PAGE as usize;
        let page = if self.is(Fault::ListsTheFirstPageOnly) { 1 } else { page as usize };
        let mut repositories: Vec<_> = reached.iter().skip((page - 1) * size).take(size).cloned().collect();
        if self.is(Fault::AssumesMain) {
            repositories.iter_mut().for_each(|repository| repository.default_branch = "main".into());
        }
        let counted = if self.is(Fault::CountsThePageOnly) { repositories.len() } else { reached.len() };
        Some(ListOutcome::Page { repositories, total: u64::try_from(counted).unwrap() })
    }
}
