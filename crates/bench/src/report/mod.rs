//! The output of a run: the table of goals, the table of measurements, and plots.

mod goals;
mod machine;
mod markdown;
mod plots;
mod svg;

use std::path::Path;

use goals::Goal;

use crate::Result;
use crate::options::Options;
use crate::scenarios::Results;

/// The results of a run, beside the goals.
pub(crate) struct Report<'a> {
    options: &'a Options,
    results: &'a Results,
    goals: Vec<Goal>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(options: &'a Options, results: &'a Results) -> Self {
        Self { options, results, goals: goals::of(results) }
    }

    /// Returns everything as Markdown.
    pub(crate) fn markdown(&self) -> String {
        format!(
            "# Results\n\n{}\n\n{}\n\n## Goals\n\n{}\n## Measurements\n\n{}{}{}",
            "`cargo xtask bench` writes this page. [benchmarks.md](../benchmarks.md) explains it.",
            machine::description(self.options),
            markdown::goals(&self.goals),
            markdown::series(&self.results.series),
            markdown::pressure(&self.results.series),
            self.results.micro.as_ref().map(markdown::micro).unwrap_or_default(),
        )
    }

    /// Writes `results.md` and the plots.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("results.md"), self.markdown())?;
        std::fs::write(folder.join("goals.svg"), plots::goals(&self.goals))?;
        std::fs::write(folder.join("rates.svg"), plots::rates(&self.results.series))?;
        std::fs::write(folder.join("cpu.svg"), plots::cpu(&self.results.series))?;
        Ok(())
    }
}
