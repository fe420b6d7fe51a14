//! A host whose tree has rustls with both providers, so that rustls cannot choose one for the process. Its `main` installs
//! none; Dockline's client must work all the same, and leave the choice to the host.

use std::error::Error;
use std::panic;
use std::sync::Arc;

use dockline::{
    AppId, Callback, CallbackOutcome, Caller, ConfirmationAnswer, Dockline, OrganizationId, Ports,
    RegistrationRequest, StartInstallRequest, TokenScope,
};
use dockline_github::{GithubApp, GithubAppConfig, GithubHost};
use dockline_github_sim::{GithubSim, NewApp, Role};
use dockline_memory::{MemoryBindingRepo, MemoryStateStore};
use rustls::crypto::{CryptoProvider, aws_lc_rs, ring};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result {
    // The control: rustls finds no process-wide provider in this tree.
    panic::set_hook(Box::new(|_| {}));
    let chosen = panic::catch_unwind(rustls::ClientConfig::builder);
    drop(panic::take_hook());
    if chosen.is_ok() {
        return Err("the tree has only one provider, so this check shows nothing".into());
    }

    let sim = GithubSim::default();
    sim.create_user("olga")?;
    sim.create_organization("acme-coffee")?;
    sim.set_membership("acme-coffee", "olga", Role::Admin)?;
    let app = sim.create_app(NewApp::new("example", "http://127.0.0.1:1/callback"))?;
    let running = sim.start().await?;
    let config = GithubAppConfig::new(AppId::new(app.app_id)?, app.slug.clone(), app.private_key_pem.clone())
        .with_oauth_client(app.client_id.clone(), app.client_secret.clone())
        .with_host(GithubHost::at(&running.web, &running.api)?);
    let dockline = Dockline::builder(Ports {
        states: Arc::new(MemoryStateStore::new()),
        bindings: Arc::new(MemoryBindingRepo::new()),
        github: Arc::new(GithubApp::new(config)?),
    })
    .build()?;
    connect(&dockline, running.sim(), app.app_id).await?;
    if CryptoProvider::get_default().is_some() {
        return Err("Dockline installed a process-wide provider".into());
    }

    // The host's own client, with either provider.
    for (name, provider) in [("ring", ring::default_provider()), ("aws-lc-rs", aws_lc_rs::default_provider())]
    {
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build()?;
        let status = client.get(&running.web).send().await?.status();
        println!("the host's client with {name}: {status}");
    }
    Ok(())
}

/// Performs the flow: signs the App's JWT, exchanges a code, registers, and mints a token.
async fn connect(dockline: &Dockline, github: &GithubSim, app: u64) -> Result {
    let caller = Caller::new(OrganizationId::new("org_acme")?, "Acme Coffee".parse()?, "ann".parse()?)
        .with_return_hosts(["app.example.com"]);
    let request = StartInstallRequest { return_url: Some("https://app.example.com/"), state: None };
    let link = dockline.start_install(&caller, request).await?;
    let id = github.install(app, "acme-coffee", "olga")?.to_string();
    let code = github.issue_code(app, "olga")?;
    let callback = Callback {
        state: Some(link.state.expose()),
        installation_id: Some(&id),
        code: Some(dockline::ExposeSecret::expose_secret(&code)),
        ..Callback::default()
    };
    let CallbackOutcome::Confirm(prompt) = dockline.handle_callback(callback).await? else {
        return Err("no confirmation".into());
    };
    let answer = ConfirmationAnswer {
        state: Some(prompt.state.expose()),
        ticket: &prompt.ticket,
        browser: Some(&prompt.browser),
        confirmed: true,
    };
    dockline.confirm(answer).await?;
    let request = RegistrationRequest { installation: id.parse()?, state: link.state };
    let registered = dockline.register(&caller, &request).await?;
    let token = dockline.token(&caller.organization, &TokenScope::everything()).await?;
    println!(
        "{} connected, token of installation {}",
        registered.binding().account.login,
        token.installation()
    );
    Ok(())
}
