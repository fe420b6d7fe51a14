//! A GitHub to develop against.
//!
//! [`GithubSim`] is a model of accounts, GitHub Apps, installations and grants, served over real HTTP: the REST API of Apps, the install
//! page, the OAuth web flow, webhooks, and faults on demand. State is a model, not a script: what one request changes, the next one sees. It shares no code
//! with any client, so that client and simulator check one another; its answers are tested against GitHub's own OpenAPI description.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use dockline_github_sim::{GithubSim, NewApp, Role};
//!
//! let sim = GithubSim::default();
//! sim.create_user("olga")?;
//! sim.create_organization("acme-coffee")?;
//! sim.set_membership("acme-coffee", "olga", Role::Admin)?;
//! let app = sim.create_app(NewApp::new("dockline-dev", "http://127.0.0.1:8080/github/callback"))?;
//! let installation = sim.install(app.app_id, "acme-coffee", "olga")?;
//! let running = sim.start().await?;
//! println!("GET {}/app/installations/{installation}", running.api);
//! # Ok(()) }
//! ```
//!
//! It is for development and tests. It has no authentication of its own, anybody who reaches the port can be anybody, and the Apps' private keys are published.
//!
//! # One listener
//!
//! The addresses are those of an enterprise server: pages and OAuth at `http://HOST`, REST at `http://HOST/api/v3`, the control API at `http://HOST/_control`.
//!
//! | REST, below `/api/v3` | asked with |
//! |---|---|
//! | `GET /app`, `GET /app/installations`, `GET` and `DELETE /app/installations/{id}`, `PUT` and `DELETE /app/installations/{id}/suspended`, `GET /orgs/{login}/installation`, `GET /users/{login}/installation` | the App's JWT |
//! | `GET /user`, `GET /user/installations`, `GET /user/memberships/orgs/{login}` | a user token |
//! | `GET /app/hook/deliveries`, `GET /app/hook/deliveries/{id}`, `POST /app/hook/deliveries/{id}/attempts`, `GET /app/installation-requests` | the App's JWT |
//! | `DELETE /applications/{client_id}/token` | client id and secret |
//!
//! | page | |
//! |---|---|
//! | `GET`, `POST /apps/{slug}/installations/new` (also `…/new/permissions?target_id=`, also below `/github-apps`) | the install page. Ids for scripts: `#account` (select), `#account-select` (shows the account chosen), `#all` and `#selected` (radios), `#repository-{id}` (check boxes), and the button `#install`, `#request` or `#save`, whichever the person may press |
//! | `GET /`, `GET /apps/{slug}` | the Apps, and one App (`#install-link`) |
//! | `GET /settings/installations`, `GET`, `POST /settings/installations/{id}` (also below `/organizations/{login}`), `POST /settings/installation-requests/{id}` | what an owner may do: `#suspend`, `#unsuspend`, `#uninstall`, `#approve-{id}` |
//! | `GET`, `POST /login` (`#user`, `#sign-in`), `GET /session/{login}` | who is in front of the browser: cookie `github_sim_session` |
//! | `GET /login/oauth/authorize`, `POST /login/oauth/access_token` | the OAuth web flow; everybody agrees at once, but for those who [refuse](GithubSim::refuse_authorization) |
//!
//! # Webhooks
//!
//! Whatever way a change comes, by page, REST, control API or library, Apps that have a webhook URL are told as GitHub tells them, with whole payloads:
//!
//! | change | event |
//! |---|---|
//! | installed, uninstalled, suspended, unsuspended, new permissions accepted | `installation`: `created` (with `requester`, where a member had asked), `deleted`, `suspend`, `unsuspend`, `new_permissions_accepted` |
//! | another selection of repositories, a repository [transferred](GithubSim::transfer) | `installation_repositories`: `added`, `removed` |
//! | an account renamed | `installation_target`: `renamed`, for each installation on it |
//! | an authorization [revoked](GithubSim::revoke_authorization) | `github_app_authorization`: `revoked` |
//! | a new webhook URL, or by hand | `ping` |
//!
//! While an installation is suspended its App hears of nothing there but the suspension and its end. [`DeliveryMode`] says how deliveries travel; whoever
//! [serves](GithubSim::serve) the simulator posts them, [`settled`](GithubSim::settled) waits for that (and posts where nobody serves), and
//! [`deliver`](GithubSim::deliver) posts one by hand. A test without HTTP takes headers and body from [`deliveries`](GithubSim::deliveries). Nothing is
//! ever tried again by itself, as at GitHub.
//!
//! # The control API
//!
//! JSON in, JSON out. 201 with what was made, 204, or `{"error"}` with 404 (unknown), 409 (taken, installed already) or 422.
//!
//! | below `/_control` | body, `?` = optional | answer |
//! |---|---|---|
//! | `POST /apps` | `slug`, `callback_url`, `name?`, `more_callback_urls?`, `setup_url?`, `owner?`, `permissions?`, `events?`, `code_on_update?`, `webhook_url?`, `webhook_secret?`, `webhook_content_type?` (`json`, `form`), `webhook_active?`, `app_id?`, `private_key_pem?` | the credentials: `app_id`, `slug`, `name`, `client_id`, `client_secret`, `private_key_pem`, `webhook_secret`, `callback_url` |
//! | `GET /apps/{id}` | | the credentials once more |
//! | `POST /apps/{id}/permissions` | an object, such as `{"members": "read"}` | |
//! | `POST /apps/{id}/webhook` | `url?` (null: none), `secret?`, `content_type?`, `active?` | |
//! | `POST /apps/{id}/ping` | | |
//! | `POST /users`, `POST /organizations` | `login` | `id` |
//! | `POST /enterprises` | `slug` | `id` |
//! | `POST /default-user` | `login`, or null for nobody | |
//! | `POST /users/{login}/refuse-authorization` | `refuse` | |
//! | `DELETE /authorizations` | `app_id`, `user` | |
//! | `POST /memberships` | `organization`, `user`, `role` (`admin`, `member`), `state?` (`active`, `pending`) | |
//! | `DELETE /memberships` | `organization`, `user` | |
//! | `POST /repositories` | `owner`, `name`, `private?` | `id` |
//! | `POST /repositories/{id}/transfer` | `to` (a login) | |
//! | `POST /collaborators` | `owner`, `user` | |
//! | `POST /accounts/{login}/rename` | `login` | |
//! | `POST /installations` | `app_id`, `account`, `sender`, `id?` | `id` |
//! | `POST /installations/{id}/suspend` | nothing, or `by?` (a user's login) | |
//! | `POST /installations/{id}/uninstall` | nothing, or `by?` | |
//! | `POST /installations/{id}/unsuspend`, `…/null-account`, `…/accept-permissions` | | |
//! | `POST /installation-requests/{id}/approve` | `owner` | `installation_id` |
//! | `POST /codes` | `app_id`, `user` | `code` |
//! | `POST /user-tokens` | `app_id`, `user` | `access_token` |
//! | `POST /delivery-mode` | a [`DeliveryMode`]: `mode`, and its `seed` or `seconds` | |
//! | `POST /webhook-shape` | `old`: whether payloads have the [older shape](GithubSim::set_old_webhook_shape) | |
//! | `GET /deliveries`, `DELETE /deliveries` | | `deliveries`: each with headers, body and outcome |
//! | `POST /deliveries/settle`, `POST /deliveries/release` | | once settled; once released |
//! | `POST /deliveries/{id}/deliver` | | 200 with the delivery |
//! | `POST /deliveries/{id}/redeliver` | | `id` |
//! | `POST /faults` | a [`FaultRule`]: `fault`, `method?`, `path_prefix?`, `remaining?` | |
//! | `DELETE /faults` | | |
//! | `POST /clock` | `{"advance": seconds}` or `{"offset": seconds}` | |
//! | `DELETE /clock` | | |
//! | `GET /state` | | everything but secrets, with `live_user_tokens` |
//! | `GET /requests`, `DELETE /requests` | | `requests`: method and path of each |

mod api;
mod clock;
mod control;
mod courier;
mod delivery;
mod error;
mod extract;
mod fault;
mod fault_answer;
mod hooks;
mod json;
mod jwt;
mod keys;
mod model;
mod outbox;
mod random;
mod requests;
mod server;
mod sim;
mod urls;
mod web;
mod webhook;
mod world;

pub use delivery::{Delivery, DeliveryMode, Outcome};
pub use error::SimError;
pub use fault::{Fault, FaultRule, Garbage};
pub use model::account::{AccountKind, MembershipState, Role};
pub use model::app::{AppCredentials, NewApp};
pub use model::hook::{ContentType, WebhookSettings};
pub use model::installation::InstallationRequest;
pub use requests::RecordedRequest;
pub use server::RunningSim;
pub use sim::{GithubSim, InstallationSummary};
pub use world::Config;
