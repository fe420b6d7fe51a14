//! Sends messages to the endpoint in `FORWARD_TO`, signed with the secrets in `FORWARD_SECRETS`, separated by blanks. Prints
//! each answer. The arguments are `ORGANIZATION:SEQUENCE`.

use dockline::ports::MessageSender;
use dockline::rules::outbox::AttemptOutcome;
use dockline::{
    AppId, DeliveryGuid, EntryContent, EntryStatus, FailureRecord, MessageId, OutboxEntry, OutboxMessage,
};
use dockline_forward::{HttpSender, SecretString, SigningSecret, SigningSecrets};
use time::OffsetDateTime;

type Failure = Box<dyn std::error::Error>;

fn message(app: AppId, organization: &str, sequence: u64) -> Result<OutboxMessage, Failure> {
    let guid = DeliveryGuid::new(format!("{organization}-{sequence}").replace('_', "-"))?;
    let body =
        r#"{"ref": "refs/heads/main", "sender": {"login": "zoë ☕"}, "size": 1.50}"#.as_bytes().to_vec();
    let entry = OutboxEntry {
        id: MessageId::of_delivery(app, &guid),
        organization: Some(organization.parse()?),
        installation: Some(50_291_845_u64.try_into()?),
        sequence,
        content: EntryContent::Delivery { event: "push".to_owned(), action: None, guid },
        size: body.len() as u64,
        received_at: OffsetDateTime::UNIX_EPOCH,
        status: EntryStatus::Waiting,
        failures: FailureRecord::default(),
        next_attempt_at: None,
        done_at: None,
    };
    Ok(OutboxMessage { entry, body })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let secrets = std::env::var("FORWARD_SECRETS")?;
    let secrets: Result<Vec<_>, _> =
        secrets.split(' ').map(|secret| SigningSecret::parse(&SecretString::from(secret))).collect();
    let app: AppId = 1234_u64.try_into()?;
    let sender = HttpSender::new(app, std::env::var("FORWARD_TO")?.parse()?, SigningSecrets::new(secrets?)?)?;
    for argument in std::env::args().skip(1) {
        let (organization, sequence) = argument.split_once(':').ok_or("write ORGANIZATION:SEQUENCE")?;
        match sender.send(message(app, organization, sequence.parse()?)?).await {
            AttemptOutcome::Answered { status, .. } => println!("{status}"),
            AttemptOutcome::Failed { cause } => println!("{cause}"),
        }
    }
    Ok(())
}
