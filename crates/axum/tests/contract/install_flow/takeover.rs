//! Who can bind an installation: every role at GitHub, on either kind of account, under every policy, with the webhook that
//! names the installer before the visit, after it, or lost (I2, L-08, L-09, L-69).

use dockline::ClaimPolicy;
use dockline::ports::Event;
use dockline_github_sim::{DeliveryMode, Fault, FaultRule, NewApp, Role};

use crate::fixture::{Fixture, INSTALLATION, Setup, Tenant, tenant};

/// The role of the visitor towards the account of the installation. The visitor is never the owner who set the account up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visitor {
    /// An owner of the organization, or the user whose account it is.
    Owner,
    /// An owner, or the user, who installed the App.
    InstallingOwner,
    Member,
    /// A member who installed the App, such as a former owner.
    InstallingMember,
    /// A former owner who kept read access to one repository.
    FormerOwner,
    OutsideCollaborator,
    /// Installed the App, left the organization, and kept read access to one repository.
    InstallerWhoLeft,
    /// An owner whose account GitHub suspended.
    Suspended,
    /// An owner without a session of the organization's single sign-on.
    BehindSso,
}

const VISITORS: [Visitor; 9] = [
    Visitor::Owner,
    Visitor::InstallingOwner,
    Visitor::Member,
    Visitor::InstallingMember,
    Visitor::FormerOwner,
    Visitor::OutsideCollaborator,
    Visitor::InstallerWhoLeft,
    Visitor::Suspended,
    Visitor::BehindSso,
];

/// What the visitor may bind: the recorded proof under this policy, or nothing.
fn expected(
    visitor: Visitor,
    on_organization: bool,
    policy: ClaimPolicy,
    members_read: bool,
) -> Option<&'static str> {
    use Visitor as V;
    if visitor == V::Suspended || (visitor == V::BehindSso && on_organization) {
        // Turned away at the callback; under this policy a key alone suffices.
        return (policy == ClaimPolicy::State).then_some("state");
    }
    let own_account = matches!(visitor, V::Owner | V::InstallingOwner | V::BehindSso);
    let administers = own_account && (!on_organization || members_read);
    let installer = matches!(visitor, V::InstallingOwner | V::InstallingMember | V::InstallerWhoLeft);
    if administers {
        return Some("administered");
    }
    let installed = on_organization && installer;
    match policy {
        ClaimPolicy::State | ClaimPolicy::Visible => Some("visible"),
        // A former member is an outsider, if the App may see it. Without the permission "Members", any installer of a new
        // installation looks alike.
        ClaimPolicy::Installer => {
            (installed && !(members_read && visitor == V::InstallerWhoLeft)).then_some("installed")
        }
        ClaimPolicy::Controlled => {
            (installed && members_read && visitor != V::InstallerWhoLeft).then_some("installed")
        }
    }
}

struct Case {
    visitor: &'static str,
    installation: u64,
    tenant: Tenant,
}

impl Fixture {
    /// Creates an account, its visitor in this role and an installation.
    fn takeover(&self, number: usize, visitor: Visitor, on_organization: bool) -> Case {
        use Visitor as V;
        let github = self.github();
        let name: &'static str = format!("visitor-{number}").leak();
        let owner = format!("owner-{number}");
        github.create_user(name).unwrap();
        github.create_user(&owner).unwrap();
        let account = if on_organization {
            let organization = format!("organization-{number}");
            github.create_organization(&organization).unwrap();
            github.set_membership(&organization, &owner, Role::Admin).unwrap();
            if matches!(visitor, V::Member | V::InstallingMember) {
                github.set_membership(&organization, name, Role::Member).unwrap();
            } else if visitor != V::OutsideCollaborator {
                github.set_membership(&organization, name, Role::Admin).unwrap();
            }
            organization
        } else if matches!(visitor, V::Owner | V::InstallingOwner | V::Suspended | V::BehindSso) {
            name.to_owned()
        } else {
            owner.clone()
        };
        let installs = matches!(visitor, V::InstallingOwner | V::InstallingMember | V::InstallerWhoLeft);
        let sender = if (installs && on_organization) || account == name { name } else { &owner };
        let installation = github.install(self.app.app_id, &account, sender).unwrap();
        if matches!(visitor, V::FormerOwner | V::InstallerWhoLeft) && on_organization {
            github.remove_membership(&account, name).unwrap();
        }
        if account != name {
            github.add_collaborator(&account, name).unwrap();
        }
        if visitor == V::Suspended {
            github.set_fault(FaultRule::new(Fault::SuspendedUser).for_user(name));
        }
        if visitor == V::BehindSso {
            github.set_fault(FaultRule::new(Fault::Saml).for_user(name).for_organization(&account));
        }
        let tenant = tenant(&self.keys, &format!("org_{number}"), "Taker", |_| {});
        Case { visitor: name, installation, tenant }
    }

    /// Visits, confirms if asked, and registers: before and after the held webhooks arrive. Returns the recorded proof.
    async fn try_to_take(&self, case: &Case, late: bool) -> Option<String> {
        let state = self.fresh_state(&case.tenant).await;
        let browser = self.browser(case.visitor);
        let page = browser.arrive_with(case.installation, &state).await;
        if page.status == 200 {
            // Refused if the log of deliveries names another installer.
            browser.answer(&page, "confirm").await;
        } else {
            page.expect(422);
        }
        let mut answer = self.register(&case.tenant, case.installation, &state).await;
        if late {
            for delivery in self.github().deliveries() {
                self.github().deliver(delivery.id).await.unwrap();
            }
            self.github().clear_deliveries();
            answer = self.register(&case.tenant, case.installation, &state).await;
        }
        if answer.status != 201 {
            answer.expect_error(422, "VALIDATION");
            return None;
        }
        self.get(&case.tenant, INSTALLATION).await.expect(200);
        let events = self.events.recorded();
        events.iter().rev().find_map(|event| {
            let Event::Registered { installation, proof, .. } = event else { return None };
            (installation.get() == case.installation).then(|| proof.to_string())
        })
    }
}

async fn check(policy: ClaimPolicy, members_read: bool) {
    let app: fn(NewApp) -> NewApp = if members_read {
        |app| app.with_permissions([("members", "read"), ("metadata", "read")])
    } else {
        |app| app.with_permissions([("metadata", "read")])
    };
    for (mode, late) in
        [(DeliveryMode::Automatic, false), (DeliveryMode::Held, true), (DeliveryMode::Dropped, false)]
    {
        let setup = Setup { policy, app, webhooks: true, ..Setup::default() };
        let fixture = Fixture::with(setup).await;
        fixture.settled().await;
        fixture.github().clear_deliveries();
        fixture.github().set_delivery_mode(mode);
        let mut number = 0;
        for on_organization in [true, false] {
            for visitor in VISITORS {
                number += 1;
                let case = fixture.takeover(number, visitor, on_organization);
                if !late {
                    fixture.settled().await;
                }
                let proof = fixture.try_to_take(&case, late).await;
                assert_eq!(
                    proof.as_deref(),
                    expected(visitor, on_organization, policy, members_read),
                    "{visitor:?}, organization: {on_organization}, {policy}, members: {members_read}, {mode:?}"
                );
                fixture.github().clear_faults();
            }
        }
        assert_eq!(fixture.github().live_user_tokens(), 0);
    }
}

#[tokio::test]
async fn each_role_binds_what_the_policy_controlled_permits() {
    check(ClaimPolicy::Controlled, true).await;
}

#[tokio::test]
async fn each_role_binds_what_the_policy_installer_permits() {
    check(ClaimPolicy::Installer, true).await;
}

#[tokio::test]
async fn each_role_binds_what_the_policy_visible_permits() {
    check(ClaimPolicy::Visible, true).await;
}

#[tokio::test]
async fn each_role_binds_what_the_policy_state_permits() {
    check(ClaimPolicy::State, true).await;
}

#[tokio::test]
async fn without_members_read_controlled_permits_no_organization_c75() {
    check(ClaimPolicy::Controlled, false).await;
}

#[tokio::test]
async fn without_members_read_the_policy_installer_permits_who_just_installed_it_c75() {
    check(ClaimPolicy::Installer, false).await;
}

/// Also 29 days after the installation, by the same visitor, with a key of an unrelated organization.
#[tokio::test]
async fn an_old_installation_proves_nothing_about_its_installer_c05_c75() {
    for (policy, members_read, reason) in [
        (ClaimPolicy::Controlled, true, "not_member"),
        (ClaimPolicy::Installer, true, "not_member"),
        (ClaimPolicy::Controlled, false, "permission_missing"),
        (ClaimPolicy::Installer, false, "installed_too_long_ago"),
    ] {
        let app: fn(NewApp) -> NewApp = if members_read {
            |app| app.with_permissions([("members", "read"), ("metadata", "read")])
        } else {
            |app| app.with_permissions([("metadata", "read")])
        };
        let fixture = Fixture::with(Setup { policy, app, webhooks: true, ..Setup::default() }).await;
        let case = fixture.takeover(1, Visitor::InstallerWhoLeft, true);
        fixture.settled().await;
        let month = time::Duration::days(29);
        fixture.github().advance_clock(month.whole_seconds());
        fixture.clock.advance(month);
        let state = fixture.fresh_state(&case.tenant).await;
        let code = fixture.code(case.visitor);
        let id = case.installation;
        let query = format!("code={code}&installation_id={id}&setup_action=install&state={state}");
        let answer = crate::response::Response::of(fixture.http.get(fixture.callback(&query))).await;
        let answer = answer.expect_error(422, "VALIDATION");
        assert_eq!(answer.json["error"]["details"]["reason"], reason, "{policy}");
        fixture.register(&case.tenant, id, &state).await.expect_error(422, "VALIDATION");
    }
}
