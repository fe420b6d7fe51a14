//! One organization of the product, `acme`, with the memory adapters behind faults.

mod github;

use std::future::Future;
use std::sync::Arc;

use dockline::ports::{BindingRepo, Clock, Event, GithubGateway, ManualClock, StateStore};
use dockline::{
    Authorization, Binding, BrowserSecret, Builder, Callback, CallbackError, CallbackOutcome,
    CallbackRefusal, Caller, ConfirmationAnswer, ConfirmationPrompt, Dockline, InstallationId, IssuedState,
    Life, Ports, Presence, RegisterError, Registered, RegistrationRequest, ReturnRedirect,
    StartInstallRequest, State, Ticket, VerifiedClaim, WebhookSecrets,
};
use dockline_memory::{MemoryBindingRepo, MemoryEvents, MemoryStateStore};
use dockline_testkit::faults::{Fault, Faulty};
use dockline_testkit::fixtures::{NOON, organization, unique};
use time::{Duration, OffsetDateTime};
use tokio::sync::Barrier;
use tokio::task::JoinHandle;

pub(crate) use github::{FakeGithub, OUR_APP, VISITOR, account_of, repository};

pub(crate) const RETURN_URL: &str = "https://app.acme.example/done";
pub(crate) const WEBHOOK_SECRET: &str = "webhook secret of the tests";

pub(crate) struct World {
    pub(crate) dockline: Dockline,
    pub(crate) github: Arc<FakeGithub>,
    pub(crate) gateway: Arc<Faulty<dyn GithubGateway>>,
    pub(crate) bindings: Arc<Faulty<dyn BindingRepo>>,
    pub(crate) states: Arc<Faulty<dyn StateStore>>,
    /// The same bindings without faults, as another node sees them.
    pub(crate) stored: MemoryBindingRepo,
    /// The same states without faults, as another node sees them.
    pub(crate) stored_states: Arc<MemoryStateStore>,
    pub(crate) clock: Arc<ManualClock>,
    events: MemoryEvents,
}

pub(crate) fn caller(id: &str) -> Caller {
    Caller::new(organization(id), "Acme Coffee".parse().unwrap(), "user:ann".parse().unwrap())
        .with_return_hosts(["app.acme.example"])
}

pub(crate) fn acme() -> Caller {
    caller("org_acme")
}

/// The life of an installation that GitHub showed at this time.
pub(crate) fn shown(at: OffsetDateTime) -> Life {
    Life { presence: Presence::Shown, observed_at: at, next_look_at: Some(at + Duration::HOUR) }
}

/// A caller of another organization.
pub(crate) fn rival() -> Caller {
    caller("org_rival")
}

impl World {
    /// The defaults: policy "controlled" with confirmation.
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn with(configure: impl FnOnce(Builder) -> Builder) -> Self {
        Self::over(|_| {}, configure)
    }

    pub(crate) fn over(
        prepare: impl FnOnce(&FakeGithub),
        configure: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        Self::build(prepare, |builder, _| configure(builder))
    }

    pub(crate) fn build(
        prepare: impl FnOnce(&FakeGithub),
        configure: impl FnOnce(Builder, &MemoryBindingRepo) -> Builder,
    ) -> Self {
        let clock = Arc::new(ManualClock::starting_at(NOON));
        let github = Arc::new(FakeGithub::new(Arc::clone(&clock)));
        prepare(&github);
        let (stored, stored_states) = (MemoryBindingRepo::new(), Arc::new(MemoryStateStore::new()));
        let port: Arc<dyn GithubGateway> = github.clone();
        let gateway = Arc::new(Faulty::over(port));
        let port: Arc<dyn BindingRepo> = Arc::new(stored.clone());
        let bindings = Arc::new(Faulty::over(port));
        let port: Arc<dyn StateStore> = stored_states.clone();
        let states = Arc::new(Faulty::over(port));
        let events = MemoryEvents::default();
        let ports = Ports { states: states.clone(), bindings: bindings.clone(), github: gateway.clone() };
        let secrets = WebhookSecrets::new([WEBHOOK_SECRET.into()]).unwrap();
        let builder = Dockline::builder(ports)
            .with_clock(clock.clone())
            .with_events(Arc::new(events.clone()))
            .with_directory(Arc::new(stored.clone()))
            .with_webhook_secrets(secrets);
        let dockline = configure(builder, &stored).build().unwrap();
        Self { dockline, github, gateway, bindings, states, stored, stored_states, clock, events }
    }

    /// The events since the last call, oldest first.
    pub(crate) fn new_events(&self, before: usize) -> Vec<Event> {
        self.events.recorded().split_off(before)
    }

    pub(crate) fn event_count(&self) -> usize {
        self.events.recorded().len()
    }

    /// The events of `future`, with its output.
    pub(crate) async fn observed<T>(&self, future: impl Future<Output = T>) -> (T, Vec<Event>) {
        let before = self.event_count();
        let output = future.await;
        (output, self.new_events(before))
    }

    /// Sets the clock, also back.
    pub(crate) fn set_time(&self, time: OffsetDateTime) {
        self.clock.advance(time - self.clock.now());
    }

    pub(crate) fn lookups(&self) -> usize {
        self.gateway.count("installation")
    }

    /// Issues a state to acme.
    pub(crate) async fn state(&self) -> State {
        self.state_of(&acme()).await
    }

    pub(crate) async fn state_of(&self, caller: &Caller) -> State {
        let request = StartInstallRequest { return_url: Some(RETURN_URL), state: None };
        self.dockline.start_install(caller, request).await.unwrap().state
    }

    pub(crate) async fn issued(&self, state: &State) -> Option<IssuedState> {
        self.stored_states.find_by_digest(&state.digest()).await.unwrap()
    }

    /// Returns from GitHub with a code and `setup_action=install`.
    pub(crate) async fn visit(
        &self,
        state: &State,
        id: InstallationId,
        code: &str,
    ) -> Result<CallbackOutcome, CallbackError> {
        let id = id.to_string();
        let callback = Callback {
            state: Some(state.expose()),
            installation_id: Some(&id),
            code: Some(code),
            setup_action: Some("install"),
            ..Callback::default()
        };
        self.dockline.handle_callback(callback).await
    }

    /// Visits as an administrator up to the confirmation page.
    pub(crate) async fn asked(&self, state: &State, id: InstallationId) -> ConfirmationPrompt {
        let code = format!("administrator-{}", unique());
        self.github.visitor(&code, id, true);
        prompt(self.visit(state, id, &code).await)
    }

    pub(crate) async fn answer(
        &self,
        prompt: &ConfirmationPrompt,
        confirmed: bool,
    ) -> Result<ReturnRedirect, CallbackError> {
        self.answer_as(prompt, &prompt.ticket, Some(&prompt.browser), confirmed).await
    }

    pub(crate) async fn answer_as(
        &self,
        prompt: &ConfirmationPrompt,
        ticket: &Ticket,
        browser: Option<&BrowserSecret>,
        confirmed: bool,
    ) -> Result<ReturnRedirect, CallbackError> {
        let state = Some(prompt.state.expose());
        self.dockline.confirm(ConfirmationAnswer { state, ticket, browser, confirmed }).await
    }

    /// A state of the caller that an administrator confirmed for the installation.
    pub(crate) async fn confirmed(&self, caller: &Caller, id: InstallationId) -> State {
        let state = self.state_of(caller).await;
        let prompt = self.asked(&state, id).await;
        self.answer(&prompt, true).await.unwrap();
        state
    }

    pub(crate) async fn register(
        &self,
        caller: &Caller,
        id: InstallationId,
        state: &State,
    ) -> Result<Registered, RegisterError> {
        let request = RegistrationRequest { installation: id, state: state.clone() };
        self.dockline.register(caller, &request).await
    }

    /// Installs the App on `acme-coffee` and binds it to acme.
    pub(crate) async fn bound(&self) -> Binding {
        let id = self.github.install(1, "acme-coffee");
        self.bind(&acme(), id).await
    }

    pub(crate) async fn bind(&self, caller: &Caller, id: InstallationId) -> Binding {
        let state = self.confirmed(caller, id).await;
        match self.register(caller, id, &state).await.unwrap() {
            Registered::Created(binding) => binding,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn stored_binding(&self) -> Option<Binding> {
        self.stored.find(&acme().organization).await.unwrap()
    }
}

pub(crate) fn prompt(outcome: Result<CallbackOutcome, CallbackError>) -> ConfirmationPrompt {
    match outcome {
        Ok(CallbackOutcome::Confirm(prompt)) => *prompt,
        other => panic!("{other:?}"),
    }
}

/// The visit to GitHub's web flow that the visitor is sent to.
pub(crate) fn authorization(outcome: Result<CallbackOutcome, CallbackError>) -> Authorization {
    match outcome {
        Ok(CallbackOutcome::Authorize(authorization)) => *authorization,
        other => panic!("{other:?}"),
    }
}

/// The value of a query parameter, which must need no decoding.
pub(crate) fn parameter<'a>(url: &'a str, name: &str) -> Option<&'a str> {
    let query = url.split_once('?')?.1;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

pub(crate) fn redirect(outcome: Result<CallbackOutcome, CallbackError>) -> ReturnRedirect {
    match outcome {
        Ok(CallbackOutcome::Redirect(redirect)) => redirect,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn refusal<T: std::fmt::Debug>(outcome: Result<T, CallbackError>) -> CallbackRefusal {
    match outcome {
        Err(CallbackError::Refused { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

/// The one event of a refused visitor of acme.
pub(crate) fn refused_event(installation: Option<InstallationId>, reason: CallbackRefusal) -> Vec<Event> {
    vec![Event::CallbackRefused { organization: Some(acme().organization), installation, reason }]
}

pub(crate) async fn claim_of(world: &World, state: &State) -> Option<VerifiedClaim> {
    world.issued(state).await.unwrap().claim
}

/// A call that is held before one method of a port.
pub(crate) struct Held<T> {
    barrier: Arc<Barrier>,
    task: JoinHandle<T>,
}

impl<T: Send + 'static> Held<T> {
    /// Starts `call`, and returns when it has reached the next call of `method`.
    pub(crate) async fn before<P: ?Sized + Send + Sync>(
        port: &Faulty<P>,
        method: &'static str,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Self {
        let barrier = Arc::new(Barrier::new(2));
        let reached = port.count(method) + 1;
        port.set(Fault::Meets(Arc::clone(&barrier)).once().of(method));
        let task = tokio::spawn(call);
        while port.count(method) < reached {
            assert!(!task.is_finished(), "the call never came to {method}");
            tokio::task::yield_now().await;
        }
        Self { barrier, task }
    }

    /// Lets the call go on, and returns its output.
    pub(crate) async fn finish(self) -> T {
        self.barrier.wait().await;
        self.task.await.unwrap()
    }
}

impl World {
    /// Lets a call go on, and holds it again before its next call of `method` of the bindings.
    pub(crate) async fn hold_next<T: Send + 'static>(&self, method: &'static str, held: Held<T>) -> Held<T> {
        let barrier = Arc::new(Barrier::new(2));
        let reached = self.bindings.count(method) + 1;
        self.bindings.set(Fault::Meets(Arc::clone(&barrier)).once().of(method));
        held.barrier.wait().await;
        while self.bindings.count(method) < reached {
            assert!(!held.task.is_finished(), "the call never came to {method}");
            tokio::task::yield_now().await;
        }
        Held { barrier, task: held.task }
    }
}
