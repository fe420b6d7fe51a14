use dockline::ports::BindingRepo;
use time::Duration;

use crate::fixtures::{NOON, bind, found, installation, new_binding, seconds};

pub(crate) async fn an_organization_without_a_binding_has_none(repo: &dyn BindingRepo) {
    bind(repo, new_binding("other", 1, "state")).await;
    assert_eq!(found(repo, "acme").await, None);
    assert_eq!(repo.find_by_installation(installation(2)).await.unwrap(), None);
}

pub(crate) async fn a_binding_is_found_by_its_organization_and_by_its_installation(repo: &dyn BindingRepo) {
    let acme = bind(repo, new_binding("acme", 1, "state")).await;
    let other = bind(repo, new_binding("other", 2, "state")).await;
    assert_eq!(found(repo, "acme").await.as_ref(), Some(&acme));
    assert_eq!(found(repo, "other").await.as_ref(), Some(&other));
    assert_eq!(repo.find_by_installation(installation(1)).await.unwrap(), Some(acme));
    assert_eq!(repo.find_by_installation(installation(2)).await.unwrap(), Some(other));
}

// I4: what is answered at once and what is read back later are the same.
pub(crate) async fn times_are_kept_to_the_microsecond(repo: &dyn BindingRepo) {
    let mut new = new_binding("acme", 1, "state");
    new.last_verified_at = NOON + Duration::nanoseconds(1_999);
    new.registered_at = seconds(2) + Duration::nanoseconds(999_999_999);
    let binding = bind(repo, new).await;
    assert_eq!(binding.last_verified_at, NOON + Duration::microseconds(1));
    assert_eq!(binding.registered_at, seconds(2) + Duration::microseconds(999_999));
    assert_eq!(found(repo, "acme").await, Some(binding));
}
