//! Installation tokens: their form, their beginnings, their end; and hourly limits.

use secrecy::SecretString;

use super::GithubSim;
use crate::error::SimError;
use crate::model::installation_token::{NewToken, TokenFormat, TokenLag};
use crate::rate_limit::RateLimited;

impl GithubSim {
    /// A token with everything that the installation was granted, without asking for it over HTTP; good for an hour, and also made
    /// where the installation is suspended.
    ///
    /// # Errors
    /// [`SimError::UnknownInstallation`], or [`SimError::NoRandomness`].
    pub fn issue_installation_token(&self, installation: u64) -> Result<SecretString, SimError> {
        let mut world = self.world();
        let now = world.now();
        let model = &mut world.model;
        let unknown = SimError::UnknownInstallation(installation);
        let permissions = model.installation(installation).ok_or(unknown)?.permissions.clone();
        let format = model.installation_tokens.format;
        let new = NewToken { installation, permissions, repositories: None, format };
        model.mint(new, now).map(|minted| minted.token)
    }

    /// Ends every token of the installation, as GitHub does with leaked ones: they answer 401 from now on. How many were live.
    ///
    /// # Errors
    /// [`SimError::UnknownInstallation`].
    pub fn revoke_installation_tokens(&self, installation: u64) -> Result<usize, SimError> {
        let mut world = self.world();
        let now = world.now();
        world.model.revoke_tokens(installation, now)
    }

    /// How many installation tokens are neither expired nor revoked, of installations that are there.
    pub fn live_installation_tokens(&self) -> usize {
        let world = self.world();
        world.model.live_installation_tokens(world.now())
    }

    /// How tokens look that are minted from now on. A request can say otherwise (GitHub fact 31).
    pub fn set_token_format(&self, format: TokenFormat) {
        self.world().model.installation_tokens.format = format;
    }

    /// How long tokens that are minted from now on are answered with 401 at first; none: not at all.
    pub fn set_token_lag(&self, lag: Option<TokenLag>) {
        self.world().model.installation_tokens.lag = lag;
    }

    /// At most `limit` requests to the REST API in an hour of the simulator's clock, and 403 for the others until the hour ended. None: they
    /// are counted in the headers, and nobody is refused; so it begins. What was counted in this hour stays.
    ///
    /// # Errors
    /// [`SimError::UnknownApp`] or [`SimError::UnknownInstallation`].
    pub fn set_rate_limit(&self, caller: RateLimited, limit: Option<u32>) -> Result<(), SimError> {
        let mut world = self.world();
        match caller {
            RateLimited::App(id) => world.model.known_app(id).map(|_| ())?,
            RateLimited::Installation(id) => {
                world.model.installation(id).map(|_| ()).ok_or(SimError::UnknownInstallation(id))?;
            }
        }
        world.rate_limits.set(caller, limit);
        Ok(())
    }
}
