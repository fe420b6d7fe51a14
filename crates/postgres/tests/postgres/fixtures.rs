//! Values that the tests store: those of the testkit, by short names.

use dockline::{IssuedState, NewBinding};
pub(crate) use dockline_testkit::fixtures::{
    NOON, actor, claim, digest, installation, installer_record as installer, key_record as key,
    numbered_account as account, organization,
};
use dockline_testkit::fixtures::{binding_of, state_of};

/// A binding to an installation and an account with the same number.
pub(crate) fn binding(owner: &str, number: u64, state: &str) -> NewBinding {
    NewBinding { account: account(number), ..binding_of(owner, number, digest(state)) }
}

pub(crate) fn state(owner: &str, text: &str) -> IssuedState {
    state_of(owner, digest(text), NOON)
}
