//! What a token reaches, and the patience that a fresh one needs.

use std::time::Duration;

use dockline::InstallationToken;
use dockline::ports::ListOutcome;
use tokio::time::sleep;

use crate::api::Api;
use crate::fault::GithubFault;
use crate::wire::RepositoriesWire;

/// Older tokens have reached all of GitHub's machines: their refusal is final (GitHub fact 21).
const YOUNG: time::Duration = time::Duration::seconds(5);
/// Before the second, third and fourth try.
const WAITS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(3)];

pub(crate) async fn list(
    api: &Api,
    token: &InstallationToken,
    page: u32,
) -> Result<ListOutcome, GithubFault> {
    let path = format!("/installation/repositories?per_page={}&page={page}", ListOutcome::PER_PAGE);
    let mut waits = WAITS.into_iter();
    loop {
        match api.as_installation(&path, token).await {
            Ok(answer) => return answer.json::<RepositoriesWire>()?.try_into(),
            Err(GithubFault::CredentialRefused { .. }) => {
                match patience(waits.next(), api.now() - token.issued_at()) {
                    Some(wait) => sleep(wait).await,
                    None => return Ok(ListOutcome::TokenRefused),
                }
            }
            Err(GithubFault::Suspended | GithubFault::NotFound { .. }) => {
                return Ok(ListOutcome::TokenRefused);
            }
            Err(other) => return Err(other),
        }
    }
}

/// How long to wait before a token of this age, just refused, is tried again; `None` where its refusal is final. The last
/// try is made when it is five seconds old (lesson L-49).
fn patience(planned: Option<Duration>, age: time::Duration) -> Option<Duration> {
    // Negative where the clock was set back: the plan alone bounds that (invariant I27).
    let left = Duration::try_from(YOUNG - age).ok().filter(|left| !left.is_zero())?;
    planned.map(|planned| planned.min(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_token_is_tried_for_five_seconds_of_its_life_and_four_times_at_most_l49() {
        for (ages, expected) in [
            // Refused at once: after one second, three, and five.
            (vec![0, 1_000, 3_000, 5_000], vec![1_000, 2_000, 2_000]),
            // Listed some time after its birth.
            (vec![3_500, 4_500, 5_000], vec![1_000, 500]),
            (vec![4_999, 5_000], vec![1]),
            (vec![5_000], vec![]),
            (vec![3_600_000], vec![]),
            // The clock stands still, or was set back.
            (vec![0, 0, 0, 0], vec![1_000, 2_000, 3_000]),
            (vec![-9_000, -8_000, -6_000, -3_000], vec![1_000, 2_000, 3_000]),
        ] {
            let mut waits = WAITS.into_iter();
            let waited: Vec<_> = ages
                .iter()
                .map_while(|age| patience(waits.next(), time::Duration::milliseconds(*age)))
                .map(|wait| wait.as_millis())
                .collect();
            assert_eq!(waited, expected, "{ages:?}");
        }
    }
}
