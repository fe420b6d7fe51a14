//! The JSON of the columns `pending` and `answered` of `install_states`.

use std::error::Error;

use data_encoding::HEXLOWER;
use dockline::{
    AccountId, AnsweredConfirmation, ClaimMembership, InstallationId, PendingConfirmation, Proof,
    SecretDigest, SetupAction, VerifiedClaim,
};
use serde::{Deserialize, Serialize};

use crate::decode;

type BoxError = Box<dyn Error + Send + Sync>;

/// A confirmation. Unknown fields are ignored, so that a later release may add some.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Confirmation {
    ticket: String,
    browser: String,
    installation: InstallationId,
    account: AccountId,
    proof: Proof,
    visitor: AccountId,
    membership: ClaimMembership,
    setup_action: SetupAction,
    /// The answer; absent while the confirmation is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confirmed: Option<bool>,
}

impl From<&PendingConfirmation> for Confirmation {
    fn from(pending: &PendingConfirmation) -> Self {
        let PendingConfirmation { ticket, browser, claim, setup_action } = pending;
        Self {
            ticket: hex(ticket),
            browser: hex(browser),
            installation: claim.installation,
            account: claim.account,
            proof: claim.proof,
            visitor: claim.visitor,
            membership: claim.membership,
            setup_action: *setup_action,
            confirmed: None,
        }
    }
}

impl TryFrom<Confirmation> for PendingConfirmation {
    type Error = BoxError;

    fn try_from(stored: Confirmation) -> Result<Self, BoxError> {
        let Confirmation {
            ticket,
            browser,
            installation,
            account,
            proof,
            visitor,
            membership,
            setup_action,
            ..
        } = stored;
        Ok(Self {
            ticket: digest(&ticket)?,
            browser: digest(&browser)?,
            claim: VerifiedClaim { installation, account, proof, visitor, membership },
            setup_action,
        })
    }
}

/// Returns the text form of a digest within JSON.
pub(crate) fn hex(digest: &SecretDigest) -> String {
    HEXLOWER.encode(digest.as_bytes())
}

fn digest(text: &str) -> Result<SecretDigest, BoxError> {
    Ok(decode::digest(&HEXLOWER.decode(text.as_bytes())?)?)
}

/// A struct of strings and numbers always serializes.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

pub(crate) fn pending(pending: &PendingConfirmation) -> String {
    json(&Confirmation::from(pending))
}

pub(crate) fn pending_list(list: &[PendingConfirmation]) -> String {
    json(&list.iter().map(Confirmation::from).collect::<Vec<_>>())
}

pub(crate) fn answered(answered: &AnsweredConfirmation) -> String {
    json(&Confirmation { confirmed: Some(answered.confirmed), ..Confirmation::from(&answered.question) })
}

pub(crate) fn read_pending(text: &str) -> Result<Vec<PendingConfirmation>, BoxError> {
    let stored: Vec<Confirmation> = serde_json::from_str(text)?;
    stored.into_iter().map(TryInto::try_into).collect()
}

pub(crate) fn read_answered(text: &str) -> Result<AnsweredConfirmation, BoxError> {
    let stored: Confirmation = serde_json::from_str(text)?;
    let confirmed = stored.confirmed.ok_or("an answered confirmation without its answer")?;
    Ok(AnsweredConfirmation { question: stored.try_into()?, confirmed })
}
