//! Enums with a fixed spelling per variant, which JSON, options, stores and logs share.

/// The text is not the spelling of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a known {kind}; use one of: {spellings}")]
pub struct UnknownSpelling {
    pub(crate) kind: &'static str,
    pub(crate) spellings: &'static str,
}

/// Defines an enum whose variants have a fixed spelling, with `ALL`, `as_str`, `Display`, `FromStr`, `Serialize` and
/// `Deserialize`.
macro_rules! spelled {
    (
        $(#[$doc:meta])*
        pub enum $name:ident($kind:literal) {
            $($(#[$variant_doc:meta])* $variant:ident = $spelling:literal,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* #[doc = concat!("Spelled `", $spelling, "`.")] $variant,)+
        }

        impl $name {
            /// Every variant.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the spelling.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $spelling,)+
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::model::UnknownSpelling;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let unknown = $crate::model::UnknownSpelling {
                    kind: $kind,
                    spellings: spelled!(@list $($spelling),+),
                };
                Self::ALL.iter().copied().find(|known| known.as_str() == text).ok_or(unknown)
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <::std::borrow::Cow<'de, str> as ::serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(<D::Error as ::serde::de::Error>::custom)
            }
        }
    };
    (@list $first:literal $(, $rest:literal)*) => { concat!($first $(, ", ", $rest)*) };
}

pub(crate) use spelled;

#[cfg(test)]
mod tests {
    use crate::error::{CallbackRefusal, GithubCredential, RefusalReason};
    use crate::model::{
        AccountKind, BudgetClass, ClaimMembership, ClaimPolicy, CodeFate, DenialCause, EntryStatus,
        KeyEnvironment, PresenceKind, Proof, RepositorySelection, SetupAction, Status, UninstalledBy,
    };
    use crate::ports::ObserveOutcome;

    #[test]
    fn every_variant_round_trips_through_its_spelling_and_json() {
        fn check<T>(all: &[T])
        where
            T: Copy + PartialEq + std::fmt::Debug + std::fmt::Display + std::str::FromStr,
            T: serde::Serialize + serde::de::DeserializeOwned,
        {
            for variant in all {
                assert_eq!(variant.to_string().parse::<T>().ok(), Some(*variant));
                let json = serde_json::to_string(variant).unwrap();
                assert_eq!(json, format!("\"{variant}\""));
                assert_eq!(serde_json::from_str::<T>(&json).unwrap(), *variant);
            }
        }
        check(Status::ALL);
        check(Proof::ALL);
        check(ClaimPolicy::ALL);
        check(ClaimMembership::ALL);
        check(DenialCause::ALL);
        check(GithubCredential::ALL);
        check(AccountKind::ALL);
        check(KeyEnvironment::ALL);
        check(RefusalReason::ALL);
        check(CallbackRefusal::ALL);
        check(CodeFate::ALL);
        check(SetupAction::ALL);
        check(BudgetClass::ALL);
        check(UninstalledBy::ALL);
        check(PresenceKind::ALL);
        check(EntryStatus::ALL);
        check(RepositorySelection::ALL);
        check(ObserveOutcome::ALL);
    }

    #[test]
    fn the_error_for_an_unknown_spelling_lists_the_known_ones() {
        for bad in ["", "Active", "active ", "deleted"] {
            let error = bad.parse::<Status>().unwrap_err().to_string();
            assert_eq!(error, "not a known status; use one of: active, suspended, uninstalled");
        }
        assert!(serde_json::from_str::<ClaimPolicy>("\"weak\"").is_err());
    }
}
