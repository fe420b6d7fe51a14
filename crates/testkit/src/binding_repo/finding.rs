//! What is found, and as what.

use dockline::InstallationId;
use dockline::ports::BindingRepo;
use time::Duration;

use super::{NOON, bind, found, installation, new_binding, organization, seconds};
use crate::fixtures::account_id;

/// Nobody finds another organization's binding as their own (I10).
pub async fn an_organization_without_a_binding_has_none(repo: &dyn BindingRepo) {
    bind(repo, new_binding("other", 1, "state")).await;
    assert_eq!(found(repo, "acme").await, None);
    assert_eq!(repo.find_by_installation(installation(2)).await.unwrap(), None);
}

/// Both ways lead to the same row (I1).
pub async fn a_binding_is_found_by_its_organization_and_by_its_installation(repo: &dyn BindingRepo) {
    let acme = bind(repo, new_binding("acme", 1, "state")).await;
    let other = bind(repo, new_binding("other", 2, "state")).await;
    assert_eq!(found(repo, "acme").await.as_ref(), Some(&acme));
    assert_eq!(found(repo, "other").await.as_ref(), Some(&other));
    assert_eq!(repo.find_by_installation(installation(1)).await.unwrap(), Some(acme));
    assert_eq!(repo.find_by_installation(installation(2)).await.unwrap(), Some(other));
}

/// Nanoseconds are cut, not rounded: what is answered at once and what is read back later are the same (I4).
pub async fn times_are_kept_to_the_microsecond(repo: &dyn BindingRepo) {
    let mut new = new_binding("acme", 1, "state");
    new.last_verified_at = NOON + Duration::nanoseconds(1_999);
    new.registered_at = seconds(2) + Duration::nanoseconds(999_999_999);
    let binding = bind(repo, new).await;
    assert_eq!(binding.last_verified_at, NOON + Duration::microseconds(1));
    assert_eq!(binding.registered_at, seconds(2) + Duration::microseconds(999_999));
    assert_eq!(found(repo, "acme").await, Some(binding));
}

/// GitHub's numbers are larger than 32 bits, and all of 1 to 2^53−1 may come (L-63).
pub async fn numbers_beyond_32_bits_are_kept(repo: &dyn BindingRepo) {
    for (name, number) in [("acme", 3_000_000_000), ("other", InstallationId::MAX)] {
        let mut new = new_binding(name, number, "state");
        new.account.id = account_id(number);
        new.proven_by = Some(account_id(number));
        let binding = bind(repo, new).await;
        assert_eq!((binding.account.id.get(), binding.installation.get()), (number, number));
        assert_eq!(repo.find_by_installation(installation(number)).await.unwrap(), Some(binding.clone()));
        assert_eq!(found(repo, name).await, Some(binding));
    }
}

/// The host's ids are opaque: neither case nor length nor punctuation is changed or overlooked (I10).
pub async fn an_organization_is_matched_by_the_letter(repo: &dyn BindingRepo) {
    let long = "x".repeat(128);
    let names = ["acme", "ACME", "acme.", "a%", "a_", "';--", "\\", &long];
    for (name, number) in names.into_iter().zip(1..) {
        bind(repo, new_binding(name, number, "state")).await;
    }
    for (name, number) in names.into_iter().zip(1..) {
        let binding = found(repo, name).await.unwrap();
        assert_eq!((binding.organization, binding.installation), (organization(name), installation(number)));
    }
    assert_eq!(found(repo, &long[1..]).await, None);
}
