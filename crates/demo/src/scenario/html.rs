//! Reads the elements of a page, as far as the scenario needs them: texts and forms.

use std::collections::BTreeMap;

use html5gum::{HtmlString, Token, Tokenizer};

#[derive(Debug)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: BTreeMap<String, String>,
    /// The text up to the next tag.
    pub(super) text: String,
    /// The number of the form around the element.
    form: Option<usize>,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

/// Returns the elements of a page, in order.
pub(super) fn elements(html: &str) -> impl Iterator<Item = Element> {
    let (mut elements, mut forms, mut form) = (Vec::<Element>::new(), 0, None);
    let mut in_text = false;
    for Ok(token) in Tokenizer::new(html) {
        match token {
            Token::StartTag(tag) => {
                let name = string(tag.name);
                if name == "form" {
                    forms += 1;
                    form = Some(forms);
                }
                let attributes = tag.attributes.into_iter();
                let attributes =
                    attributes.map(|(name, value)| (string(name), string(value.value))).collect();
                elements.push(Element { name, attributes, text: String::new(), form });
                in_text = true;
            }
            Token::EndTag(tag) => {
                if string(tag.name) == "form" {
                    form = None;
                }
                in_text = false;
            }
            Token::String(text) => {
                if let Some(element) = elements.last_mut().filter(|_| in_text) {
                    string(text.value).trim().clone_into(&mut element.text);
                }
            }
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    elements.into_iter()
}

fn string(text: HtmlString) -> String {
    String::from_utf8_lossy(&text).into_owned()
}

/// A form as a button submits it.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) action: Option<String>,
    pub(super) fields: Vec<(String, String)>,
}

impl Form {
    /// Returns the form of the button with this id, with the page's values and the button's own.
    pub(super) fn of_button(html: &str, id: &str) -> Option<Self> {
        let is_button = |element: &Element| element.name == "button" && element.attribute("id") == Some(id);
        let number = elements(html).find(is_button)?.form?;
        let mut form = Self::default();
        let mut select = None;
        for element in elements(html).filter(|element| element.form == Some(number)) {
            let name = element.attribute("name").map(str::to_owned);
            let value = element.attribute("value").unwrap_or_default().to_owned();
            match element.name.as_str() {
                "form" => form.action = element.attribute("action").map(str::to_owned),
                "input" if !is_unchecked(&element) => form.fields.extend(name.map(|name| (name, value))),
                "button" if is_button(&element) => form.fields.extend(name.map(|name| (name, value))),
                "select" => select = name,
                "option" => form.choose(select.as_deref(), value, element.attribute("selected").is_some()),
                _ => {}
            }
        }
        Some(form)
    }

    /// Browsers send the selected option, or else the first.
    fn choose(&mut self, select: Option<&str>, value: String, selected: bool) {
        let Some(name) = select else { return };
        match self.fields.iter_mut().find(|(field, _)| field == name) {
            None => self.fields.push((name.to_owned(), value)),
            Some(field) if selected => field.1 = value,
            Some(_) => {}
        }
    }
}

fn is_unchecked(input: &Element) -> bool {
    matches!(input.attribute("type"), Some("radio" | "checkbox")) && input.attribute("checked").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<h1 id=\"title\">A &amp; B</h1><form method=\"post\"><select name=\"account\">\
        <option value=\"1\">olga</option><option value=\"2\" selected>acme</option></select>\
        <input type=\"radio\" name=\"all\" value=\"y\" checked><input type=\"radio\" name=\"all\" value=\"n\">\
        <input type=\"hidden\" name=\"state\" value=\"&quot;\"><button id=\"go\" name=\"do\" value=\"it\">Go</button>\
        <button id=\"other\" name=\"do\" value=\"that\">Other</button></form><form action=\"/x\"><button id=\"y\">Y</button></form>\
        <p id=\"outside\">One<br>two</p>";

    #[test]
    fn a_button_submits_the_fields_of_its_form_and_its_own() {
        let form = Form::of_button(PAGE, "go").unwrap();
        let expected = [("account", "2"), ("all", "y"), ("state", "\""), ("do", "it")];
        assert_eq!(form.fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(form.action, None);
        assert_eq!(Form::of_button(PAGE, "y").unwrap().action.as_deref(), Some("/x"));
        assert!(Form::of_button(PAGE, "title").is_none());
    }

    #[test]
    fn text_ends_at_the_next_tag_and_is_unescaped() {
        let text = |id: &str| {
            elements(PAGE).find(|element| element.attribute("id") == Some(id)).map(|element| element.text)
        };
        assert_eq!(text("title").as_deref(), Some("A & B"));
        assert_eq!(text("outside").as_deref(), Some("One"));
        assert_eq!(text("none"), None);
    }
}
