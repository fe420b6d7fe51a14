//! An uninstall races a registration, in either order and at the same time, on both stores: afterwards no active binding
//! refers to a deleted installation (I7).

use std::sync::Arc;

use dockline::ports::{BindingRepo, StateStore};
use dockline::{
    AppId, Caller, ClaimPolicy, Dockline, OrganizationId, Ports, RegistrationRequest, StartInstallRequest,
    Status, WebhookDelivery, WebhookSecrets,
};
use dockline_github::{GithubApp, GithubAppConfig, GithubHost};
use dockline_github_sim::DeliveryMode;
use dockline_memory::{MemoryBindingRepo, MemoryStateStore};
use dockline_postgres::{AppNumber, PgBindingRepo, PgStateStore};
use dockline_testkit::faults::{Fault, Faulty};
use tokio::sync::Barrier;
use tokio::task::yield_now;

use crate::schema::TestSchema;
use crate::server::Github;

const ROUNDS: usize = 60;

/// The order of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// The registration asks GitHub, then the uninstall happens, then the registration writes the row.
    UninstallFirst,
    /// The registration writes the row, then the webhook of the uninstall arrives.
    RegistrationFirst,
    /// Both write at the same time.
    AtOnce,
}

struct Scene {
    github: Github,
    dockline: Dockline,
    bindings: Arc<Faulty<dyn BindingRepo>>,
}

impl Scene {
    async fn new(schema: &TestSchema, bindings: Arc<dyn BindingRepo>, states: Arc<dyn StateStore>) -> Self {
        let github = Github::start(schema).await;
        let app = &github.app;
        github.sim.sim().set_delivery_mode(DeliveryMode::Held);
        github.sim.sim().set_webhook_url(app.app_id, Some("http://127.0.0.1:9/unused")).unwrap();
        let host = GithubHost::at(&github.sim.web, &github.sim.api).unwrap();
        let id = AppId::new(app.app_id).unwrap();
        let config = GithubAppConfig::new(id, &*app.slug, app.private_key_pem.clone()).with_host(host);
        let bindings = Arc::new(Faulty::over(bindings));
        let ports =
            Ports { states, bindings: bindings.clone(), github: Arc::new(GithubApp::new(config).unwrap()) };
        let secrets = WebhookSecrets::new([app.webhook_secret.clone()]).unwrap();
        let builder = Dockline::builder(ports).with_policy(ClaimPolicy::State).with_webhook_secrets(secrets);
        Self { dockline: builder.build().unwrap(), github, bindings }
    }

    /// Delivers the webhook of the uninstall.
    async fn deliver_uninstall(&self) {
        let delivery = self.github.sim.sim().deliveries().pop().unwrap();
        assert_eq!(delivery.action.as_deref(), Some("deleted"));
        let taken = WebhookDelivery {
            signature: delivery.header("x-hub-signature-256").map(str::as_bytes),
            event: delivery.header("x-github-event"),
            id: delivery.header("x-github-delivery"),
            content_type: delivery.header("content-type"),
            body: &delivery.body,
        };
        self.dockline.handle_webhook(taken).await.unwrap();
    }

    /// Runs one round. Returns whether the registration succeeded.
    async fn round(&self, number: usize, order: Order) -> bool {
        let login = format!("{order:?}-{number}").to_lowercase();
        let installation = self.github.install(&login);
        let caller = caller(&login);
        let request = StartInstallRequest { return_url: Some("https://app.example.com/"), state: None };
        let state = self.dockline.start_install(&caller, request).await.unwrap().state;
        let body = format!(r#"{{"installationId":{installation},"state":"{}"}}"#, state.expose());
        let request = RegistrationRequest::parse(body.as_bytes()).unwrap();
        let sim = self.github.sim.sim();

        let barrier = Arc::new(Barrier::new(2));
        self.bindings.clear();
        if order != Order::RegistrationFirst {
            self.bindings.set(Fault::Meets(Arc::clone(&barrier)).once().of("insert"));
        }
        let inserts = self.bindings.count("insert");
        let registration = tokio::spawn({
            let (dockline, caller) = (self.dockline.clone(), caller.clone());
            async move { dockline.register(&caller, &request).await }
        });
        let registered = match order {
            Order::RegistrationFirst => {
                let registered = registration.await.unwrap();
                sim.uninstall(installation).unwrap();
                self.deliver_uninstall().await;
                registered
            }
            Order::UninstallFirst => {
                while self.bindings.count("insert") == inserts {
                    yield_now().await;
                }
                sim.uninstall(installation).unwrap();
                self.deliver_uninstall().await;
                barrier.wait().await;
                registration.await.unwrap()
            }
            Order::AtOnce => {
                while self.bindings.count("insert") == inserts {
                    yield_now().await;
                }
                sim.uninstall(installation).unwrap();
                self.bindings.set(Fault::Meets(Arc::clone(&barrier)).once().of("observe"));
                self.deliver_uninstall().await;
                registration.await.unwrap()
            }
        };
        let bound = self.dockline.binding(&caller).await.unwrap();
        let active = bound.filter(|bound| bound.status != Status::Uninstalled);
        assert!(active.is_none(), "{order:?}, round {number}: {active:?}; {registered:?}");
        registered.is_ok()
    }
}

fn caller(organization: &str) -> Caller {
    let organization_id = OrganizationId::new(organization).unwrap();
    let caller =
        Caller::new(organization_id, organization.parse().unwrap(), dockline_testkit::fixtures::actor());
    caller.with_return_hosts(["app.example.com"])
}

async fn races(
    schema: &TestSchema,
    store: &str,
    bindings: Arc<dyn BindingRepo>,
    states: Arc<dyn StateStore>,
) {
    let scene = Scene::new(schema, bindings, states).await;
    for order in [Order::UninstallFirst, Order::RegistrationFirst, Order::AtOnce] {
        let mut registered = 0;
        for number in 0..ROUNDS {
            registered += usize::from(scene.round(number, order).await);
        }
        println!("{store}, {order:?}: {registered} of {ROUNDS} registrations were answered with a binding");
        match order {
            Order::UninstallFirst => assert_eq!(registered, 0, "a deleted installation is never bound"),
            Order::RegistrationFirst => assert_eq!(registered, ROUNDS),
            Order::AtOnce => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uninstall_and_a_registration_leave_no_active_binding_in_memory() {
    let schema = TestSchema::new();
    let (bindings, states) = (MemoryBindingRepo::new(), MemoryStateStore::new());
    races(&schema, "memory", Arc::new(bindings), Arc::new(states)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uninstall_and_a_registration_leave_no_active_binding_on_postgresql() {
    let schema = TestSchema::migrated().await;
    let database = schema.database();
    let (bindings, states) = (
        PgBindingRepo::new(&database.with_app(AppNumber::FIRST)),
        PgStateStore::new(&database.with_app(AppNumber::FIRST)),
    );
    races(&schema, "PostgreSQL", Arc::new(bindings), Arc::new(states)).await;
    let query = "select count(*) from $schema.installations where organization is not null and status <> 'uninstalled'";
    assert_eq!(schema.number(query).await, 0);
}
