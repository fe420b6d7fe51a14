//! What can be found wrong before anything is served: all of it at once, and what nobody has to be asked for first.

use std::time::Duration;

use dockline::WebhookSecrets;
use dockline_postgres::{Database, MigrationError};

use super::options::{Migrations, ServeArgs, check_public_url};
use crate::database::migrator;
use crate::github_app::{Configured, Connected, connect};
use crate::mistakes::{Mistake, Mistakes};
use crate::policy::Policy;
use crate::secret::{both, from_file, typed};

/// For the database's answer to the first question.
const DATABASE_DEADLINE: Duration = Duration::from_secs(10);

/// What the options say, as far as they are right.
pub(crate) struct Local {
    pub(crate) database: Option<Database>,
    pub(crate) github: Option<Configured>,
    pub(crate) webhook_secrets: Option<WebhookSecrets>,
    pub(crate) public_url: Option<String>,
}

/// Everything that `serve` needs, found good.
pub(crate) struct Checked {
    pub(crate) database: Database,
    pub(crate) github: Connected,
    pub(crate) webhook_secrets: WebhookSecrets,
    pub(crate) public_url: Option<String>,
}

/// Checks all that can be checked on this machine.
pub(crate) fn local(args: &ServeArgs, mistakes: &mut Mistakes) -> Local {
    let database = args.database.check(mistakes);
    let github = args.github.check(mistakes);
    if args.claim_policy != Policy::State && args.github.github_client_id.is_none() {
        mistakes.0.push(Mistake::new(
            "--claim-policy",
            "needs an OAuth client to prove claims with, and none is given",
            "give --github-client-id and --github-client-secret-file; --claim-policy state needs none, but read the README \
             before you choose it",
        ));
    }
    let webhook_secrets = webhook_secrets(args, mistakes);
    let public_url = check_public_url(args.public_url.as_deref()).unwrap_or_else(|error| {
        mistakes.0.push(Mistake::told("--public-url", &error));
        None
    });
    Local { database, github, webhook_secrets, public_url }
}

fn webhook_secrets(args: &ServeArgs, mistakes: &mut Mistakes) -> Option<WebhookSecrets> {
    let before = mistakes.0.len();
    let mut secrets = Vec::new();
    if !args.webhook_secret.is_empty() && !args.webhook_secret_file.is_empty() {
        mistakes.0.push(both("webhook-secret"));
    }
    let read = args.webhook_secret.iter().map(|text| ("--webhook-secret", typed("webhook-secret", text)));
    let files = args.webhook_secret_file.iter();
    let files = files.map(|path| ("--webhook-secret-file", from_file("webhook-secret-file", path)));
    for (place, secret) in read.chain(files) {
        // Each by itself: of two secrets both may be weak.
        let strong = secret.and_then(|secret| match WebhookSecrets::new([secret.clone()]) {
            Ok(_) => Ok(secret),
            Err(_) => Err(Mistake::new(
                place,
                format!("has fewer than {} bytes, or all of them alike", WebhookSecrets::SHORTEST),
                "make one with openssl rand -hex 32, and set it at GitHub, too",
            )),
        });
        match strong {
            Ok(secret) => secrets.push(secret),
            Err(mistake) => mistakes.0.push(mistake),
        }
    }
    if mistakes.0.len() > before { None } else { WebhookSecrets::new(secrets).ok() }
}

/// Checks everything: first what is here, then the database and GitHub at the same time, as far as it is known where they
/// are. Changes nothing.
///
/// # Errors
/// All that is wrong.
pub(crate) async fn all(args: &ServeArgs) -> Result<Checked, Mistakes> {
    let mut mistakes = Mistakes::default();
    let local = local(args, &mut mistakes);
    // Given up at once: it is listened on when everything else is ready.
    if let Err(error) = dockline_listener::bind(args.listen.0).await {
        mistakes.0.push(Mistake::new("--listen", error.to_string(), error.help()));
    }
    let (schema, github) = tokio::join!(
        async {
            match &local.database {
                Some(database) => schema(database, args.migrations).await,
                None => Ok(()),
            }
        },
        async {
            match &local.github {
                Some(configured) => connect(configured).await.map(Some),
                None => Ok(None),
            }
        }
    );
    if let Err(mistake) = schema {
        mistakes.0.push(mistake);
    }
    let mut github = github.unwrap_or_else(|found| {
        mistakes.0.extend(found.0);
        None
    });
    if let Some(connected) = &mut github {
        mistakes.0.append(&mut connected.differences.0);
    }
    let Local { database, webhook_secrets, public_url, .. } = local;
    mistakes.none()?;
    match (database, github, webhook_secrets) {
        (Some(database), Some(github), Some(webhook_secrets)) => {
            Ok(Checked { database, github, webhook_secrets, public_url })
        }
        _ => Err(Mistake::new(
            "the configuration",
            "is incomplete, and it was not noticed why",
            "this is a bug",
        )
        .into()),
    }
}

/// Whether the database can be reached and its schema is, or can be made, what this program needs.
pub(crate) async fn schema(database: &Database, migrations: Migrations) -> Result<(), Mistake> {
    match migrator(database).with_deadline(DATABASE_DEADLINE).check().await {
        Ok(()) => Ok(()),
        Err(MigrationError::Pending { .. }) if migrations == Migrations::Apply => Ok(()),
        Err(error) => Err(mistake_of(database, &error)),
    }
}

fn mistake_of(database: &Database, error: &MigrationError) -> Mistake {
    let schema = format!("the schema {}", database.schema());
    match error {
        MigrationError::Newer { .. } => {
            Mistake::new(schema, error.to_string(), "run the newer program: there is no way back")
        }
        MigrationError::Changed { .. } => Mistake::new(schema, error.to_string(), "find out who changed it"),
        MigrationError::Pending { found, known } => Mistake::new(
            schema,
            format!("has version {found}, and version {known} is needed"),
            "run dockline migrate, or start with --migrations apply",
        ),
        MigrationError::Deadline(after) => Mistake::new(
            "the database",
            format!("gave no answer within {after:?}"),
            "look at --database-url, the network and firewalls on the way to it, and whether it runs",
        ),
        failed @ (MigrationError::Failed(_) | _) => Mistake::new(
            "the database",
            chain(failed),
            "look at --database-url, and whether the database runs and lets this user in",
        ),
    }
}

/// An error with all that lies behind it, each text once.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    for cause in std::iter::successors(error.source(), |&cause| cause.source()) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}
