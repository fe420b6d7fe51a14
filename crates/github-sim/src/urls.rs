//! Addresses in answers and pages, and in the redirects to an App.

/// Where the REST API lives, as on an enterprise server.
pub(crate) const API: &str = "/api/v3";

/// The bases of addresses.
#[derive(Clone, Debug)]
pub(crate) struct Urls {
    pub(crate) web: String,
    pub(crate) api: String,
}

impl Urls {
    pub(crate) fn of(web: String) -> Self {
        Self { api: format!("{web}{API}"), web }
    }
}

/// `url` with more parameters, after those that it may have and before its fragment.
pub(crate) fn with_query(url: &str, pairs: &[(&str, &str)]) -> String {
    let (base, fragment) = url.split_once('#').map_or((url, None), |(base, fragment)| (base, Some(fragment)));
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    let separator = match base.split_once('?') {
        None => "?",
        Some((_, before)) if before.is_empty() || before.ends_with('&') => "",
        Some(_) => "&",
    };
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    format!("{base}{separator}{}{fragment}", query.finish())
}

/// A query string or a form, whose names may come more than once.
#[derive(Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// The first value of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of that name.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }
}

impl FromIterator<(String, String)> for Params {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_join_what_a_url_has() {
        let cases = [
            ("http://h/c", "http://h/c?a=1+2&b=%26"),
            ("http://h/c?", "http://h/c?a=1+2&b=%26"),
            ("http://h/c?x=y", "http://h/c?x=y&a=1+2&b=%26"),
            ("http://h/c?x&#f", "http://h/c?x&a=1+2&b=%26#f"),
            ("http://h/c#f?", "http://h/c?a=1+2&b=%26#f?"),
        ];
        for (url, expected) in cases {
            assert_eq!(with_query(url, &[("a", "1 2"), ("b", "&")]), expected);
        }
    }
}
