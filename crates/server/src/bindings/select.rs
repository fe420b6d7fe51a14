//! Parses the values by which bindings are selected.

use dockline::{BindingState, OrganizationId, Proof};

pub(crate) fn organization(text: &str) -> Result<OrganizationId, dockline::InvalidOrganizationId> {
    OrganizationId::new(text)
}

pub(super) fn state(text: &str) -> Result<BindingState, dockline::UnknownSpelling> {
    text.parse()
}

pub(super) fn proof(text: &str) -> Result<Proof, dockline::UnknownSpelling> {
    text.parse()
}
