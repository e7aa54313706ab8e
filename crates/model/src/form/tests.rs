//! Forms of any kind: what is written is read again, and what is shown, missing
//! and scored agrees with an evaluator that asks from each field backwards.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// A form of random fields, conditions and weights, in one spelling.
fn form() -> impl Strategy<Value = Form> {
    let field = (0..7usize, any::<bool>(), any::<[u8; 6]>());
    let section = (prop::collection::vec(field, 1..5), any::<[u8; 5]>());
    prop::collection::vec(section, 1..4).prop_map(|drawn| {
        let mut form =
            Form { language: "en".to_owned(), url: None, sections: Vec::new(), scores: Vec::new() };
        let mut earlier: Vec<(String, Kind)> = Vec::new();
        let mut weights = BTreeMap::new();
        for (at, (fields, dice)) in drawn.into_iter().enumerate() {
            let mut section = Section {
                code: format!("s{at}"),
                title: Words::from([("en".to_owned(), format!("Section {at}"))]),
                when: when(&earlier, &dice),
                fields: Vec::new(),
                link_id: None,
                flat: false,
            };
            for (n, (sort, required, dice)) in fields.into_iter().enumerate() {
                let (key, kind) = (format!("f{at}_{n}"), kind(sort, dice[5]));
                if let Some(weight) = weight(&kind, dice[4]) {
                    weights.insert(key.clone(), weight);
                }
                section.fields.push(Field {
                    when: when(&earlier, &dice),
                    label: Words::from([("en".to_owned(), key.clone())]),
                    help: Words::new(),
                    widget: (sort == 0 && dice[5].is_multiple_of(2)).then(|| "textarea".to_owned()),
                    link_id: (dice[4].is_multiple_of(3)).then(|| format!("/{key}")),
                    codes: Vec::new(),
                    key: key.clone(),
                    kind: kind.clone(),
                    required,
                });
                earlier.push((key, kind));
            }
            form.sections.push(section);
        }
        if !weights.is_empty() {
            let band = |from, to| Band { code: format!("b{from}"), name: Words::new(), from, to };
            form.scores.push(Score {
                code: "score".to_owned(),
                name: Words::new(),
                weights,
                bands: vec![band(0, 2), band(3, 900)],
            });
        }
        form
    })
}

fn kind(sort: usize, dice: u8) -> Kind {
    let option = |n: u8| Choice {
        value: format!("c{n}"),
        label: if dice.is_multiple_of(2) {
            Words::new()
        } else {
            Words::from([("en".to_owned(), format!("Choice {n}"))])
        },
        system: (dice % 4 == 1).then(|| "http://loinc.org".to_owned()),
    };
    let options = (0..3).map(option).collect();
    match sort {
        0 => Kind::Text {
            min: None,
            max: Some(40),
            pattern: (dice.is_multiple_of(3)).then(|| "^[a-z]*$".to_owned()),
        },
        1 => Kind::Number { min: None, max: Some(9.5) },
        2 => Kind::Integer { min: Some(0), max: None },
        3 => Kind::Boolean,
        4 => Kind::Date,
        5 => Kind::Choice { options, many: dice.is_multiple_of(2), min: None, max: None },
        _ => Kind::File,
    }
}

/// The `n`-th answer of a kind, or the value of a condition.
fn value(kind: &Kind, n: u8) -> Value {
    match kind {
        Kind::Text { .. } => ["a", "b", "abc"][usize::from(n % 3)].into(),
        Kind::Number { .. } => (f64::from(n % 4) * 0.5).into(),
        Kind::Integer { .. } => i64::from(n % 4).into(),
        Kind::Boolean => (n.is_multiple_of(2)).into(),
        Kind::Date => format!("2027-01-0{}", n % 4 + 1).into(),
        Kind::Choice { many: true, .. } => json!((0..=n % 3).map(|n| format!("c{n}")).collect::<Vec<_>>()),
        Kind::Choice { .. } => format!("c{}", n % 3).into(),
        Kind::File => "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44".into(),
    }
}

fn when(earlier: &[(String, Kind)], dice: &[u8]) -> Option<When> {
    if earlier.is_empty() || dice[0].is_multiple_of(2) {
        return None;
    }
    let rule = |n: u8| {
        let (field, kind) = &earlier[usize::from(n) % earlier.len()];
        let op = match kind {
            Kind::File => Op::Exists,
            Kind::Text { .. } | Kind::Boolean | Kind::Choice { .. } => Op::ALL[usize::from(n / 8) % 3],
            _ => Op::ALL[usize::from(n / 8) % Op::ALL.len()],
        };
        let value = match (op, kind) {
            (Op::Exists, _) => Value::Bool(n.is_multiple_of(2)),
            (_, Kind::Choice { .. }) => format!("c{}", n % 3).into(),
            _ => value(kind, n),
        };
        Rule { field: field.clone(), op, value }
    };
    // One rule alone is "all": FHIR does not say which.
    let rules: Vec<Rule> = dice[1..=usize::from(dice[0] % 3) + 1].iter().map(|n| rule(*n)).collect();
    Some(When { any: rules.len() > 1 && dice[0] % 4 == 1, rules })
}

fn weight(kind: &Kind, dice: u8) -> Option<Weight> {
    match kind {
        Kind::Choice { .. } if dice.is_multiple_of(2) => {
            Some(Weight::Options((0..3).map(|n| (format!("c{n}"), i64::from(n))).collect()))
        }
        _ => None,
    }
}

fn answers(form: &Form, dice: &[u8]) -> Answers {
    let mut dice = dice.iter().copied().cycle();
    let mut next = || dice.next().unwrap_or(0);
    let drawn = form.fields().map(|(_, field)| (field, next(), next())).collect::<Vec<_>>();
    drawn
        .into_iter()
        .filter(|(_, there, _)| !there.is_multiple_of(3))
        .map(|(field, _, n)| (field.key.clone(), field.answer(&value(&field.kind, n)).unwrap().unwrap()))
        .collect()
}

/// Is this field shown? Asked for one field alone, each time from the start.
fn naive_shown(form: &Form, answers: &Answers, key: &str) -> bool {
    let (section, field) = form.fields().find(|(_, field)| field.key == key).unwrap();
    [&section.when, &field.when].into_iter().all(|when| match when {
        None => true,
        Some(when) => {
            let held: Vec<bool> = when.rules.iter().map(|rule| naive_rule(form, answers, rule)).collect();
            if when.any { held.contains(&true) } else { !held.contains(&false) }
        }
    })
}

fn naive_rule(form: &Form, answers: &Answers, rule: &Rule) -> bool {
    let mut parts: Vec<Value> = Vec::new();
    if naive_shown(form, answers, &rule.field) {
        match answers.get(&rule.field) {
            Some(Value::Array(all)) => parts.extend(all.clone()),
            Some(one) => parts.push(one.clone()),
            None => {}
        }
    }
    let less = |a: &Value, b: &Value| match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a < b,
        _ => a.as_str() < b.as_str(),
    };
    let same = |a: &Value, b: &Value| !less(a, b) && !less(b, a) && a.as_bool() == b.as_bool();
    let found = |fits: &dyn Fn(&Value) -> bool| parts.iter().filter(|part| fits(part)).count() > 0;
    match rule.op {
        Op::Exists => parts.is_empty() != rule.value.as_bool().unwrap(),
        Op::Equal => found(&|part| same(part, &rule.value)),
        Op::Differs => !found(&|part| same(part, &rule.value)),
        Op::More => found(&|part| less(&rule.value, part)),
        Op::Less => found(&|part| less(part, &rule.value)),
        Op::AtLeast => found(&|part| !less(part, &rule.value)),
        Op::AtMost => found(&|part| !less(&rule.value, part)),
    }
}

proptest! {
    #[test]
    fn branching_agrees_with_an_evaluator_that_asks_backwards(form in form(), dice in prop::collection::vec(any::<u8>(), 1..40)) {
        let answers = answers(&form, &dice);
        let (shown, kept) = form.shown(&answers);
        let keys: Vec<&str> = shown.iter().map(|field| field.key.as_str()).collect();
        let expected: Vec<&str> = form.fields().map(|(_, field)| field.key.as_str())
            .filter(|key| naive_shown(&form, &answers, key)).collect();
        prop_assert_eq!(&keys, &expected);
        for (key, answer) in &answers {
            prop_assert_eq!(kept.get(key), expected.contains(&key.as_str()).then_some(answer));
        }
        let missing: Vec<&str> = form.fields()
            .filter(|(_, field)| field.required && expected.contains(&field.key.as_str()) && !answers.contains_key(&field.key))
            .map(|(_, field)| field.key.as_str()).collect();
        prop_assert_eq!(form.missing(&answers), missing);
        // What was kept is kept: dropping what is hidden hides nothing else.
        prop_assert_eq!(form.merge(&Answers::new(), &answers), Ok(kept.clone()));
        prop_assert_eq!(form.shown(&kept).1, kept);
    }

    #[test]
    fn scores_count_what_is_shown_once(form in form(), dice in prop::collection::vec(any::<u8>(), 1..40)) {
        let answers = answers(&form, &dice);
        for (score, scored) in form.scores.iter().zip(form.scores(&answers)) {
            let (mut sum, mut complete) = (0, true);
            for key in score.weights.keys().filter(|key| naive_shown(&form, &answers, key)) {
                complete &= answers.contains_key(key);
                let text = answers.get(key).map(Value::to_string).unwrap_or_default();
                sum += (0..3).filter(|n| text.contains(&format!("\"c{n}\""))).sum::<i64>();
            }
            prop_assert_eq!((scored.value, scored.complete), (sum, complete));
            prop_assert_eq!(scored.band.map(|band| band.from), complete.then_some(if sum <= 2 { 0 } else { 3 }));
        }
    }

    #[test]
    fn what_is_written_is_read_again(form in form()) {
        prop_assert_eq!(read(&form.schema(), &form.ui()), Ok(form.clone()));
        let steps = form.steps("id", 1);
        prop_assert_eq!(crate::account::steps(steps.clone()), Ok(steps), "the documented shape");
    }

    #[test]
    fn a_questionnaire_that_is_imported_is_exported_as_it_was(form in form()) {
        let sent = json!({ "resourceType": "Questionnaire", "status": "active", "title": "Q", "language": "en",
            "item": form.items() });
        let (title, read) = questionnaire::read(&sent).unwrap();
        prop_assert_eq!(title, "Q");
        prop_assert_eq!(Value::from(read.items()), sent["item"].clone());
    }
}

fn sample() -> (Value, Value) {
    let schema = json!({ "type": "object", "required": ["smoker"], "properties": {
        "smoker": { "type": "boolean" }, "packs": { "type": "integer", "minimum": 0, "maximum": "60" } } });
    let ui = json!({ "sections": [{ "code": "habits", "title": "Habits", "fields": [
        { "key": "smoker", "label": { "en": "Do you smoke?", "es": "¿Fuma?" } },
        { "key": "packs", "when": { "all": [{ "field": "smoker", "op": "=", "value": true }] } }] }] });
    (schema, ui)
}

#[test]
fn every_slip_is_named_with_its_path() {
    let (schema, ui) = sample();
    assert!(read(&schema, &ui).is_ok());
    let at = |base: &Value, pointer: &str, value: Value| {
        let mut changed = base.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        changed.pointer_mut(parent).unwrap()[key] = value;
        changed
    };
    for (pointer, value, path) in [
        ("/properties/smoker/format", json!("x"), "schema.properties.smoker.format"),
        ("/properties/packs/multipleOf", json!(2), "schema.properties.packs.multipleOf"),
        ("/properties/packs/minimum", json!(99), "schema.properties.packs"),
        ("/properties/more", json!({ "type": "string" }), "schema.properties.more"),
        ("/properties/packs/type", json!("null"), "schema.properties.packs.type"),
        ("/$defs", json!({}), "schema.$defs"),
        ("/required", json!(["other"]), "schema.required[0]"),
        ("/additionalProperties", json!(true), "schema.additionalProperties"),
    ] {
        assert_eq!(read(&at(&schema, pointer, value), &ui).unwrap_err().path, path);
    }
    let field = "/sections/0/fields/1";
    for (pointer, value, path) in [
        ("/theme", json!("dark"), "ui.theme"),
        ("/language", json!("english"), "ui.language"),
        ("/sections", json!([]), "schema.properties.packs"),
        (&format!("{field}/key"), json!("smoker"), "ui.sections[0].fields[1].key"),
        (&format!("{field}/colour"), json!(1), "ui.sections[0].fields[1].colour"),
        (&format!("{field}/widget"), json!("song"), "ui.sections[0].fields[1].widget"),
        (&format!("{field}/options"), json!([]), "ui.sections[0].fields[1].options"),
        (
            &format!("{field}/when"),
            json!({ "all": [{ "field": "packs", "op": "=", "value": 1 }] }),
            "ui.sections[0].fields[1].when.all[0].field",
        ),
        (
            &format!("{field}/when"),
            json!({ "all": [{ "field": "smoker", "op": ">", "value": true }] }),
            "ui.sections[0].fields[1].when.all[0].op",
        ),
        (
            &format!("{field}/when"),
            json!({ "any": [{ "field": "smoker", "op": "=", "value": "x" }] }),
            "ui.sections[0].fields[1].when.any[0].value",
        ),
        ("/scores", json!([{ "code": "s", "weights": { "other": 1 } }]), "ui.scores[0].weights.other"),
        (
            "/scores",
            json!([{ "code": "s", "weights": { "packs": 1 },
            "bands": [{ "code": "a", "from": 0, "to": 5 }, { "code": "b", "from": 5, "to": 9 }] }]),
            "ui.scores[0].bands[1]",
        ),
    ] {
        assert_eq!(read(&schema, &at(&ui, pointer, value)).unwrap_err().path, path, "{pointer}");
    }
    let pattern = at(&schema, "/properties/packs", json!({ "type": "string", "pattern": "(" }));
    assert_eq!(read(&pattern, &ui).unwrap_err().path, "schema.properties.packs.pattern");
}

#[test]
fn answers_are_taken_in_every_spelling_and_checked() {
    let (schema, ui) = sample();
    let form = read(&schema, &ui).unwrap();
    let take = |sent: Value| form.merge(&Answers::new(), sent.as_object().unwrap());
    assert_eq!(
        take(json!({ "smoker": "1", "packs": "20" })).map(Value::from),
        Ok(json!({ "smoker": true, "packs": 20 }))
    );
    assert_eq!(
        take(json!({ "smoker": false, "packs": 20 })).map(Value::from),
        Ok(json!({ "smoker": false }))
    );
    for (bad, key) in [
        (json!({ "smoker": "maybe" }), "smoker"),
        (json!({ "smoker": true, "packs": 61 }), "packs"),
        (json!({ "smoker": true, "packs": 1.5 }), "packs"),
        (json!({ "other": 1 }), "other"),
    ] {
        assert_eq!(take(bad).unwrap_err().0, key);
    }
    assert_eq!(form.missing(&Answers::new()), ["smoker"]);
    assert_eq!(form.say(&form.field("smoker").unwrap().label, &["es-MX"]), "¿Fuma?");
    assert_eq!(form.say(&form.field("smoker").unwrap().label, &["fr"]), "Do you smoke?");
    let date = Kind::Date;
    for (text, good) in
        [("2027-02-28", true), ("2027-02-30", false), ("2027-2-1", false), ("20270201", false)]
    {
        let field = Field { kind: date.clone(), ..form.field("packs").unwrap().clone() };
        assert_eq!(field.answer(&json!(text)).is_ok(), good, "{text}");
    }
}

#[test]
fn what_a_form_cannot_say_is_refused_with_its_link_id() {
    let import = |item: Value| {
        let sent = json!({ "resourceType": "Questionnaire", "status": "draft", "item": [
            { "linkId": "1", "type": "boolean", "text": "Well?" }, item] });
        questionnaire::read(&sent)
    };
    let base = json!({ "linkId": "/2 a", "type": "integer" });
    assert_eq!(import(base.clone()).unwrap().1.field("_2_a").unwrap().link_id.as_deref(), Some("/2 a"));
    for (member, value) in [
        ("type", json!("quantity")),
        ("type", json!("display")),
        ("type", json!("open-choice")),
        ("type", json!("choice")),
        ("initial", json!([{ "valueInteger": 1 }])),
        ("answerValueSet", json!("http://example.org/vs")),
        ("item", json!([{ "linkId": "3", "type": "string" }])),
        ("repeats", json!(true)),
        ("maxLength", json!(4)),
        ("enableWhen", json!([{ "question": "9", "operator": "=", "answerBoolean": true }])),
        ("enableWhen", json!([{ "question": "1", "operator": "=", "answerInteger": 1 }])),
        ("enableBehavior", json!("any")),
        ("extension", json!([{ "url": "http://example.org/x", "valueString": "y" }])),
        (
            "extension",
            json!([{ "url": "http://hl7.org/fhir/StructureDefinition/minValue", "valueDecimal": 0.5 }]),
        ),
    ] {
        let mut item = base.clone();
        item[member] = value;
        let refused = import(item.clone()).unwrap_err();
        assert!(refused.path.starts_with("item(/2 a)"), "{item}: {refused:?}");
    }
    let nested =
        json!({ "linkId": "g", "type": "group", "item": [{ "linkId": "h", "type": "group", "item": [] }] });
    assert_eq!(import(nested).unwrap_err().path, "item(h).item");
    let sent = json!({ "resourceType": "Questionnaire", "contained": [], "item": [] });
    assert_eq!(questionnaire::read(&sent).unwrap_err().path, "questionnaire.contained");
}
