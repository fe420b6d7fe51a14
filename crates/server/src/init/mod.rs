//! `dockline init`: writes the configuration of an App, which exists at GitHub or is created there, and checks it.

mod answers;
mod asker;
mod check;
mod config_text;
mod create_app;
mod files;
mod flow;
mod input;
mod interruption;
mod manifest;
mod options;
mod page;
mod secrets;
mod settings;

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use asker::Asker;
use files::Files;
use interruption::{Interrupted, Signals};
use settings::{Created, Settings, Source, WEBHOOK_SECRET};

use crate::config::ConfigErrors;
use crate::{cli, doctor};

pub(crate) use options::InitArgs;

type Failure = Box<dyn Error + Send + Sync>;

/// Asks, writes the files and runs `dockline doctor`.
///
/// # Errors
/// If an answer is missing or invalid, a file exists or cannot be written, or GitHub does not create the App.
pub(crate) async fn run(args: InitArgs) -> Result<ExitCode, Failure> {
    let ended = configure(args).await;
    match ended.as_ref().err().and_then(|error| error.downcast_ref::<Interrupted>()) {
        Some(interrupted) => {
            writeln!(io::stderr(), "\ndockline: {interrupted}")?;
            Ok(ExitCode::from(Interrupted::EXIT_CODE))
        }
        None => ended,
    }
}

async fn configure(args: InitArgs) -> Result<ExitCode, Failure> {
    let mut signals = Signals::install()?;
    let files = Files::new(&args.output, args.force)?;
    let mut asker = Asker::new();
    let settings = if args.create_app {
        create_app::settings(&args, &mut asker, &files, &mut signals).await?
    } else {
        signals.or("nothing was written", answers::settings(&args, &mut asker)).await??
    };
    let written = write(&settings, &files).map_err(|errors| lost(&settings, errors))?;
    report(&settings, &written)?;
    writeln!(io::stdout(), "\nChecking it, as dockline doctor does:\n")?;
    let path = files.config();
    let (doctor_args, effective) = cli::doctor_args(path)?;
    let note = "the files are written; dockline doctor checks them";
    let code = signals.or(note, doctor::run(&doctor_args, &effective)).await??;
    writeln!(io::stdout(), "{}", next(&path.display().to_string(), code))?;
    Ok(code)
}

fn write(settings: &Settings, files: &Files) -> Result<Vec<PathBuf>, ConfigErrors> {
    let secrets = settings.typed_secrets();
    files.check_absent(secrets.iter().map(|(name, _)| *name))?;
    files.write(secrets, &config_text::render(settings, files)?)
}

/// Returns the error about the files; of a created App, with what to do about its secrets.
fn lost(settings: &Settings, errors: ConfigErrors) -> Failure {
    match &settings.created {
        Some(Created { page, .. }) => format!(
            "{errors}\nThe App {page} exists, but its secrets are lost: delete it at GitHub, and start again"
        )
        .into(),
        None => errors.into(),
    }
}

fn report(settings: &Settings, written: &[PathBuf]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    if let Some(Created { name, page }) = &settings.created {
        writeln!(stdout, "created the App {name}: {page}")?;
        if let Source::Absent = settings.webhook_secret {
            writeln!(
                stdout,
                "It has no webhook, since GitHub cannot reach {}; set one when the API has a public URL (docs/operating.md)",
                settings.public_url
            )?;
        }
    }
    for path in written {
        writeln!(stdout, "wrote {}", path.display())?;
    }
    if let Source::Generated(_) = settings.webhook_secret {
        writeln!(
            stdout,
            "Set the webhook secret on the App's settings page to the content of the file {WEBHOOK_SECRET}."
        )?;
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
