//! The flow through Dockline's routes, for `--check`.

use dockline_github_sim::{Delivery, GithubSim};
use serde_json::{Value, json};

use super::simulation::Result;
use super::visitor::Visitor;

pub(crate) const CALLBACK: &str = "/v1/github/installation/callback";
pub(crate) const WEBHOOKS: &str = "/v1/github/webhooks";

/// Connects `acme-coffee`, and checks that the host accepted GitHub's deliveries. `credential` are headers of API requests.
pub(crate) async fn connect(
    origin: &str,
    visitor: &Visitor,
    credential: &[(&str, &str)],
    github: &GithubSim,
    app: u64,
) -> Result {
    let api = format!("{origin}/v1/github/installation");
    let link = format!("{api}/install-url?returnUrl={origin}/connected");
    let link = visitor.get(&link, credential).await?.expect(200, "the install URL")?;
    let state = field(&link.body, "state")?;

    let id = github.install(app, "acme-coffee", "olga")?;
    let page = format!("{origin}{CALLBACK}?installation_id={id}&setup_action=install&state={state}");
    let page = visitor.open(&page).await?.expect(200, "the confirmation page")?;
    let fields = [("state", page.field("state")?), ("ticket", page.field("ticket")?), ("answer", "confirm")];
    let back = visitor.submit(&format!("{origin}{CALLBACK}"), &fields).await?.expect(303, "Confirm")?;
    let installation: u64 = back.parameter("installation_id")?.parse()?;

    let body = json!({ "installationId": installation, "state": back.parameter("state")? }).to_string();
    let bound = visitor.post(&api, credential, "application/json", &body).await?;
    let bound = bound.expect(201, "the registration")?;
    if field(&bound.body, "orgLogin")? != "acme-coffee" {
        return Err(format!("bound to another account: {}", bound.body).into());
    }

    github.settled().await;
    let accepted =
        |delivery: &Delivery| delivery.outcome.as_ref().is_some_and(|outcome| outcome.status_code == 202);
    let deliveries = github.deliveries();
    if deliveries.is_empty() || !deliveries.iter().all(accepted) {
        return Err("the host did not accept every delivery".into());
    }
    Ok(())
}

fn field(body: &str, name: &str) -> Result<String> {
    let value: Value = serde_json::from_str(body)?;
    Ok(value.get(name).and_then(Value::as_str).ok_or_else(|| format!("no {name} in {body}"))?.to_owned())
}
