//! `dockline init`: writes the configuration of an App, which exists at GitHub or is created there, and checks it.

mod answers;
mod asker;
mod check;
mod config_text;
mod create_app;
mod files;
mod flow;
mod manifest;
mod options;
mod page;
mod settings;

use std::error::Error;
use std::process::ExitCode;

use asker::Asker;
use files::Files;
use settings::{Settings, Source, WEBHOOK_SECRET};

use crate::{cli, doctor};

pub(crate) use options::InitArgs;

type Failure = Box<dyn Error + Send + Sync>;

/// Asks, writes the files and runs `dockline doctor`.
///
/// # Errors
/// If an answer is missing or invalid, a file exists or cannot be written, or GitHub does not create the App.
pub(crate) async fn run(args: InitArgs) -> Result<ExitCode, Failure> {
    let files = Files::new(&args.output, args.force)?;
    let mut asker = Asker::new();
    let settings = if args.create_app {
        create_app::settings(&args, &mut asker, &files).await?
    } else {
        answers::settings(&args, &mut asker)?
    };
    write(&settings, &files)?;
    println!("\nChecking it, as dockline doctor does:\n");
    let path = files.config();
    let (doctor_args, effective) = cli::doctor_args(path)?;
    let code = doctor::run(&doctor_args, &effective).await?;
    println!("{}", next(&path.display().to_string(), code));
    Ok(code)
}

/// Writes the secrets, and then the configuration that names them.
fn write(settings: &Settings, files: &Files) -> Result<(), Failure> {
    let secrets = settings.typed_secrets();
    files.check_absent(secrets.iter().map(|(name, _)| *name))?;
    let text = config_text::render(settings, files)?;
    for (name, secret) in secrets {
        println!("wrote {}", files.write(name, secret)?.display());
    }
    println!("wrote {}", files.write_config(&text)?.display());
    if let Source::Generated(_) = settings.webhook_secret {
        println!(
            "Set the webhook secret on the App's settings page to the content of the file {WEBHOOK_SECRET}."
        );
    }
    Ok(())
}

fn next(config: &str, code: ExitCode) -> String {
    let config = shlex::try_quote(config).map_or_else(|_| config.to_owned(), Into::into);
    if code == ExitCode::SUCCESS {
        format!(
            "\nNext, start the API:\n  dockline serve --config {config}\nand create the first API key, beside it:\n  \
             dockline keys create --config {config} --organization org_1 --name 'Acme Coffee' --scope github:admin \
             --return-domain app.example.com"
        )
    } else {
        format!(
            "\nCorrect what failed, here or on the App's settings page, and check again:\n  dockline doctor --config \
             {config}\nThen start the API:\n  dockline serve --config {config}"
        )
    }
}
