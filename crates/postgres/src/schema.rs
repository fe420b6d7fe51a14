use std::fmt;

/// The text is not a valid [`Schema`] name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a schema name has 1 to 63 characters of a-z 0-9 _ and does not start with a digit")]
pub struct InvalidSchema;

/// The name of the schema that contains Dockline's tables: `[a-z_][a-z0-9_]{0,62}`, by default `dockline`.
///
/// A name cannot be a statement's parameter, so the allowed characters need no escaping.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Schema(String);

impl Schema {
    /// Accepts `[a-z_][a-z0-9_]{0,62}`.
    ///
    /// # Errors
    /// [`InvalidSchema`] for anything else.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidSchema> {
        let name = name.into();
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        let fits = (1..=63).contains(&name.len())
            && name.bytes().next().is_some_and(letter)
            && name.bytes().all(|byte| letter(byte) || byte.is_ascii_digit());
        if fits { Ok(Self(name)) } else { Err(InvalidSchema) }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Replaces `{schema}` in `template`. Quotes the name, since it may be a reserved word, such as `user`.
    pub(crate) fn qualify(&self, template: &str) -> String {
        template.replace("{schema}", &format!("\"{self}\""))
    }
}

impl Default for Schema {
    fn default() -> Self {
        Self("dockline".to_owned())
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_name_needs_no_escaping() {
        for good in ["dockline", "_", "a1", "test_0a", &"x".repeat(63)] {
            assert!(Schema::new(good).is_ok(), "{good}");
        }
        for bad in ["", "1a", "A", "a-b", "a\"b", "a.b", "a b", "ä", "a;", &"x".repeat(64)] {
            assert_eq!(Schema::new(bad), Err(InvalidSchema), "{bad:?}");
        }
    }
}
