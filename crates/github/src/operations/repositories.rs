//! The repositories that an installation token reaches.

use std::time::Duration;

use dockline::InstallationToken;
use dockline::ports::ListOutcome;
use tokio::time::sleep;

use crate::error::{GithubError, denied};
use crate::http::{Api, Request, next_page};
use crate::observer::Operation;
use crate::wire::RepositoriesWire;

/// GitHub may reject a new token for some seconds, until it is replicated. A rejection after this age is final.
const REPLICATION_TIME: time::Duration = time::Duration::seconds(5);
/// Waits before the second, third and fourth attempt.
const BACKOFF: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(3)];

const LIST: &str = "/installation/repositories";

pub(crate) async fn list(
    api: &Api,
    token: &InstallationToken,
    page: u32,
) -> Result<ListOutcome, GithubError> {
    let path = format!("{LIST}?per_page={}&page={page}", ListOutcome::PER_PAGE);
    let request = Request::get(Operation::Repositories, path).with_large_response();
    let mut backoff = BACKOFF.into_iter();
    loop {
        match api.as_installation(request.clone(), token).await {
            Ok(response) => {
                let wire: RepositoriesWire = response.json()?;
                let next = next_page(&response, api.base(), LIST, wire.page_of(page))?;
                return wire.page(next);
            }
            Err(GithubError::CredentialRejected { .. }) => {
                match retry_in(backoff.next(), api.now() - token.issued_at()) {
                    Some(wait) => sleep(wait).await,
                    None => return Ok(ListOutcome::TokenRefused),
                }
            }
            Err(GithubError::Suspended | GithubError::NotFound { .. }) => {
                return Ok(ListOutcome::TokenRefused);
            }
            Err(error) => return denied(token.installation(), error).map(ListOutcome::Denied),
        }
    }
}

/// Returns how long to wait before the next attempt with a rejected token of this age; `None` if the rejection is final.
/// The last attempt is made when the token is five seconds old.
fn retry_in(planned: Option<Duration>, age: time::Duration) -> Option<Duration> {
    // The age is negative if the clock was set back; the number of attempts still bounds the retries.
    let left = Duration::try_from(REPLICATION_TIME - age).ok().filter(|left| !left.is_zero())?;
    planned.map(|planned| planned.min(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_token_is_retried_until_it_is_five_seconds_old_and_at_most_three_times_l49() {
        for (ages, expected) in [
            // Rejected at once: retried after one second, three, and five.
            (vec![0, 1_000, 3_000, 5_000], vec![1_000, 2_000, 2_000]),
            // First used some time after it was issued.
            (vec![3_500, 4_500, 5_000], vec![1_000, 500]),
            (vec![4_999, 5_000], vec![1]),
            (vec![5_000], vec![]),
            (vec![3_600_000], vec![]),
            // The clock stands still, or is set back.
            (vec![0, 0, 0, 0], vec![1_000, 2_000, 3_000]),
            (vec![-9_000, -8_000, -6_000, -3_000], vec![1_000, 2_000, 3_000]),
        ] {
            let mut backoff = BACKOFF.into_iter();
            let waited: Vec<_> = ages
                .iter()
                .map_while(|age| retry_in(backoff.next(), time::Duration::milliseconds(*age)))
                .map(|wait| wait.as_millis())
                .collect();
            assert_eq!(waited, expected, "{ages:?}");
        }
    }
}
