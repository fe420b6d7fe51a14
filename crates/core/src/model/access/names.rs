//! Names that are shown to people: on the confirmation page, in the binding history and in logs.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use crate::model::KeyId;

/// The text is not a name that can be shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a name has 1 to {longest} visible characters and no control characters, line breaks, invisible characters or \
     characters that change the writing direction"
)]
pub struct InvalidName {
    longest: usize,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $longest:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            #[doc = concat!("The maximum number of characters: ", stringify!($longest), ".")]
            pub const LONGEST: usize = $longest;

            /// Removes spaces at both ends, then accepts visible characters and single spaces between them.
            ///
            /// # Errors
            /// [`InvalidName`] if the text is empty, too long, or contains an invisible character: control, format,
            /// bidirectional or blank.
            pub fn new(text: &str) -> Result<Self, InvalidName> {
                let text = text.trim_matches(' ');
                if is_visible(text, Self::LONGEST) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidName { longest: Self::LONGEST })
                }
            }

            /// Returns the name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().into()
            }
        }
    };
}

name! {
    /// The display name of an organization. Visitors decide by it whether to connect, so it cannot be blank or contain
    /// hidden characters.
    OrganizationName, 100
}

name! {
    /// The person or machine that acts for an organization, in the host's terms: a user id, an e-mail address or the name
    /// of a job. Recorded with each binding and event.
    Actor, 128
}

impl From<&KeyId> for Actor {
    /// Returns `key:<key id>`.
    fn from(key: &KeyId) -> Self {
        Self(["key:", key.as_str()].concat().into())
    }
}

fn is_visible(text: &str, longest: usize) -> bool {
    let mut characters = 0_usize;
    let mut has_visible = false;
    for character in text.chars() {
        characters += 1;
        if character == ' ' {
            continue;
        }
        // Most names are ASCII, for which no table is needed.
        if character.is_ascii_graphic() {
            has_visible = true;
            continue;
        }
        let category = character.general_category();
        let is_invisible = matches!(
            category,
            GeneralCategory::SpaceSeparator
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
                | GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::Surrogate
                | GeneralCategory::PrivateUse
                | GeneralCategory::Unassigned
        );
        let is_mark = matches!(
            category,
            GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark | GeneralCategory::EnclosingMark
        );
        // A mark is visible only on a character before it.
        if is_invisible || is_blank(character) || (is_mark && !has_visible) {
            return false;
        }
        has_visible = true;
    }
    has_visible && characters <= longest
}

/// Returns whether fonts draw nothing for this letter, mark or symbol. U+FE0E and U+FE0F are allowed, since they select
/// the text or emoji form of the character before them.
const fn is_blank(character: char) -> bool {
    matches!(
        character,
        '\u{034F}'
            | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0D}'
            | '\u{FFA0}'
            | '\u{E0100}'..='\u{E01EF}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visible_names_are_accepted_and_trimmed_l_82() {
        for (text, expected) in [
            ("Acme Coffee", "Acme Coffee"),
            ("  Acme  ", "Acme"),
            ("Übel & Söhne'; -- \\ \"99 %\" 日本 🐘", "Übel & Söhne'; -- \\ \"99 %\" 日本 🐘"),
            ("e\u{301}cole", "e\u{301}cole"),
            ("☕\u{FE0F}", "☕\u{FE0F}"),
            ("شركة", "شركة"),
        ] {
            assert_eq!(OrganizationName::new(text).unwrap().as_str(), expected);
        }
        assert!(OrganizationName::new(&"ä".repeat(100)).is_ok());
        assert!(Actor::new(&"x".repeat(128)).is_ok());
    }

    #[test]
    fn blank_names_hidden_characters_and_long_names_are_rejected_l_82() {
        for bad in [
            "",
            "   ",
            "\t",
            "a\nb",
            "a\u{1B}[31mb",
            "a\u{0}b",
            "\u{202E}emca",
            "a\u{2066}b",
            "a\u{200B}b",
            "a\u{200D}b",
            "a\u{FEFF}",
            "a\u{00AD}b",
            "a\u{00A0}b",
            "a\u{3000}b",
            "a\u{2028}b",
            "\u{3164}",
            "a\u{2800}",
            "\u{115F}",
            "\u{FFA0}",
            "a\u{E000}",
            "a\u{E0101}",
            "a\u{E0041}",
            "\u{301}",
            " \u{301}",
        ] {
            assert_eq!(OrganizationName::new(bad), Err(InvalidName { longest: 100 }), "{bad:?}");
            assert_eq!(Actor::new(bad), Err(InvalidName { longest: 128 }), "{bad:?}");
        }
        assert!(OrganizationName::new(&"a".repeat(101)).is_err());
        assert!(Actor::new(&"a".repeat(129)).is_err());
    }

    #[test]
    fn deserialization_rejects_invalid_names() {
        assert!(serde_json::from_str::<Actor>("\"user:7\"").is_ok());
        let error = serde_json::from_str::<Actor>("\"a\\u202eb\"").unwrap_err();
        assert!(error.to_string().contains("1 to 128 visible characters"), "{error}");
    }
}
