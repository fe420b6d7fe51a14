use dockline::PortErrorKind;

/// What to do about an error that the server gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handling {
    /// Two transactions were in each other's way and this one was undone: repeat it.
    Repeat,
    /// The server does not know, or knows another, prepared statement by that name. Nothing ran: repeat it unnamed.
    RepeatUnnamed,
    /// A table or column is missing: the schema was not migrated.
    Migrate,
    /// Give the error to the caller.
    Give(PortErrorKind),
}

/// The one table from SQLSTATE to what follows (documented at the crate's root).
pub(crate) fn handling(sqlstate: &str) -> Handling {
    match sqlstate {
        "40001" | "40P01" => Handling::Repeat,
        "26000" | "42P05" | "0A000" => Handling::RepeatUnnamed,
        "42P01" | "42703" | "3F000" => Handling::Migrate,
        "57P01" | "57P02" | "57P03" | "57014" | "55P03" | "25006" => {
            Handling::Give(PortErrorKind::Unavailable)
        }
        "3D000" | "42501" => Handling::Give(PortErrorKind::Rejected),
        other => Handling::Give(match other.get(..2) {
            Some("08" | "53") => PortErrorKind::Unavailable,
            Some("28") => PortErrorKind::Rejected,
            Some("22") => PortErrorKind::Corrupt,
            _ => PortErrorKind::Unexpected,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table() {
        for (sqlstates, expected) in [
            (&["40001", "40P01"][..], Handling::Repeat),
            (&["26000", "42P05", "0A000"], Handling::RepeatUnnamed),
            (&["42P01", "42703", "3F000"], Handling::Migrate),
            (
                &["08000", "08001", "08003", "08004", "08006", "08P01"],
                Handling::Give(PortErrorKind::Unavailable),
            ),
            (&["57P01", "57P02", "57P03"], Handling::Give(PortErrorKind::Unavailable)),
            (&["53000", "53100", "53200", "53300"], Handling::Give(PortErrorKind::Unavailable)),
            (&["57014", "55P03", "25006"], Handling::Give(PortErrorKind::Unavailable)),
            (&["28000", "28P01", "3D000", "42501"], Handling::Give(PortErrorKind::Rejected)),
            (&["22000", "22P02", "22021", "22003"], Handling::Give(PortErrorKind::Corrupt)),
            (
                &["23505", "23514", "42601", "XX000", "57P04", "", "é"],
                Handling::Give(PortErrorKind::Unexpected),
            ),
        ] {
            for sqlstate in sqlstates {
                assert_eq!(handling(sqlstate), expected, "{sqlstate}");
            }
        }
    }
}
