//! A form in the shape in which clients of the original know a wizard's steps
//! (contract core.md 5.3): one step for each section.

use serde_json::{Map, Value, json};

use super::{Field, Form, Kind, Section, When};

impl Form {
    /// The steps. A field that is not always shown is not required here: a
    /// client that knows nothing of `when` must get past it. The server asks for
    /// it all the same, when it is shown.
    #[must_use]
    pub fn steps(&self, id: &str, version: i64) -> Value {
        let step = |section: &Section| {
            let name = match self.say(&section.title, &[]) {
                "" => section.code.as_str(),
                title => title,
            };
            let mut inner = json!({ "code": section.code,
                "schema": section.fields.iter().map(|field| (field.key.clone(), rules(section, field)))
                    .collect::<Map<_, _>>(),
                "form": section.fields.iter().map(|field| self.entry(field)).collect::<Vec<_>>() });
            add_when(&mut inner, section.when.as_ref());
            json!({ "code": section.code, "name": short(name, 128), "next": { "title": "Continue" },
                "form": { "id": id, "version": version }, "sections": [inner] })
        };
        self.sections.iter().map(step).collect()
    }

    fn entry(&self, field: &Field) -> Value {
        let label = match self.say(&field.label, &[]) {
            "" => field.key.as_str(),
            label => label,
        };
        let mut entry = json!({ "key": field.key, "placeholder": short(label, 300), "type": field.widget() });
        let help = self.say(&field.help, &[]);
        if !help.is_empty() {
            entry["help"] = help.into();
        }
        if let Kind::Choice { options, .. } = &field.kind {
            let option = |one: &super::Choice| json!({ "value": one.value, "label": one.shown(self, &[]) });
            entry["options"] = options.iter().map(option).collect();
        }
        add_when(&mut entry, field.when.as_ref());
        entry
    }
}

fn short(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}

fn add_when(to: &mut Value, when: Option<&When>) {
    if let Some(when) = when {
        to["when"] = when.write();
    }
}

fn rules(section: &Section, field: &Field) -> Value {
    let mut rules = field.kind.property();
    if let Value::Object(rules) = &mut rules {
        let required = field.required && field.when.is_none() && section.when.is_none();
        // The documented steps know dates and files as types.
        if let Some(format) = rules.remove("format") {
            rules.insert("type".to_owned(), format);
        }
        rules.insert("required".to_owned(), required.into());
        rules.insert("allowedEmpty".to_owned(), (!required).into());
    }
    rules
}

impl Field {
    /// How a page shows it.
    #[must_use]
    pub fn widget(&self) -> &str {
        match (&self.widget, &self.kind) {
            (Some(widget), _) => widget,
            (None, Kind::Text { .. }) => "text",
            (None, Kind::Number { .. } | Kind::Integer { .. }) => "number",
            (None, Kind::Boolean) => "checkbox",
            (None, Kind::Date) => "date",
            (None, Kind::Choice { many: false, .. }) => "radio",
            (None, Kind::Choice { many: true, .. }) => "checkboxes",
            (None, Kind::File) => "file",
        }
    }
}
