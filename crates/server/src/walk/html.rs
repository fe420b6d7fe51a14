//! Reads the few pages of this program: no more of HTML than they use.

/// A start tag and what follows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag<'a> {
    pub(super) name: &'a str,
    attributes: &'a str,
    after: &'a str,
}

/// All start tags, and end tags with their slash, in order.
pub(super) fn tags(html: &str) -> impl Iterator<Item = Tag<'_>> {
    let mut rest = html;
    std::iter::from_fn(move || {
        let (_, from) = rest.split_once('<')?;
        let (inside, after) = from.split_once('>')?;
        rest = after;
        let (name, attributes) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
        Some(Tag { name, attributes, after })
    })
}

/// The text of the element with this id.
pub(super) fn text_of(html: &str, id: &str) -> Option<String> {
    tags(html).find(|tag| tag.attribute("id").as_deref() == Some(id)).map(|tag| tag.text())
}

impl Tag<'_> {
    /// An attribute's value; empty for one without.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        let mut rest = self.attributes;
        loop {
            rest = rest.trim_start();
            let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
            let (key, after) = rest.split_at(end);
            if key.is_empty() {
                return None;
            }
            let (value, after) = match after.strip_prefix("=\"") {
                Some(quoted) => quoted.split_once('"')?,
                None => ("", after),
            };
            if key == name {
                return Some(unescaped(value));
            }
            rest = after;
        }
    }

    /// The text up to the next tag.
    pub(super) fn text(&self) -> String {
        unescaped(self.after.split('<').next().unwrap_or_default().trim())
    }
}

/// What a button sends.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) action: Option<String>,
    pub(super) fields: Vec<(String, String)>,
}

impl Form {
    /// The form that holds the button, with its fields as they stand, and the button's own.
    pub(super) fn with_button(html: &str, button: &str) -> Option<Self> {
        let mut form: Option<Self> = None;
        let mut pressed = false;
        let mut select: Option<(String, Option<String>)> = None;
        for tag in tags(html) {
            if tag.name == "form" {
                form = Some(Self { action: tag.attribute("action"), fields: Vec::new() });
                continue;
            }
            let Some(open) = form.as_mut() else { continue };
            match tag.name {
                "/form" if pressed => return form,
                "/form" => form = None,
                "input" => open.fields.extend(input(&tag)),
                "select" => select = tag.attribute("name").map(|name| (name, None)),
                "option" => {
                    if let Some((_, value)) = select.as_mut()
                        && (value.is_none() || tag.attribute("selected").is_some())
                    {
                        *value = tag.attribute("value");
                    }
                }
                "/select" => open.fields.extend(select.take().and_then(|(name, value)| Some((name, value?)))),
                "button" if tag.attribute("id").as_deref() == Some(button) => {
                    pressed = true;
                    open.fields.extend(field(&tag));
                }
                _ => {}
            }
        }
        None
    }
}

fn input(tag: &Tag<'_>) -> Option<(String, String)> {
    let choice = matches!(tag.attribute("type").as_deref(), Some("radio" | "checkbox"));
    if choice && tag.attribute("checked").is_none() { None } else { field(tag) }
}

fn field(tag: &Tag<'_>) -> Option<(String, String)> {
    Some((tag.attribute("name")?, tag.attribute("value").unwrap_or_default()))
}

fn unescaped(text: &str) -> String {
    // The ampersand last, so that nothing is read twice.
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<h1 id=\"title\">A &amp; B</h1><form method=\"post\"><select name=\"account\">\
        <option value=\"1\">olga</option><option value=\"2\" selected>acme</option></select>\
        <input type=\"radio\" name=\"all\" value=\"y\" checked><input type=\"radio\" name=\"all\" value=\"n\">\
        <input type=\"hidden\" name=\"state\" value=\"&quot;\"><button id=\"go\" name=\"do\" value=\"it\">Go</button>\
        <button id=\"other\" name=\"do\" value=\"that\">Other</button></form><form action=\"/x\"><button id=\"y\">Y</button></form>";

    #[test]
    fn a_button_sends_its_forms_fields_and_itself() {
        let form = Form::with_button(PAGE, "go").unwrap();
        let expected = [("account", "2"), ("all", "y"), ("state", "\""), ("do", "it")];
        assert_eq!(form.fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(form.action, None);
        assert_eq!(Form::with_button(PAGE, "y").unwrap().action.as_deref(), Some("/x"));
        assert!(Form::with_button(PAGE, "title").is_none());
    }

    #[test]
    fn text_is_read_without_its_escapes() {
        assert_eq!(text_of(PAGE, "title").as_deref(), Some("A & B"));
        assert_eq!(text_of(PAGE, "none"), None);
    }
}
