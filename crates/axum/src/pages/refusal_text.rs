use dockline::CallbackRefusal;

/// Returns the English text of a refusal: the reason and what to do.
#[must_use]
pub const fn refusal_message(reason: CallbackRefusal) -> &'static str {
    match reason {
        CallbackRefusal::MalformedState | CallbackRefusal::UnknownState => {
            "This link is not valid. Start again from the product."
        }
        CallbackRefusal::RevokedState => {
            "This link was cancelled or used up. Start again from the product if you want to connect GitHub."
        }
        CallbackRefusal::ExpiredState => {
            "This link has expired: links are valid for 15 minutes. Start again from the product."
        }
        CallbackRefusal::DuplicateParameter => {
            "The address of this page contains a parameter twice. Start again from the product."
        }
        CallbackRefusal::MalformedInstallation => {
            "The installation in the address of this page is invalid, or not the one that you started with. Continue with \
             GitHub, or start again from the product."
        }
        CallbackRefusal::MissingCode => {
            "GitHub did not identify you, so the installation cannot be connected. Start again from the product."
        }
        CallbackRefusal::AuthorizationDenied => {
            "You declined to authorize the App, so we cannot verify your access. Continue with GitHub and choose Authorize."
        }
        CallbackRefusal::CodeRefused => {
            "GitHub did not accept this visit: it was used before, has expired, or began in another browser. Continue with \
             GitHub to identify yourself again."
        }
        CallbackRefusal::MalformedCode => {
            "The address of this page contains no code of GitHub's. Continue with GitHub to identify yourself again."
        }
        CallbackRefusal::TooManyCodes => {
            "GitHub rejected this link too many times, so it is not valid any more. Start again from the product."
        }
        CallbackRefusal::MissingCookie => {
            "Your browser did not keep the cookie that belongs to this visit. Allow cookies for this site, and continue with \
             GitHub."
        }
        CallbackRefusal::TiedToAnother => {
            "This link was used for another installation. Start again from the product."
        }
        CallbackRefusal::NotVisible => {
            "You cannot see this installation on GitHub, or it does not exist. Use the GitHub account of an administrator of \
             the account that it is on."
        }
        CallbackRefusal::NotAdministered => {
            "You can see this installation, but you do not administer its account on GitHub. Ask an \
             administrator to connect it."
        }
        CallbackRefusal::NotMember => {
            "You can see this installation, but you are not an active member of its organization on GitHub. Ask an \
             administrator of the organization to connect it."
        }
        CallbackRefusal::PermissionMissing => {
            "GitHub does not tell us whether you administer this organization, because the App lacks the permission \
             “Members: read”. Tell the operator of this service; then an administrator of the organization accepts the \
             permission on GitHub."
        }
        CallbackRefusal::InstalledTooLongAgo => {
            "You installed the App before this link was made, and the App lacks the permission “Members: read”, so GitHub \
             does not tell us whether you still belong to the organization. Tell the operator of this service, or uninstall \
             the App on GitHub and start again from the product."
        }
        CallbackRefusal::SsoRequired => {
            "The organization requires its single sign-on. Sign in to the organization on GitHub, and start again from the \
             product."
        }
        CallbackRefusal::IpBlocked => {
            "The organization's IP allow list on GitHub blocks this service, so we cannot verify your access. Ask an \
             administrator of the organization to allow the service's addresses."
        }
        CallbackRefusal::AccountSuspended => {
            "GitHub suspended your account. Contact GitHub, or sign in with another account and start again from the product."
        }
        CallbackRefusal::AccessDenied => {
            "GitHub does not let us see what you may access. Ask an administrator of the account about its security \
             settings, and start again from the product."
        }
        CallbackRefusal::TooManyInstallations => {
            "You can see more than 10,000 installations of this App, too many for us to find this one among them. Have another \
             administrator of the account connect it, or use an account that sees fewer."
        }
        CallbackRefusal::MembershipUnavailable => {
            "GitHub failed to tell us whether you administer this organization. Wait a minute, and start again from the \
             product."
        }
        CallbackRefusal::UnbindableAccount => {
            "The App is installed on an enterprise, or on an account that GitHub does not name. Only a user or an \
             organization can be connected: install the App there."
        }
        CallbackRefusal::TicketRefused => {
            "This question was answered before, or later visits replaced it. Go back to the product, and start again if \
             nothing is connected."
        }
        CallbackRefusal::OtherBrowser => {
            "You answered in another browser than the one that showed the question. Start again from the product, in one \
             browser with cookies allowed."
        }
        _ => "The installation cannot be connected. Start again from the product.",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_refusal_has_its_own_text() {
        let texts: BTreeSet<_> = CallbackRefusal::ALL.iter().map(|reason| refusal_message(*reason)).collect();
        // A malformed state and an unknown one share a text.
        assert_eq!(texts.len(), CallbackRefusal::ALL.len() - 1);
    }
}
