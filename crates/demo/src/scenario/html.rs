//! Reads the elements of a page, as far as the scenario needs them: texts and forms.

use std::collections::BTreeMap;

use html5gum::{HtmlString, Token, Tokenizer};

#[derive(Debug)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: BTreeMap<String, String>,
    /// The text of the element and of the elements in it.
    pub(super) text: String,
    /// The number of the form around the element.
    form: Option<usize>,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

/// Elements without content and end tag.
const VOID: [&str; 6] = ["br", "hr", "img", "input", "link", "meta"];

/// Returns the elements of a page, in order.
pub(super) fn elements(html: &str) -> impl Iterator<Item = Element> {
    let (mut closed, mut open) = (Vec::new(), Vec::<(usize, Element)>::new());
    let (mut count, mut forms, mut form) = (0, 0, None);
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
                let is_void = VOID.contains(&name.as_str());
                let element = (count, Element { name, attributes, text: String::new(), form });
                count += 1;
                if is_void { closed.push(element) } else { open.push(element) }
            }
            Token::EndTag(tag) => {
                let name = string(tag.name);
                if name == "form" {
                    form = None;
                }
                if let Some(start) = open.iter().rposition(|(_, element)| element.name == name) {
                    closed.extend(open.drain(start..));
                }
            }
            Token::String(text) => {
                let text = string(text.value);
                open.iter_mut().for_each(|(_, element)| element.text.push_str(&text));
            }
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    closed.extend(open);
    closed.sort_by_key(|(position, _)| *position);
    closed.into_iter().map(|(_, mut element)| {
        element.text = element.text.trim().to_owned();
        element
    })
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
        <p id=\"outside\"> One <b id=\"inside\">two</b><br>three </p>";

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
    fn text_includes_nested_elements_and_is_unescaped() {
        let text = |id: &str| {
            elements(PAGE).find(|element| element.attribute("id") == Some(id)).map(|element| element.text)
        };
        assert_eq!(text("title").as_deref(), Some("A & B"));
        assert_eq!(text("outside").as_deref(), Some("One twothree"));
        assert_eq!(text("inside").as_deref(), Some("two"));
        assert_eq!(text("none"), None);
    }
}
