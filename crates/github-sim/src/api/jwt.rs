//! Verification of Apps' JWTs, with GitHub's rules and messages.

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;
use time::OffsetDateTime;

use crate::model::Model;
use crate::model::app::App;

/// The longest time until the expiry of a JWT, in seconds.
const MAX_LIFETIME: i64 = 600;

/// The reason why a JWT is rejected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum JwtError {
    Undecodable,
    UnknownIssuer,
    TooFarAhead,
    NoExpiry,
    NoIssueTime,
}

impl JwtError {
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Undecodable => "A JSON web token could not be decoded",
            Self::UnknownIssuer => "Integration not found",
            Self::TooFarAhead => "'Expiration time' claim ('exp') is too far in the future",
            Self::NoExpiry => {
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
            }
            Self::NoIssueTime => {
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
            }
        }
    }
}

/// Verifies a JWT and returns its App.
pub(crate) fn verify<'a>(model: &'a Model, token: &str, now: OffsetDateTime) -> Result<&'a App, JwtError> {
    let (signed, signature) = token.rsplit_once('.').ok_or(JwtError::Undecodable)?;
    let (header, claims) = signed.split_once('.').ok_or(JwtError::Undecodable)?;
    let (header, claims) = (object(header)?, object(claims)?);
    if header.get("alg") != Some(&Value::from("RS256")) {
        return Err(JwtError::Undecodable);
    }
    let app = issuer(model, claims.get("iss")).ok_or(JwtError::UnknownIssuer)?;
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).map_err(|_| JwtError::Undecodable)?;
    if !app.public_key.verifies(signed.as_bytes(), &signature) {
        return Err(JwtError::Undecodable);
    }
    check_times(&claims, now.unix_timestamp())?;
    Ok(app)
}

fn object(part: &str) -> Result<Value, JwtError> {
    let json = BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| JwtError::Undecodable)?;
    serde_json::from_slice(&json).ok().filter(Value::is_object).ok_or(JwtError::Undecodable)
}

/// Finds the App of `iss`: its id as a number or as decimal digits, or its client id.
fn issuer<'a>(model: &'a Model, iss: Option<&Value>) -> Option<&'a App> {
    let iss = iss?;
    let text = iss.as_str();
    let digits = text.filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let id = iss.as_u64().or_else(|| digits.and_then(|digits| digits.parse().ok()));
    id.and_then(|id| model.app(id)).or_else(|| text.and_then(|text| model.app_by_client_id(text)))
}

fn check_times(claims: &Value, now: i64) -> Result<(), JwtError> {
    let expires = claims.get("exp").and_then(Value::as_f64).ok_or(JwtError::NoExpiry)?;
    let ahead = expires - now as f64;
    if ahead <= 0.0 {
        return Err(JwtError::NoExpiry);
    }
    if ahead > MAX_LIFETIME as f64 {
        return Err(JwtError::TooFarAhead);
    }
    match claims.get("iat").and_then(Value::as_i64) {
        Some(issued) if issued <= now => Ok(()),
        _ => Err(JwtError::NoIssueTime),
    }
}
