//! What is wrong with how the program was set up: all of it, each with its cause and its mend.

use std::fmt;

/// One mistake. Holds no secret: it is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it lies: an option such as `--public-url`, a line of a file, or a thing such as `the database`.
    pub place: String,
    /// What is wrong.
    pub cause: String,
    /// What to do about it; empty where the cause says it all.
    pub mend: String,
}

impl Mistake {
    /// One at `place`.
    pub fn new(place: impl Into<String>, cause: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { place: place.into(), cause: cause.into(), mend: mend.into() }
    }

    /// One that an error tells, whose text is `cause: mend`.
    pub fn told(place: impl Into<String>, error: &dyn fmt::Display) -> Self {
        let text = error.to_string();
        let (cause, mend) = text.split_once(": ").unwrap_or((&text, ""));
        Self::new(place, cause, mend)
    }
}

/// All mistakes that were found, as a numbered list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl Mistakes {
    /// The program's exit code where there are any, as for what clap refuses.
    pub const EXIT_CODE: u8 = 2;

    /// Nothing, where there are none.
    ///
    /// # Errors
    /// Itself, where there are some.
    pub fn none(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.0.len();
        let things = if number == 1 { "thing is" } else { "things are" };
        write!(f, "{number} {things} wrong with the configuration:")?;
        for (number, Mistake { place, cause, mend }) in self.0.iter().enumerate() {
            write!(f, "\n{:>3}. {place}: {cause}", number + 1)?;
            if !mend.is_empty() {
                write!(f, "\n     mend: {mend}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

impl From<Mistake> for Mistakes {
    fn from(mistake: Mistake) -> Self {
        Self(vec![mistake])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_numbered_each_with_its_mend() {
        let told = Mistake::told("--a", &"is wrong: make it right: so");
        let list = Mistakes(vec![told, Mistake::new("--b", "is worse", "")]);
        assert_eq!(
            list.to_string(),
            "2 things are wrong with the configuration:\n  1. --a: is wrong\n     mend: make it right: so\n  2. --b: is worse"
        );
        assert_eq!(Mistakes::default().none(), Ok(()));
    }
}
