//! The forms that fields of the wire have, each said once and made from what the core holds.

use std::borrow::Cow;

use dockline::{AccountKind, InstallationId, State, Status};
use serde_json::{Value, json};
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// A form that a field refers to by its name.
macro_rules! form {
    ($(#[doc = $doc:literal] $name:ident = $schema:expr;)*) => {$(
        #[doc = $doc]
        pub(crate) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let schema: ObjectBuilder = $schema;
                schema.description(Some($doc.trim())).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )*};
}

form! {
    /// Whether the installation is usable. `suspended` may become `active` again, `uninstalled` is final.
    InstallationStatus = one_of(Status::ALL.iter().map(|status| json!(status.as_str())));
    /// Whether the account is a person or an organization.
    AccountType = one_of(AccountKind::ALL.iter().map(|kind| json!(kind.as_str())));
    /// What went wrong, for programs. The list is closed; codes may be added in later versions, none is ever renamed.
    ErrorCode = one_of(dockline::ErrorCode::ALL.iter().map(|code| json!(code.as_str())));
    /// What is wrong with one part of a request.
    IssueCode = one_of(dockline::IssueCode::ALL.iter().map(|code| json!(code)));
    /// A time in UTC, always with six fractional digits and `+00:00`.
    Microseconds = time(r"[0-9]{6}\+00:00", "2026-04-18T19:14:09.123456+00:00");
    /// A time in UTC, always with three fractional digits and `Z`.
    Milliseconds = time("[0-9]{3}Z", "2026-04-18T19:29:09.123Z");
    /// GitHub's number of an installation.
    InstallationNumber = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::Int64)))
        .minimum(Some(1_u64))
        .maximum(Some(InstallationId::MAX))
        .examples([json!(50_291_845)]);
    /// A state, as install-url gave or took it.
    AnyState = state(1);
    /// A state that cannot be guessed. One of the caller's own has at least 16 characters; ours have 32.
    OwnState = state(State::LEAST_OWN_LENGTH);
    /// The part of an API key that may be logged.
    KeyId = text("^[0-9A-HJKMNP-TV-Z]{14,18}$").examples([json!("01HX9Y6K7EJ4T2")]);
    /// A request's id.
    RequestId = text("^req_[0-9A-HJKMNP-TV-Z]{26}$").examples([json!("req_01HXZ9G7KMV2QX8Y1S5RJW3B7T")]);
    /// Where the next page begins. Opaque: pass it on as it came.
    Cursor = text("^[A-Za-z0-9_-]{1,64}$").examples([json!("AQAAAAABLjN9")]);
    /// One thing that is wrong with a request.
    Issue = ObjectBuilder::new()
        .property("path", text_of_at_most(64).description(Some(
            "Which key or parameter; an unknown one is cut at 64 characters. Empty for the whole body.",
        )))
        .property("code", Ref::from_schema_name("IssueCode"))
        .property("message", ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)))
        .required("path").required("code").required("message")
        .additional_properties(Some(utoipa::openapi::schema::AdditionalProperties::<Schema>::FreeForm(false)));
}

fn one_of(values: impl Iterator<Item = Value>) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values))
}

fn text(pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern))
}

fn text_of_at_most(characters: usize) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).max_length(Some(characters))
}

fn state(shortest: usize) -> ObjectBuilder {
    // Lengths are in the keywords as well: generators read them there.
    text(r"^[A-Za-z0-9._~-]+$")
        .min_length(Some(shortest))
        .max_length(Some(State::LONGEST))
        .examples([json!("lUNN5tIRm-K3a8sBXvBQDxVOCgz2x9YK")])
}

fn time(fraction_and_zone: &str, example: &str) -> ObjectBuilder {
    text(&format!(
        "^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}\\.{fraction_and_zone}$"
    ))
    .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::DateTime)))
    .examples([json!(example)])
}
