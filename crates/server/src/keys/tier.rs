use std::borrow::Cow;

use clap::Args;
use dockline::Tier;

/// Set for each option: if the struct sets it, clap applies it to the options that follow, too.
const HEADING: &str = "Budget";

/// The rate limits of a key: a predefined tier, or a custom one with its three numbers.
#[derive(Debug, Clone, Args)]
pub struct TierArgs {
    /// Rate limit tier: standard (120 reads and 60 writes per minute, 10,000 writes per day), pilot (1,200, 600, 100,000),
    /// partner (6,000, 3,000, 500,000), or a custom name with the three numbers below.
    #[arg(long, help_heading = HEADING, value_name = "NAME", default_value = "standard", value_parser = tier_name)]
    tier: String,
    /// Reads per minute of a custom tier.
    #[arg(long, help_heading = HEADING, value_name = "N")]
    reads_per_minute: Option<u32>,
    /// Writes per minute of a custom tier.
    #[arg(long, help_heading = HEADING, value_name = "N")]
    writes_per_minute: Option<u32>,
    /// Writes per day (UTC) of a custom tier.
    #[arg(long, help_heading = HEADING, value_name = "N")]
    writes_per_day: Option<u32>,
}

fn tier_name(text: &str) -> Result<String, &'static str> {
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        Ok(text.to_owned())
    } else {
        Err("a tier's name has 1 to 64 printable ASCII characters, no space")
    }
}

impl TierArgs {
    /// Returns the tier.
    ///
    /// # Errors
    /// If a custom name lacks one of the numbers, or a predefined name has one.
    pub(super) fn tier(&self) -> Result<Tier, String> {
        let numbers = [self.reads_per_minute, self.writes_per_minute, self.writes_per_day];
        let name = &self.tier;
        match (Tier::named(name), numbers) {
            (Some(known), [None, None, None]) => Ok(known),
            (Some(known), _) => Err(format!(
                "--tier {name} is predefined: {} reads and {} writes per minute, {} writes per day. Remove the numbers, or \
                 choose another name",
                known.reads_per_minute, known.writes_per_minute, known.writes_per_day
            )),
            (None, [Some(reads_per_minute), Some(writes_per_minute), Some(writes_per_day)]) => {
                let name = Cow::Owned(name.clone());
                Ok(Tier { name, reads_per_minute, writes_per_minute, writes_per_day })
            }
            (None, _) => Err(format!(
                "--tier {name} is none of standard, pilot and partner; a custom tier needs --reads-per-minute, \
                 --writes-per-minute and --writes-per-day"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(name: &str, numbers: [Option<u32>; 3]) -> TierArgs {
        let [reads_per_minute, writes_per_minute, writes_per_day] = numbers;
        TierArgs { tier: name.to_owned(), reads_per_minute, writes_per_minute, writes_per_day }
    }

    #[test]
    fn predefined_tier_has_its_numbers_and_custom_tier_needs_all_three() {
        assert_eq!(args("standard", [None; 3]).tier(), Ok(Tier::standard()));
        assert_eq!(args("partner", [None; 3]).tier(), Ok(Tier::partner()));
        let own =
            Tier { name: "gold".into(), reads_per_minute: 5, writes_per_minute: 0, writes_per_day: u32::MAX };
        assert_eq!(args("gold", [Some(5), Some(0), Some(u32::MAX)]).tier(), Ok(own));
        for missing in
            [[None, Some(1), Some(1)], [Some(1), None, Some(1)], [Some(1), Some(1), None], [None; 3]]
        {
            let error = args("gold", missing).tier().unwrap_err();
            assert!(error.contains("gold") && error.contains("--writes-per-day"), "{error}");
        }
        let error = args("pilot", [Some(1), None, None]).tier().unwrap_err();
        assert!(error.contains("1200 reads"), "{error}");
    }

    #[test]
    fn tier_name_is_short_and_visible() {
        assert!(tier_name("gold-2026").is_ok());
        for bad in ["", "of the house", "ü", "a\n", &"x".repeat(65)] {
            assert!(tier_name(bad).is_err(), "{bad:?}");
        }
    }
}
