//! The text that the demo prints when it has started.

use std::error::Error;
use std::fmt::Write;

use dockline::ports::OsEntropy;
use dockline::{ClaimPolicy, State};
use dockline_github_sim::cli::{ORGANIZATION, SLUG};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::environment::{Addresses, EXAMPLE_INSTALLATION, EXAMPLE_STATE, Environment};

/// Returns the addresses and keys as one line of JSON.
#[must_use]
pub fn json_line(environment: &Environment) -> String {
    let Addresses { api, github, product, return_url } = environment.addresses();
    let (acme, rival) = (environment.acme(), environment.rival());
    let line = json!({
        "api": api,
        "github": github,
        "product": product,
        "apiKey": acme.key.expose_secret(),
        "organizationId": acme.organization.as_str(),
        "returnUrl": return_url,
        "rivalApiKey": rival.key.expose_secret(),
        "rivalOrganizationId": rival.organization.as_str(),
    });
    format!("{line}\n")
}

/// Returns the guide, in the order of the flow, with commands to paste.
///
/// # Errors
/// Fails if the operating system gives no random bytes for the two states.
pub fn text(environment: &Environment) -> Result<String, Box<dyn Error + Send + Sync>> {
    let (state, rival_state) = (State::mint(&OsEntropy)?, State::mint(&OsEntropy)?);
    let by_state = environment.policy() == ClaimPolicy::State;
    let mut text = head(environment);
    if by_state {
        text += &documented_example(environment);
    } else {
        text += &by_hand(environment, state.expose());
    }
    text += &afterwards(environment, by_state);
    text += &attack(environment, rival_state.expose(), by_state);
    text += "\nPress Ctrl-C to stop. Nothing is stored.\n";
    Ok(text)
}

fn head(environment: &Environment) -> String {
    let Addresses { api, github, product, .. } = environment.addresses();
    let policy = match environment.policy() {
        ClaimPolicy::State => "state: a caller who guesses the id of an unbound installation can bind it",
        ClaimPolicy::Visible => "visible: the visitor must be able to see the installation",
        ClaimPolicy::Installer => {
            "installer: the visitor must administer the account or have just installed the App"
        }
        ClaimPolicy::Controlled => "controlled: the visitor must administer the account",
    };
    format!(
        "Dockline's demo is running.\n\n\
         The product   {product}   <- open this in a browser and press \"Connect GitHub\"\n\
         The API       {api}/v1/github/installation\n\
         GitHub        {github}   (simulated; you are olga, who administers {ORGANIZATION})\n\
         Claim policy  {policy}\n\n\
         The keys below are shown because they work only until this program ends.\n"
    )
}

fn curl_install_url(api: &str, key: &str, state: &str, return_url: &str) -> String {
    format!(
        "curl -G {api}/v1/github/installation/install-url \\\n  \
           -H 'Authorization: Bearer {key}' \\\n  \
           -d state={state} \\\n  \
           --data-urlencode returnUrl={return_url}\n"
    )
}

fn curl_register(api: &str, key: &str, body: &str) -> String {
    format!(
        "curl -i {api}/v1/github/installation \\\n  \
           -H 'Authorization: Bearer {key}' \\\n  \
           -H 'Content-Type: application/json' \\\n  \
           -d '{body}'\n"
    )
}

fn curl(options: &str, url: &str, key: &str) -> String {
    format!("curl {options}'{url}' \\\n  -H 'Authorization: Bearer {key}'\n")
}

fn by_hand(environment: &Environment, state: &str) -> String {
    let Addresses { api, product, .. } = environment.addresses();
    let key = environment.acme().key.expose_secret();
    let install_url = curl_install_url(api, key, state, &format!("{product}/by-hand"));
    let register = curl_register(api, key, &format!("{{\"installationId\": '$ID', \"state\": \"{state}\"}}"));
    format!(
        "\nThe same by hand, as the product's backend does it (first disconnect in the product)\n\n\
         1. Ask for an install link:\n\n\
         {install_url}\n\
         2. Open its installUrl in a browser, choose the account {ORGANIZATION}, press Install, then Confirm.\n   \
            The last page shows the installation id.\n\n\
         3. Bind the installation. Set ID to the installation id:\n\n\
         ID=...\n\
         {register}\n\
         Repeating this command returns the same response, with Idempotent-Replayed: true.\n"
    )
}

fn documented_example(environment: &Environment) -> String {
    let Addresses { api, return_url, .. } = environment.addresses();
    let key = environment.acme().key.expose_secret();
    let install_url = curl_install_url(api, key, EXAMPLE_STATE, return_url);
    let body = format!(
        "{{\n    \"installationId\": {EXAMPLE_INSTALLATION},\n    \"state\": \"{EXAMPLE_STATE}\"\n  }}"
    );
    let register = curl_register(api, key, &body);
    format!(
        "\nThe example of the API documentation (first disconnect in the product)\n\n\
         1. Ask for an install link, with the example's state:\n\n\
         {install_url}\n\
         2. Bind the example's installation, which exists on {ORGANIZATION}:\n\n\
         {register}\n\
         Repeating this command returns the same response, with Idempotent-Replayed: true. After a detach the state is used\n\
         up: omit -d state and use the state of the response.\n"
    )
}

fn afterwards(environment: &Environment, by_state: bool) -> String {
    let Addresses { api, github, .. } = environment.addresses();
    let key = environment.acme().key.expose_secret();
    let mut text = format!(
        "\nSuspend or uninstall the App on GitHub, then look at the binding or the product: \
         {github}/settings/installations\n"
    );
    // With --claim-policy state the example's installation must survive a detach: GitHub never reuses an id.
    let (detach, query) = if by_state {
        ("Detach", "")
    } else {
        ("Detach and uninstall the App, so that GitHub offers Install again", "?uninstall=true")
    };
    for (title, options, path) in [
        ("List the repositories of the installation", "", "/v1/github/repos?limit=2"),
        ("Show the binding", "", "/v1/github/installation"),
        (detach, "-i -X DELETE ", &*format!("/v1/github/installation{query}")),
    ] {
        let _ = write!(text, "\n{title}:\n\n{}", curl(options, &format!("{api}{path}"), key));
    }
    text
}

fn attack(environment: &Environment, state: &str, by_state: bool) -> String {
    let Addresses { api, github, product, .. } = environment.addresses();
    let rival = environment.rival();
    let (name, key) = (rival.name, rival.key.expose_secret());
    let install_url = curl_install_url(api, key, state, &format!("{product}/by-hand"));
    let register = curl_register(api, key, &format!("{{\"installationId\": '$ID', \"state\": \"{state}\"}}"));
    let (id, outcome, lure) = if by_state {
        (
            format!("ID={EXAMPLE_INSTALLATION}\n"),
            "422 while Acme Coffee is bound, the same as for an id that does not exist. After a detach it is 201: this is what\n\
             the policy \"state\" permits. Without --claim-policy state it stays 422.",
            String::new(),
        )
    } else {
        (
            String::new(),
            "422, whether Acme Coffee is bound or not, and the same for an id that does not exist.",
            format!(
                "After a detach, open the rival's installUrl as olga, as if the rival had sent it to her: the confirmation page\n\
                 names {name}.\n"
            ),
        )
    };
    format!(
        "\nThe attack: {name}, another organization of the same product, claims Acme Coffee's installation by its id\n\n\
         {id}{install_url}{register}\n\
         {outcome}\n\
         {lure}\
         To be mallory in the browser: {github}/session/mallory?return_to=/apps/{SLUG}/installations/new\n\
         (olga again: {github}/session/olga)\n"
    )
}
