//! A GitHub to develop against.
//!
//! [`GithubSim`] is a model of accounts, GitHub Apps, installations and grants, served over real HTTP: the REST API of Apps, the install
//! page, the OAuth web flow, installation tokens with the repositories that they reach, git over HTTP, webhooks, and faults on demand.
//! State is a model, not a script: what one request changes, the next one sees. It shares no code
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
//! | `POST /app/installations/{id}/access_tokens`: `repositories?`, `repository_ids?`, `permissions?`; header `X-GitHub-Stateless-S2S-Token: enabled` or `disabled` | the App's JWT |
//! | `GET /installation/repositories`, `DELETE /installation/token` | an installation token |
//! | `GET /user`, `GET /user/installations`, `GET /user/memberships/orgs/{login}` | a user token |
//! | `GET /app/hook/config`, `GET /app/hook/deliveries`, `GET /app/hook/deliveries/{id}`, `POST /app/hook/deliveries/{id}/attempts`, `GET /app/installation-requests` | the App's JWT |
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
//! # Installation tokens
//!
//! As at GitHub, a token is everything that was not narrowed, and narrowing to nothing (`{}`, `"permissions": {}`, `"repositories": []`) is not
//! narrowing (GitHub fact 18). It ends after an hour of the simulator's clock, when it is revoked, and with its installation (401); it opens nothing
//! while the installation is suspended (403); it loses at once what the installation loses. [`TokenFormat`] says how it looks, and
//! [`TokenLag`] how long GitHub's servers do not know it yet. Every answer of the REST API counts the App's or the installation's requests in
//! `x-ratelimit-*`; [`GithubSim::set_rate_limit`] makes the limit one that refuses. Secondary limits are a [`Fault`].
//!
//! # Git
//!
//! Every repository is also a git repository at `http://HOST/{owner}/{name}.git`, made when it is first asked for, with one commit: a `README.md`
//! that names it. Whoever fetches needs contents: read and whoever pushes contents: write, as `x-access-token:TOKEN` in Basic credentials or as a
//! Bearer token; everybody fetches from public ones. Without good credentials the answer is 401, for a suspended installation or without the permission
//! 403, for a repository that the token does not reach 404. It is served by `git http-backend`: where git is not installed, it is 501
//! ([`Config::git`]). Repositories live in a temporary folder that goes when the last handle of the simulator goes. A request is 16 MiB at most.
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
//! | `POST /repositories` | `owner`, `name`, `private?`, `default_branch?`, `language?` | `id` |
//! | `PATCH /repositories/{id}` | `name?`, `private?`, `default_branch?`, `language?` (or null) | |
//! | `POST /repositories/{id}/transfer` | `to` (a login) | |
//! | `POST /installations/{id}/repositories` | `"all"`, `{"only": [names]}`, `{"add": [names]}` or `{"remove": [names]}` | |
//! | `POST /collaborators` | `owner`, `user` | |
//! | `POST /accounts/{login}/rename` | `login` | |
//! | `POST /installations` | `app_id`, `account`, `sender`, `id?` | `id` |
//! | `POST /installations/{id}/suspend` | nothing, or `by?` (a user's login) | |
//! | `POST /installations/{id}/uninstall` | nothing, or `by?` | |
//! | `POST /installations/{id}/unsuspend`, `…/null-account`, `…/accept-permissions` | | |
//! | `POST /installation-requests/{id}/approve` | `owner` | `installation_id` |
//! | `POST /codes` | `app_id`, `user` | `code` |
//! | `POST /user-tokens` | `app_id`, `user` | `access_token` |
//! | `POST /installation-tokens` | `installation_id` | `token`, with everything granted |
//! | `POST /installations/{id}/revoke-tokens` | | `revoked`: how many |
//! | `POST /token-format` | `format`: `opaque` or `stateless` | |
//! | `POST /token-lag` | `{"uses": number}`, `{"seconds": number}` or null, for tokens to come | |
//! | `POST /rate-limits` | `app` or `installation` (its id), `limit` or null | |
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
//! | `GET /state` | | everything but secrets, with `live_user_tokens` and `live_installation_tokens` |
//! | `GET /requests`, `DELETE /requests` | | `requests`: method and path of each |

mod api;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
mod clock;
mod control;
mod courier;
mod delivery;
mod error;
mod extract;
mod fault;
mod fault_answer;
mod git;
mod hooks;
mod json;
mod jwt;
mod keys;
mod model;
mod outbox;
mod random;
mod rate_limit;
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
pub use model::installation_token::{TokenFormat, TokenLag};
pub use model::repository::{NewRepository, RepositoryChange};
pub use rate_limit::RateLimited;
pub use requests::RecordedRequest;
pub use server::RunningSim;
pub use sim::{GithubSim, InstallationSummary};
pub use world::Config;
