//! The visit to GitHub's OAuth web flow, for a code with which GitHub identifies the visitor.

use data_encoding::BASE64URL_NOPAD;
use percent_encoding::utf8_percent_encode;

use super::callback::Callback;
use super::start_install::COMPONENT;
use super::visit::Visit;
use super::ways_out::Stop;
use crate::error::{CallbackRefusal, PortError};
use crate::model::{CodeVerifier, InstallationId, SetupAction};
use crate::service::Dockline;

/// Separates the parts of the `state` parameter of the web flow.
const SEPARATOR: char = '~';

/// The installation of a visitor who is to choose one.
const NONE: &str = "-";

/// The number of random bytes of a nonce.
const NONCE_BYTES: usize = 12;

/// The number of characters of a nonce: the attempt, then the random bytes in base64url.
const NONCE_LENGTH: usize = 17;

/// The first character of the nonces of first and second attempts.
const ATTEMPTS: [char; 2] = ['1', '2'];

/// GitHub's OAuth web flow, in which the visitor authorizes the App.
#[derive(Debug, Clone)]
pub struct Authorization {
    /// The URL. Its `state` parameter is `<state>~<nonce>~<installation or ->~<i or u>`, since GitHub returns no other
    /// parameter. A visitor can forge it; it proves nothing until GitHub identifies the visitor.
    pub url: String,
    /// The nonce, for the name of the cookie: 17 characters of `A–Z a–z 0–9 - _`.
    pub nonce: String,
    /// The value of the cookie, which ties GitHub's code to this browser. The cookie must be `HttpOnly`, `Secure` and
    /// `SameSite=Lax`, and live for [`Authorization::LIFETIME`].
    pub verifier: CodeVerifier,
    /// Whether GitHub rejected the code that this visit came with. Count it like a refusal.
    pub code_was_refused: bool,
}

impl Authorization {
    /// How long GitHub's code can be used: 10 minutes.
    pub const LIFETIME: std::time::Duration = std::time::Duration::from_secs(600);

    pub(super) fn after_refused_code(self) -> Self {
        Self { code_was_refused: true, ..self }
    }
}

/// The parts of the `state` parameter of the web flow.
#[derive(Debug, Clone, Copy)]
pub(super) struct FlowState<'a> {
    pub(super) state: &'a str,
    pub(super) nonce: &'a str,
    pub(super) installation: Option<InstallationId>,
    pub(super) just_installed: bool,
}

impl<'a> FlowState<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.rsplitn(4, SEPARATOR);
        let (action, installation) = (parts.next()?, parts.next()?);
        let (nonce, state) = (parts.next()?, parts.next()?);
        let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if nonce.len() != NONCE_LENGTH || !nonce.starts_with(ATTEMPTS) || !nonce.bytes().all(is_base64url) {
            return None;
        }
        let installation = match installation {
            NONE => None,
            id => Some(id.parse().ok()?),
        };
        let just_installed = match action {
            "i" => true,
            "u" => false,
            _ => return None,
        };
        Some(Self { state, nonce, installation, just_installed })
    }

    /// Returns whether the browser was sent to the web flow for the first time. A second attempt follows if its cookie is
    /// missing; a browser that keeps no cookies would be sent there for ever.
    pub(super) fn is_first_attempt(&self) -> bool {
        self.nonce.starts_with(ATTEMPTS[0])
    }
}

impl Dockline {
    /// Sends the visitor to the web flow, and keeps the installation and whether the visitor has just installed the App.
    pub(super) fn authorize(
        &self,
        visit: &Visit<'_>,
        callback: &Callback<'_>,
        installation: Option<InstallationId>,
    ) -> Result<Box<Authorization>, Stop> {
        self.authorization(visit, callback, installation, ATTEMPTS[0])
    }

    /// The same for a visitor whose browser did not return the cookie.
    pub(super) fn authorize_again(
        &self,
        visit: &Visit<'_>,
        callback: &Callback<'_>,
        installation: Option<InstallationId>,
    ) -> Result<Box<Authorization>, Stop> {
        self.authorization(visit, callback, installation, ATTEMPTS[1])
    }

    fn authorization(
        &self,
        visit: &Visit<'_>,
        callback: &Callback<'_>,
        installation: Option<InstallationId>,
        attempt: char,
    ) -> Result<Box<Authorization>, Stop> {
        let page = self.0.ports.github.registration().authorize_page.ok_or(CallbackRefusal::MissingCode)?;
        let mut random = [0_u8; NONCE_BYTES];
        self.0.entropy.fill(&mut random).map_err(PortError::from)?;
        let nonce = format!("{attempt}{}", BASE64URL_NOPAD.encode(&random));
        let verifier = CodeVerifier::mint(self.0.entropy.as_ref()).map_err(PortError::from)?;
        let action = if visit.just_installed(callback) { "i" } else { "u" };
        let named = installation.map_or_else(|| NONE.to_owned(), |id| id.to_string());
        let mut url = format!(
            "{page}&state={}{SEPARATOR}{nonce}{SEPARATOR}{named}{SEPARATOR}{action}&code_challenge={}\
             &code_challenge_method=S256",
            visit.state.expose(),
            verifier.challenge()
        );
        if let Some(callback_url) = callback.callback_url {
            url.push_str("&redirect_uri=");
            url.extend(utf8_percent_encode(callback_url, COMPONENT));
        }
        if callback.select_account {
            url.push_str("&prompt=select_account");
        }
        Ok(Box::new(Authorization { url, nonce, verifier, code_was_refused: false }))
    }

    /// Returns the query of the callback with which the visitor goes through the web flow for this installation, or for a
    /// list to choose from.
    pub(super) fn web_flow_query(
        state: &str,
        installation: Option<InstallationId>,
        just_installed: bool,
    ) -> String {
        let mut query = format!("state={state}");
        if let Some(installation) = installation {
            query.push_str(&format!("&installation_id={installation}"));
        }
        if just_installed {
            query.push_str("&setup_action=");
            query.push_str(SetupAction::Install.as_str());
        }
        query
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_form_of_the_web_flow_is_split() {
        let nonce = "1abcdefghijklmno-";
        for state in ["plain", "with~tilde", "a~1~b", "x~1~i"] {
            for (installation, id) in [("-", None), ("7", Some(7))] {
                for (action, just_installed) in [("i", true), ("u", false)] {
                    let text = format!("{state}~{nonce}~{installation}~{action}");
                    let flow = FlowState::parse(&text).unwrap();
                    assert_eq!((flow.state, flow.nonce, flow.just_installed), (state, nonce, just_installed));
                    assert_eq!(flow.installation.map(InstallationId::get), id);
                    assert!(flow.is_first_attempt());
                }
            }
        }
        for other in [
            "",
            "state",
            "state~123",
            "state~-~i",
            "1abcdefghijklmno-~7~i",
            "state~1abcdefghijklmno-~7~x",
            "state~1abcdefghijklmno-~0~i",
            "state~1abcdefghijklmno-~~i",
            "state~1abcdefghijklmno-~+7~i",
            "state~3abcdefghijklmno-~7~i",
            "state~1abcdefghijklmno.~7~i",
            "state~1abc~7~i",
        ] {
            assert!(FlowState::parse(other).is_none(), "{other}");
        }
    }
}
