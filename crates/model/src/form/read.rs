//! From `schema` and `ui` to a [`Form`].

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::Value;

use super::{
    Band, Choice, Coding, Field, Form, Kind, MAX_FIELDS, MAX_FORM_BYTES, MAX_LABEL, MAX_LANGUAGES,
    MAX_OPTIONS, MAX_PATTERN, MAX_RULES, MAX_SCORES, MAX_SECTIONS, MAX_TEXT, MAX_WEIGHT, Op, Refusal, Rule,
    Score, Section, Weight, When, Words, node::Node,
};
use crate::consent::is_language;

/// How a page may show a field.
const WIDGETS: &[&str] =
    &["text", "textarea", "number", "slider", "date", "checkbox", "radio", "select", "checkboxes", "file"];

/// Reads a form's two parts.
///
/// # Errors
/// What is refused, with its path.
pub fn read(schema: &Value, ui: &Value) -> Result<Form, Refusal> {
    if schema.to_string().len() + ui.to_string().len() > MAX_FORM_BYTES {
        return Node::new("schema", schema).refuse("the whole form must have at most 256 KiB");
    }
    let (schema, ui) = (Node::new("schema", schema), Node::new("ui", ui));
    let kinds = kinds(&schema)?;
    ui.object(&["language", "url", "sections", "scores"])?;
    let language = match ui.get("language") {
        Some(node) => language(&node)?,
        None => "en".to_owned(),
    };
    let mut reader = Reader { kinds, language, earlier: Vec::new() };
    let mut sections = Vec::new();
    for node in ui.must("sections")?.list(MAX_SECTIONS)? {
        let section = reader.section(&node)?;
        if sections.iter().any(|one: &Section| one.code == section.code) {
            return node.refuse(format!("the code {} is there twice", section.code));
        }
        sections.push(section);
    }
    if let Some(key) = reader.kinds.keys().next() {
        let node = Node { path: format!("schema.properties.{key}"), value: schema.value };
        return node.refuse("is asked for in no section");
    }
    if sections.is_empty() {
        return ui.refuse("needs at least one section");
    }
    let mut form = Form {
        url: ui.get("url").map(|node| node.text(500)).transpose()?,
        language: reader.language.clone(),
        sections,
        scores: Vec::new(),
    };
    for node in ui.get("scores").map_or(Ok(Vec::new()), |node| node.list(MAX_SCORES))? {
        let score = reader.score(&node, &form)?;
        if form.scores.iter().any(|one| one.code == score.code) {
            return node.refuse(format!("the code {} is there twice", score.code));
        }
        form.scores.push(score);
    }
    Ok(form)
}

struct Reader {
    /// What is not asked for yet: what it is, and whether it is required.
    kinds: BTreeMap<String, (Kind, bool)>,
    language: String,
    /// What conditions may refer to.
    earlier: Vec<(String, Kind)>,
}

/// The fields of the schema.
fn kinds(schema: &Node) -> Result<BTreeMap<String, (Kind, bool)>, Refusal> {
    schema.object(&["$schema", "type", "properties", "required", "additionalProperties"])?;
    if let Some(node) = schema.get("$schema")
        && node.value != super::write::DIALECT
    {
        return node.refuse(format!("must be {}", super::write::DIALECT));
    }
    let kind = schema.must("type")?;
    if kind.value != "object" {
        return kind.refuse("must be object");
    }
    if let Some(node) = schema.get("additionalProperties")
        && node.flag()?
    {
        return node.refuse("must be false");
    }
    let properties = schema.must("properties")?;
    let mut required = BTreeSet::new();
    for node in schema.get("required").map_or(Ok(Vec::new()), |node| node.list(MAX_FIELDS * MAX_SECTIONS))? {
        let key = node.text(64)?;
        if properties.value.get(&key).is_none() {
            return node.refuse("names no property");
        }
        required.insert(key);
    }
    let mut all = BTreeMap::new();
    for (key, value) in properties.map()? {
        let node = Node { path: format!("schema.properties.{key}"), value };
        if !super::is_name(key) {
            return node.refuse("its name must be 1 to 64 letters, digits, dots, hyphens or underscores");
        }
        all.insert(key.clone(), (property(&node)?, required.contains(key)));
    }
    Ok(all)
}

fn property(node: &Node) -> Result<Kind, Refusal> {
    let of = node.must("type")?;
    let (has_enum, format) = (node.get("enum").is_some(), node.get("format"));
    match of.value.as_str() {
        Some("string") if has_enum => {
            node.object(&["type", "enum"])?;
            Ok(Kind::Choice { options: choices(&node.must("enum")?)?, many: false, min: None, max: None })
        }
        Some("string") if format.is_some() => {
            node.object(&["type", "format"])?;
            let format = node.must("format")?;
            match format.value.as_str() {
                Some("date") => Ok(Kind::Date),
                Some("file") => Ok(Kind::File),
                _ => format.refuse("must be date or file"),
            }
        }
        Some("string") => {
            node.object(&["type", "minLength", "maxLength", "pattern"])?;
            let (min, max) = lengths(node, "minLength", "maxLength", MAX_TEXT)?;
            Ok(Kind::Text { min, max, pattern: node.get("pattern").map(|node| pattern(&node)).transpose()? })
        }
        Some("number") => {
            node.object(&["type", "minimum", "maximum"])?;
            let bound = |key| node.get(key).map(|node| node.number()).transpose();
            let (min, max) = (bound("minimum")?, bound("maximum")?);
            if min.zip(max).is_some_and(|(min, max)| min > max) {
                return node.refuse("minimum must not be above maximum");
            }
            Ok(Kind::Number { min, max })
        }
        Some("integer") => {
            node.object(&["type", "minimum", "maximum"])?;
            let bound = |key| node.get(key).map(|node| node.whole()).transpose();
            let (min, max) = (bound("minimum")?, bound("maximum")?);
            if min.zip(max).is_some_and(|(min, max)| min > max) {
                return node.refuse("minimum must not be above maximum");
            }
            Ok(Kind::Integer { min, max })
        }
        Some("boolean") => node.object(&["type"]).map(|_| Kind::Boolean),
        Some("array") => {
            node.object(&["type", "items", "uniqueItems", "minItems", "maxItems"])?;
            let items = node.must("items")?;
            items.object(&["type", "enum"])?;
            let kind = items.must("type")?;
            if kind.value != "string" {
                return kind.refuse("must be string");
            }
            if let Some(unique) = node.get("uniqueItems")
                && !unique.flag()?
            {
                return unique.refuse("must be true");
            }
            let options = choices(&items.must("enum")?)?;
            let (min, max) = lengths(node, "minItems", "maxItems", options.len() as u64)?;
            Ok(Kind::Choice { options, many: true, min, max })
        }
        _ => of.refuse("must be string, number, integer, boolean or array"),
    }
}

fn lengths(
    node: &Node,
    least: &str,
    most: &str,
    longest: u64,
) -> Result<(Option<u64>, Option<u64>), Refusal> {
    let bound = |key| node.get(key).map(|node| node.length(longest)).transpose();
    let (min, max) = (bound(least)?, bound(most)?);
    if min.zip(max).is_some_and(|(min, max)| min > max) {
        return node.refuse(format!("{least} must not be above {most}"));
    }
    Ok((min, max))
}

fn pattern(node: &Node) -> Result<String, Refusal> {
    let text = node.text(MAX_PATTERN)?;
    match super::answer::compile(&text) {
        Some(Regex { .. }) => Ok(text),
        None => node.refuse("is no regular expression that this server understands"),
    }
}

fn choices(node: &Node) -> Result<Vec<Choice>, Refusal> {
    let mut all: Vec<Choice> = Vec::new();
    for node in node.list(MAX_OPTIONS)? {
        let value = node.text(200)?;
        if value.trim().is_empty() || all.iter().any(|one| one.value == value) {
            return node.refuse("must be a text that is there once");
        }
        all.push(Choice { value, label: Words::new(), system: None });
    }
    if all.is_empty() {
        return node.refuse("needs at least one choice");
    }
    Ok(all)
}

fn language(node: &Node) -> Result<String, Refusal> {
    let text = node.text(35)?;
    if is_language(&text) { Ok(text) } else { node.refuse("must be a language such as en or pt-BR") }
}

impl Reader {
    fn words(&self, node: Option<Node>) -> Result<Words, Refusal> {
        let Some(node) = node else { return Ok(Words::new()) };
        if node.value.is_string() {
            let text = node.text(MAX_LABEL)?;
            return Ok(if text.is_empty() {
                Words::new()
            } else {
                Words::from([(self.language.clone(), text)])
            });
        }
        let map = node.map()?;
        if map.len() > MAX_LANGUAGES {
            return node.refuse(format!("must have at most {MAX_LANGUAGES} languages"));
        }
        let one = |(tag, value): (&String, _)| {
            let node = Node { path: format!("{}.{tag}", node.path), value };
            if !is_language(tag) {
                return node.refuse("is no language such as en or pt-BR");
            }
            Ok((tag.clone(), node.text(MAX_LABEL)?))
        };
        map.iter()
            .map(one)
            .filter(|one| one.as_ref().is_ok_and(|(_, text)| !text.is_empty()) || one.is_err())
            .collect()
    }

    fn section(&mut self, node: &Node) -> Result<Section, Refusal> {
        node.object(&["code", "title", "when", "fields", "link_id", "flat"])?;
        let mut section = Section {
            code: node.must("code")?.name()?,
            title: self.words(node.get("title"))?,
            when: node.get("when").map(|node| self.when(&node)).transpose()?,
            fields: Vec::new(),
            link_id: node.get("link_id").map(|node| node.text(255)).transpose()?,
            flat: node.get("flat").map_or(Ok(false), |node| node.flag())?,
        };
        for node in node.must("fields")?.list(MAX_FIELDS)? {
            let field = self.field(&node)?;
            self.earlier.push((field.key.clone(), field.kind.clone()));
            section.fields.push(field);
        }
        if section.fields.is_empty() {
            return node.refuse("needs at least one field");
        }
        Ok(section)
    }

    fn field(&mut self, node: &Node) -> Result<Field, Refusal> {
        node.object(&["key", "label", "help", "widget", "when", "options", "link_id", "codes"])?;
        let key = node.must("key")?;
        let name = key.name()?;
        let Some((mut kind, required)) = self.kinds.remove(&name) else {
            return key.refuse("names no property of the schema, or one that is asked for already");
        };
        if let Some(options) = node.get("options") {
            self.options(&options, &mut kind)?;
        }
        let widget = node.get("widget").map(|node| match node.value.as_str() {
            Some(word) if WIDGETS.contains(&word) => Ok(word.to_owned()),
            _ => node.refuse(format!("must be one of {}", WIDGETS.join(", "))),
        });
        let mut codes = Vec::new();
        for node in node.get("codes").map_or(Ok(Vec::new()), |node| node.list(MAX_SCORES))? {
            node.object(&["system", "code", "display"])?;
            let text = |key: &str| node.get(key).map_or(Ok(String::new()), |node| node.text(500));
            codes.push(Coding { system: text("system")?, code: text("code")?, display: text("display")? });
        }
        Ok(Field {
            key: name,
            kind,
            required,
            label: self.words(node.get("label"))?,
            help: self.words(node.get("help"))?,
            widget: widget.transpose()?,
            when: node.get("when").map(|node| self.when(&node)).transpose()?,
            link_id: node.get("link_id").map(|node| node.text(255)).transpose()?,
            codes,
        })
    }

    /// What people read of choices.
    fn options(&self, node: &Node, kind: &mut Kind) -> Result<(), Refusal> {
        let Kind::Choice { options, .. } = kind else {
            return node.refuse("only what is an enum has options");
        };
        let mut seen = BTreeSet::new();
        for node in node.list(MAX_OPTIONS)? {
            node.object(&["value", "label", "system"])?;
            let value = node.must("value")?.text(200)?;
            let Some(option) = options.iter_mut().find(|one| one.value == value) else {
                return node.refuse("its value is not in the schema's enum");
            };
            if !seen.insert(value) {
                return node.refuse("its value is there twice");
            }
            option.label = self.words(node.get("label"))?;
            option.system = node.get("system").map(|node| node.text(500)).transpose()?;
        }
        Ok(())
    }

    fn when(&self, node: &Node) -> Result<When, Refusal> {
        node.object(&["all", "any"])?;
        let (any, rules) = match (node.get("all"), node.get("any")) {
            (Some(rules), None) => (false, rules),
            (None, Some(rules)) => (true, rules),
            _ => return node.refuse("needs either all or any"),
        };
        let rules: Vec<Rule> =
            rules.list(MAX_RULES)?.iter().map(|node| self.rule(node)).collect::<Result<_, _>>()?;
        if rules.is_empty() {
            return node.refuse("needs at least one rule");
        }
        Ok(When { any, rules })
    }

    fn rule(&self, node: &Node) -> Result<Rule, Refusal> {
        node.object(&["field", "op", "value"])?;
        let field = node.must("field")?;
        let key = field.name()?;
        let Some((_, kind)) = self.earlier.iter().find(|(known, _)| *known == key) else {
            return field.refuse("names no field that is asked for earlier");
        };
        let word = node.must("op")?;
        let op = word.value.as_str().and_then(Op::parse);
        let op = op.ok_or_else(|| word.refusal("must be exists, =, !=, >, <, >= or <="))?;
        let value = node.must("value")?;
        let value = match (op, kind) {
            (Op::Exists, _) => value.flag()?.into(),
            (_, Kind::File) => return word.refuse("a file can only exist"),
            (Op::Equal | Op::Differs, _) | (_, Kind::Number { .. } | Kind::Integer { .. } | Kind::Date) => {
                super::answer::comparable(kind, value.value).map_err(|why| value.refusal(why))?
            }
            _ => return word.refuse("only numbers and dates are more or less"),
        };
        Ok(Rule { field: key, op, value })
    }

    fn score(&self, node: &Node, form: &Form) -> Result<Score, Refusal> {
        node.object(&["code", "name", "weights", "bands"])?;
        let mut weights = BTreeMap::new();
        let all = node.must("weights")?;
        for (key, value) in all.map()? {
            let node = Node { path: format!("{}.{key}", all.path), value };
            let Some(field) = form.field(key) else { return node.refuse("names no field") };
            weights.insert(key.clone(), weight(&node, &field.kind)?);
        }
        if weights.is_empty() {
            return all.refuse("needs at least one field");
        }
        let mut bands: Vec<Band> = Vec::new();
        for node in node.get("bands").map_or(Ok(Vec::new()), |node| node.list(MAX_SCORES))? {
            node.object(&["code", "name", "from", "to"])?;
            let (from, to) = (node.must("from")?.whole()?, node.must("to")?.whole()?);
            if from > to || bands.iter().any(|one| from <= one.to && one.from <= to) {
                return node.refuse("must go up, and must not overlap with another one");
            }
            let name = self.words(node.get("name"))?;
            bands.push(Band { code: node.must("code")?.name()?, name, from, to });
        }
        Ok(Score { code: node.must("code")?.name()?, name: self.words(node.get("name"))?, weights, bands })
    }
}

fn weight(node: &Node, kind: &Kind) -> Result<Weight, Refusal> {
    let small = |node: &Node| match node.whole()? {
        number if number.abs() <= MAX_WEIGHT => Ok(number),
        _ => node.refuse("must be from -1000000 to 1000000"),
    };
    match kind {
        Kind::Integer { .. } => small(node).map(Weight::Factor),
        Kind::Boolean | Kind::Choice { .. } => {
            let one = |(key, value): (&String, _)| {
                let node = Node { path: format!("{}.{key}", node.path), value };
                let known = match kind {
                    Kind::Choice { options, .. } => options.iter().any(|one| one.value == *key),
                    _ => key == "true" || key == "false",
                };
                if known {
                    Ok((key.clone(), small(&node)?))
                } else {
                    node.refuse("is no choice of this field")
                }
            };
            node.map()?.iter().map(one).collect::<Result<_, _>>().map(Weight::Options)
        }
        _ => node.refuse("only choices, yes or no, and whole numbers count"),
    }
}
