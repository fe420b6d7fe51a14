//! What an insert answers, and what it leaves alone.

use dockline::ports::{BindingRepo, InsertOutcome};
use dockline::{AccountKind, Binding, NewBinding, Proof, Status};

use super::{NOON, account, bind, found, gone, installation, new_binding, organization, present, seconds};

/// The answer is what was written (L-64).
pub async fn the_answer_is_the_row_as_stored(repo: &dyn BindingRepo) {
    let new = new_binding("acme", 1, "state");
    let binding = bind(repo, new.clone()).await;
    let expected = Binding {
        organization: new.organization,
        installation: new.installation,
        account: new.account,
        status: new.status,
        proof: new.proof,
        proven_by: new.proven_by,
        actor: new.actor,
        registered_at: new.registered_at,
        last_verified_at: new.last_verified_at,
        generation: binding.generation,
    };
    assert_eq!(binding, expected);
    assert_eq!(found(repo, "acme").await, Some(expected));
}

/// Both statuses, both kinds of account, every proof, with a person and without: nothing is flattened (I2, L-08).
pub async fn every_kind_of_row_is_kept(repo: &dyn BindingRepo) {
    let proofs = [Proof::State, Proof::Visible, Proof::Administered, Proof::Installed];
    for (proof, number) in proofs.into_iter().zip(1..) {
        for (status, kind, suffix) in
            [(Status::Active, AccountKind::User, "a"), (Status::Suspended, AccountKind::Organization, "b")]
        {
            let name = format!("{proof}-{suffix}");
            let id = 2 * number + u64::from(kind == AccountKind::User);
            let mut new = NewBinding { status, proof, ..new_binding(&name, id, "state") };
            new.account.kind = kind;
            new.proven_by = (kind == AccountKind::User).then_some(new.account.id);
            let expected = (status, proof, new.account.clone(), new.proven_by);
            bind(repo, new).await;
            let row = found(repo, &name).await.unwrap();
            assert_eq!((row.status, row.proof, row.account, row.proven_by), expected);
        }
    }
}

/// A replay is answered the first row, `registered_at` and all (I4).
pub async fn a_repeated_insert_answers_the_first_row(repo: &dyn BindingRepo) {
    let first = bind(repo, new_binding("acme", 1, "state")).await;
    let again = NewBinding { registered_at: seconds(60), ..new_binding("acme", 1, "another state") };
    assert_eq!(repo.insert(again).await.unwrap(), InsertOutcome::Occupied(first));
}

/// One installation for one organization; a second is a conflict that changes nothing (I1, I5, L-51).
pub async fn an_organization_that_is_bound_to_another_installation_is_occupied(repo: &dyn BindingRepo) {
    let first = bind(repo, new_binding("acme", 1, "state")).await;
    let second = repo.insert(new_binding("acme", 2, "another state")).await.unwrap();
    assert_eq!(second, InsertOutcome::Occupied(first.clone()));
    assert_eq!(found(repo, "acme").await, Some(first));
    assert_eq!(repo.find_by_installation(installation(2)).await.unwrap(), None);
}

/// The binding stays where it is: conflict is an answer, not an update (I1, L-05, L-06).
pub async fn an_installation_of_another_organization_is_taken(repo: &dyn BindingRepo) {
    let first = bind(repo, new_binding("acme", 1, "state")).await;
    assert_eq!(repo.insert(new_binding("other", 1, "another state")).await.unwrap(), InsertOutcome::Taken);
    assert_eq!(found(repo, "other").await, None);
    assert_eq!(repo.find_by_installation(installation(1)).await.unwrap(), Some(first));
}

/// The end of an installation is final, also for news that is newer (I7).
pub async fn an_uninstalled_installation_is_gone(repo: &dyn BindingRepo) {
    repo.observe(installation(1), present(Status::Active, "acme-coffee", NOON)).await.unwrap();
    repo.observe(installation(1), gone(seconds(1))).await.unwrap();
    let mut new = new_binding("acme", 1, "state");
    new.last_verified_at = seconds(5);
    assert_eq!(repo.insert(new).await.unwrap(), InsertOutcome::Gone);
    assert_eq!(found(repo, "acme").await, None);
}

/// The news may be here before anybody bound the id (L-09, L-28).
pub async fn an_installation_that_was_uninstalled_before_anybody_bound_it_is_gone(repo: &dyn BindingRepo) {
    repo.observe(installation(1), gone(NOON)).await.unwrap();
    assert_eq!(repo.insert(new_binding("acme", 1, "state")).await.unwrap(), InsertOutcome::Gone);
    assert_eq!(found(repo, "acme").await, None);
}

/// `NewBinding` cannot say this by contract; a repository that is told all the same must not make it look alive (I7).
pub async fn a_binding_that_says_uninstalled_is_gone(repo: &dyn BindingRepo) {
    let dead = NewBinding { status: Status::Uninstalled, ..new_binding("acme", 1, "state") };
    assert_eq!(repo.insert(dead).await.unwrap(), InsertOutcome::Gone);
    assert_eq!(found(repo, "acme").await, None);
    // Refused, so it taught nothing: GitHub was not asked.
    bind(repo, new_binding("acme", 1, "state")).await;
}

/// A state makes at most one binding ever, also after a detach (I3, L-17).
pub async fn a_state_that_was_spent_on_a_released_binding_is_spent(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 1, "state")).await;
    repo.release(&organization("acme"), installation(1), seconds(60)).await.unwrap();
    for number in [1, 2] {
        assert_eq!(repo.insert(new_binding("acme", number, "state")).await.unwrap(), InsertOutcome::Spent);
    }
    assert_eq!(found(repo, "acme").await, None);
}

/// Who spends a state spends it for themselves only: nobody can use up another's (L-19).
pub async fn a_state_of_another_organization_is_not_spent(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 1, "state")).await;
    bind(repo, new_binding("other", 2, "state")).await;
}

/// Order of the conditions: the own binding first, so that a replay is a replay whatever else is the case
/// (I4).
pub async fn occupied_comes_before_taken_gone_and_spent(repo: &dyn BindingRepo) {
    let first = bind(repo, new_binding("acme", 1, "state")).await;
    bind(repo, new_binding("other", 2, "state")).await;
    repo.observe(installation(2), gone(seconds(60))).await.unwrap();
    let answer = repo.insert(new_binding("acme", 2, "state")).await.unwrap();
    assert_eq!(answer, InsertOutcome::Occupied(first));
}

/// Order of the conditions: another's binding second.
pub async fn taken_comes_before_gone_and_spent(repo: &dyn BindingRepo) {
    spend(repo, "state").await;
    bind(repo, new_binding("other", 2, "state")).await;
    repo.observe(installation(2), gone(seconds(60))).await.unwrap();
    assert_eq!(repo.insert(new_binding("acme", 2, "state")).await.unwrap(), InsertOutcome::Taken);
}

/// Order of the conditions: the uninstalled installation third.
pub async fn gone_comes_before_spent(repo: &dyn BindingRepo) {
    spend(repo, "state").await;
    repo.observe(installation(2), gone(seconds(60))).await.unwrap();
    assert_eq!(repo.insert(new_binding("acme", 2, "state")).await.unwrap(), InsertOutcome::Gone);
}

/// Whatever the refusal, neither a binding nor a fact moves (I5, L-06, L-10).
pub async fn a_refused_insert_changes_nothing(repo: &dyn BindingRepo) {
    spend(repo, "spent").await;
    let held = bind(repo, new_binding("other", 2, "state")).await;
    let news = |organization_name: &str, number, state_name: &str| NewBinding {
        account: account("renamed"),
        status: Status::Suspended,
        last_verified_at: seconds(60),
        registered_at: seconds(60),
        ..new_binding(organization_name, number, state_name)
    };
    let occupied = repo.insert(news("other", 2, "state 2")).await.unwrap();
    assert_eq!(occupied, InsertOutcome::Occupied(held.clone()));
    assert_eq!(repo.insert(news("acme", 2, "state 3")).await.unwrap(), InsertOutcome::Taken);
    assert_eq!(repo.insert(news("acme", 1, "spent")).await.unwrap(), InsertOutcome::Spent);
    assert_eq!(found(repo, "other").await, Some(held));
    // What the refused insert said about the free installation was not kept, either.
    let bound = bind(repo, new_binding("acme", 1, "state 4")).await;
    assert_eq!((bound.status, bound.last_verified_at), (Status::Active, NOON));
}

/// A refused registration can be repeated with the same state (I6, L-20).
pub async fn a_refused_insert_does_not_spend_its_state(repo: &dyn BindingRepo) {
    bind(repo, new_binding("other", 1, "state")).await;
    assert_eq!(repo.insert(new_binding("acme", 1, "mine")).await.unwrap(), InsertOutcome::Taken);
    bind(repo, new_binding("acme", 2, "mine")).await;
}

/// The new binding's status and account become the installation's (L-53).
pub async fn newer_facts_of_an_insert_count(repo: &dyn BindingRepo) {
    repo.observe(installation(1), present(Status::Active, "old-name", NOON)).await.unwrap();
    let binding = bind(
        repo,
        NewBinding {
            account: account("new-name"),
            status: Status::Suspended,
            last_verified_at: seconds(1),
            ..new_binding("acme", 1, "state")
        },
    )
    .await;
    assert_eq!(binding.account, account("new-name"));
    assert_eq!(binding.status, Status::Suspended);
    assert_eq!(binding.last_verified_at, seconds(1));
}

/// A registration in flight does not undo what was learned meanwhile (L-30).
pub async fn older_facts_of_an_insert_do_not(repo: &dyn BindingRepo) {
    repo.observe(installation(1), present(Status::Suspended, "new-name", seconds(1))).await.unwrap();
    let binding = bind(repo, new_binding("acme", 1, "state")).await;
    assert_eq!(binding.account, account("new-name"));
    assert_eq!(binding.status, Status::Suspended);
    assert_eq!(binding.last_verified_at, seconds(1));
    assert_eq!(binding.registered_at, seconds(2));
}

/// Leaves acme with nothing but a spent state.
async fn spend(repo: &dyn BindingRepo, state_name: &str) {
    bind(repo, new_binding("acme", 1, state_name)).await;
    repo.release(&organization("acme"), installation(1), seconds(30)).await.unwrap();
}
