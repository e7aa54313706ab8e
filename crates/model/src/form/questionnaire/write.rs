//! Forms as the items of a questionnaire, and answers as those of a response.

use serde_json::{Value, json};

use super::{
    super::{Answers, Choice, Coding, Field, Form, Kind, Op, Rule, Section, Weight, When, Words},
    EXTENSIONS,
};

pub(super) fn is_coded(choice: &Choice) -> bool {
    choice.system.is_some() || !choice.label.is_empty()
}

impl Section {
    fn link_id(&self) -> &str {
        self.link_id.as_deref().unwrap_or(&self.code)
    }
}

impl Field {
    fn link_id(&self) -> &str {
        self.link_id.as_deref().unwrap_or(&self.key)
    }
}

fn extension(name: &str, kind: &str, value: Value) -> Value {
    json!({ "url": format!("{EXTENSIONS}{name}"), kind: value })
}

impl Form {
    /// The items of the questionnaire.
    #[must_use]
    pub fn items(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for section in &self.sections {
            let items: Vec<Value> = section.fields.iter().map(|field| self.item(field)).collect();
            if section.flat && section.when.is_none() {
                all.extend(items);
                continue;
            }
            let mut group = json!({ "linkId": section.link_id(), "type": "group", "item": items });
            self.text(&mut group, &section.title);
            self.enable(&mut group, section.when.as_ref());
            all.push(group);
        }
        all
    }

    fn text(&self, item: &mut Value, words: &Words) {
        let text = self.say(words, &[]);
        if !text.is_empty() {
            item["text"] = text.into();
        }
    }

    fn item(&self, field: &Field) -> Value {
        let kind = match &field.kind {
            Kind::Text { .. } if field.widget() == "textarea" => "text",
            Kind::Text { .. } => "string",
            Kind::Number { .. } => "decimal",
            Kind::Integer { .. } => "integer",
            Kind::Boolean => "boolean",
            Kind::Date => "date",
            Kind::Choice { .. } => "choice",
            Kind::File => "attachment",
        };
        let mut item = json!({ "linkId": field.link_id(), "type": kind });
        self.text(&mut item, &field.label);
        let coding = |one: &Coding| written(&one.system, &one.code, &one.display);
        if !field.codes.is_empty() {
            item["code"] = field.codes.iter().map(coding).collect();
        }
        if field.required {
            item["required"] = true.into();
        }
        self.enable(&mut item, field.when.as_ref());
        let mut extensions = Vec::new();
        let mut add = |name, kind, value: Option<Value>| {
            extensions.extend(value.map(|value| extension(name, kind, value)))
        };
        match &field.kind {
            Kind::Text { min, max, pattern } => {
                if let Some(max) = max {
                    item["maxLength"] = (*max).into();
                }
                add("minLength", "valueInteger", min.map(Value::from));
                add("regex", "valueString", pattern.as_deref().map(Value::from));
            }
            Kind::Number { min, max } => {
                add("minValue", "valueDecimal", min.map(Value::from));
                add("maxValue", "valueDecimal", max.map(Value::from));
            }
            Kind::Integer { min, max } => {
                add("minValue", "valueInteger", min.map(Value::from));
                add("maxValue", "valueInteger", max.map(Value::from));
            }
            Kind::Choice { options, many, min, max } => {
                if *many {
                    item["repeats"] = true.into();
                }
                add("questionnaire-minOccurs", "valueInteger", min.map(Value::from));
                add("questionnaire-maxOccurs", "valueInteger", max.map(Value::from));
                item["answerOption"] = options.iter().map(|option| self.option(field, option)).collect();
            }
            Kind::Boolean | Kind::Date | Kind::File => {}
        }
        if !extensions.is_empty() {
            item["extension"] = extensions.into();
        }
        item
    }

    fn option(&self, field: &Field, choice: &Choice) -> Value {
        let (kind, value) = self.coded(choice);
        let mut option = json!({ kind: value });
        let weights = self.scores.first().and_then(|score| score.weights.get(&field.key));
        if let Some(Weight::Options(all)) = weights
            && let Some(weight) = all.get(&choice.value)
        {
            option["extension"] = json!([extension("ordinalValue", "valueDecimal", (*weight).into())]);
        }
        option
    }

    /// A choice as a coding, or as the text that it was.
    fn coded(&self, choice: &Choice) -> (&'static str, Value) {
        if !is_coded(choice) {
            return ("valueString", choice.value.clone().into());
        }
        let system = choice.system.as_deref().unwrap_or_default();
        ("valueCoding", written(system, &choice.value, &choice.shown(self, &[])))
    }

    fn enable(&self, item: &mut Value, when: Option<&When>) {
        let Some(when) = when else { return };
        let rule = |rule: &Rule| {
            let field = self.field(&rule.field);
            let question = field.map_or(rule.field.as_str(), Field::link_id);
            let (name, value) = match (rule.op, field.map(|field| &field.kind)) {
                (Op::Exists, _) | (_, Some(Kind::Boolean)) => ("answerBoolean", rule.value.clone()),
                (_, Some(Kind::Number { .. })) => ("answerDecimal", rule.value.clone()),
                (_, Some(Kind::Integer { .. })) => ("answerInteger", rule.value.clone()),
                (_, Some(Kind::Date)) => ("answerDate", rule.value.clone()),
                (_, Some(Kind::Choice { options, .. })) if options.iter().any(is_coded) => {
                    let option = options.iter().find(|one| rule.value == one.value);
                    let system = option.and_then(|one| one.system.as_deref()).unwrap_or_default();
                    ("answerCoding", written(system, rule.value.as_str().unwrap_or_default(), ""))
                }
                _ => ("answerString", rule.value.clone()),
            };
            json!({ "question": question, "operator": rule.op.as_str(), name: value })
        };
        item["enableWhen"] = when.rules.iter().map(rule).collect();
        if when.rules.len() > 1 || when.any {
            item["enableBehavior"] = if when.any { "any" } else { "all" }.into();
        }
    }

    /// Answers as the items of a response; `file` writes the attachment of a
    /// file's id.
    pub fn response(&self, answers: &Answers, file: &dyn Fn(&str) -> Value) -> Vec<Value> {
        let mut all = Vec::new();
        for section in &self.sections {
            let answered = |field: &Field| {
                let answer = answers.get(&field.key)?;
                let mut item =
                    json!({ "linkId": field.link_id(), "answer": self.values(field, answer, file) });
                self.text(&mut item, &field.label);
                Some(item)
            };
            let items: Vec<Value> = section.fields.iter().filter_map(answered).collect();
            if section.flat && section.when.is_none() {
                all.extend(items);
            } else if !items.is_empty() {
                let mut group = json!({ "linkId": section.link_id(), "item": items });
                self.text(&mut group, &section.title);
                all.push(group);
            }
        }
        all
    }

    fn values(&self, field: &Field, answer: &Value, file: &dyn Fn(&str) -> Value) -> Vec<Value> {
        let one = |kind: &str, value: Value| vec![json!({ kind: value })];
        match &field.kind {
            Kind::Text { .. } => one("valueString", answer.clone()),
            Kind::Number { .. } => one("valueDecimal", answer.clone()),
            Kind::Integer { .. } => one("valueInteger", answer.clone()),
            Kind::Boolean => one("valueBoolean", answer.clone()),
            Kind::Date => one("valueDate", answer.clone()),
            Kind::File => one("valueAttachment", file(answer.as_str().unwrap_or_default())),
            Kind::Choice { options, .. } => {
                let chosen = |option: &&Choice| match answer {
                    Value::Array(all) => all.iter().any(|one| *one == option.value),
                    one => *one == option.value,
                };
                let value = |option: &Choice| {
                    let (kind, value) = self.coded(option);
                    json!({ kind: value })
                };
                options.iter().filter(chosen).map(value).collect()
            }
        }
    }
}

fn written(system: &str, code: &str, display: &str) -> Value {
    let mut coding = json!({ "code": code });
    for (name, text) in [("system", system), ("display", display)] {
        if !text.is_empty() {
            coding[name] = text.into();
        }
    }
    coding
}
