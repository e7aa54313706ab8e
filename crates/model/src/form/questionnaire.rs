//! Forms as FHIR R4 questionnaires (hl7.org/fhir/R4/questionnaire.html): read
//! from one, written as one, and answers as the items of a response. What a form
//! cannot say is refused with the `linkId` of its item; what FHIR cannot say
//! (help, bands, all scores but the first) is left out.

mod write;

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Choice, Coding, Field, Form, Kind, MAX_FIELDS, MAX_OPTIONS, MAX_RULES, MAX_SECTIONS, Op, Refusal, Rule,
    Score, Section, Weight, When, Words, node::Node,
};
use write::is_coded;

const EXTENSIONS: &str = "http://hl7.org/fhir/StructureDefinition/";
/// What the weights of an imported questionnaire add up to.
const SCORE: &str = "score";

/// What a questionnaire is about as a whole; it says nothing of its questions.
const ABOUT: &[&str] = &[
    "resourceType",
    "id",
    "meta",
    "text",
    "url",
    "identifier",
    "version",
    "name",
    "title",
    "status",
    "experimental",
    "subjectType",
    "date",
    "publisher",
    "contact",
    "description",
    "useContext",
    "jurisdiction",
    "purpose",
    "copyright",
    "approvalDate",
    "lastReviewDate",
    "effectivePeriod",
    "code",
    "language",
    "item",
];

/// Reads a questionnaire: its title, and the form.
///
/// # Errors
/// What is refused; of an item, `item(<linkId>)`.
pub fn read(resource: &Value) -> Result<(String, Form), Refusal> {
    let node = Node::new("questionnaire", resource);
    node.object(ABOUT)?;
    let kind = node.must("resourceType")?;
    if kind.value != "Questionnaire" {
        return kind.refuse("must be Questionnaire");
    }
    let text = |key: &str, longest| node.get(key).map(|node| node.text(longest)).transpose();
    let title = text("title", 200)?.or(text("name", 200)?).unwrap_or_default();
    let language = text("language", 35)?.unwrap_or_else(|| "en".to_owned());
    let mut reader = Reader { language: language.clone(), ..Reader::default() };
    let mut sections: Vec<Section> = Vec::new();
    for (at, item) in node.must("item")?.list(MAX_SECTIONS * MAX_FIELDS)?.iter().enumerate() {
        let item = named(item)?;
        if item.must("type")?.value == "group" {
            sections.push(reader.group(&item)?);
            continue;
        }
        let field = reader.field(&item)?;
        match sections.last_mut() {
            Some(last) if last.flat => last.fields.push(field),
            _ => sections.push(Section {
                code: reader.name(&format!("questions-{}", at + 1), "s"),
                title: Words::new(),
                when: None,
                fields: vec![field],
                link_id: None,
                flat: true,
            }),
        }
    }
    let score =
        Score { code: SCORE.to_owned(), name: Words::new(), weights: reader.weights, bands: Vec::new() };
    let scores = if score.weights.is_empty() { Vec::new() } else { vec![score] };
    let form = Form { language, url: text("url", 500)?, sections, scores };
    // The same rules as for every other form.
    let checked = super::read(&form.schema(), &form.ui())?;
    Ok((title, checked))
}

/// An item, with its `linkId` as its path.
fn named<'v>(item: &Node<'v>) -> Result<Node<'v>, Refusal> {
    let link_id = item.must("linkId")?.text(255)?;
    Ok(Node { path: format!("item({link_id})"), value: item.value })
}

#[derive(Default)]
struct Reader {
    language: String,
    /// What `linkId`s are called here, and what they ask for.
    known: BTreeMap<String, (String, Kind)>,
    names: Vec<String>,
    weights: BTreeMap<String, Weight>,
}

impl Reader {
    fn words(&self, item: &Node) -> Result<Words, Refusal> {
        let text = item.get("text").map_or(Ok(String::new()), |node| node.text(super::MAX_LABEL))?;
        Ok(if text.is_empty() { Words::new() } else { Words::from([(self.language.clone(), text)]) })
    }

    /// A name that is free, as close to the `linkId` as names go.
    fn name(&mut self, link_id: &str, prefix: &str) -> String {
        let fits = |c: char| if c.is_ascii_alphanumeric() || "_-.".contains(c) { c } else { '_' };
        let plain: String = link_id.chars().map(fits).take(50).collect();
        let plain = if plain.is_empty() { prefix.to_owned() } else { plain };
        let mut name = plain.clone();
        let mut n = 1;
        while self.names.contains(&name) {
            n += 1;
            name = format!("{plain}_{n}");
        }
        self.names.push(name.clone());
        name
    }

    fn group(&mut self, item: &Node) -> Result<Section, Refusal> {
        item.object(&[
            "linkId",
            "text",
            "type",
            "enableWhen",
            "enableBehavior",
            "item",
            "required",
            "repeats",
        ])?;
        for word in ["required", "repeats"] {
            if item.get(word).is_some_and(|node| node.value != false) {
                return item.refuse(format!("a group is never {word} here"));
            }
        }
        let link_id = item.must("linkId")?.text(255)?;
        let code = self.name(&link_id, "group");
        let (title, when) = (self.words(item)?, self.when(item)?);
        let mut fields = Vec::new();
        for item in item.get("item").map_or(Ok(Vec::new()), |node| node.list(MAX_FIELDS))? {
            fields.push(self.field(&named(&item)?)?);
        }
        if fields.is_empty() {
            return item.refuse("a group needs questions");
        }
        let link_id = (link_id != code).then_some(link_id);
        Ok(Section { code, title, when, fields, link_id, flat: false })
    }

    fn field(&mut self, item: &Node) -> Result<Field, Refusal> {
        item.object(&[
            "linkId",
            "text",
            "type",
            "code",
            "required",
            "repeats",
            "enableWhen",
            "enableBehavior",
            "maxLength",
            "answerOption",
            "extension",
        ])?;
        let link_id = item.must("linkId")?.text(255)?;
        if self.known.contains_key(&link_id) {
            return item.refuse("its linkId is there twice");
        }
        let key = self.name(&link_id, "field");
        let when = self.when(item)?;
        let mut weights = BTreeMap::new();
        let kind = self.kind(item, &mut weights)?;
        if !weights.is_empty() {
            self.weights.insert(key.clone(), Weight::Options(weights));
        }
        let mut codes = Vec::new();
        for node in item.get("code").map_or(Ok(Vec::new()), |node| node.list(super::MAX_SCORES))? {
            node.object(&["system", "code", "display"]).map_err(|refusal| item.refusal(refusal.why))?;
            let text = |key: &str| node.get(key).map_or(Ok(String::new()), |node| node.text(500));
            codes.push(Coding { system: text("system")?, code: text("code")?, display: text("display")? });
        }
        self.known.insert(link_id.clone(), (key.clone(), kind.clone()));
        let widget = (item.must("type")?.value == "text").then(|| "textarea".to_owned());
        let required = item.get("required").map_or(Ok(false), |node| node.flag())?;
        let link_id = (link_id != key).then_some(link_id);
        Ok(Field {
            key,
            kind,
            required,
            label: self.words(item)?,
            help: Words::new(),
            widget,
            when,
            link_id,
            codes,
        })
    }

    fn kind(&self, item: &Node, weights: &mut BTreeMap<String, i64>) -> Result<Kind, Refusal> {
        let word = item.must("type")?.text(30)?;
        let many = item.get("repeats").map_or(Ok(false), |node| node.flag())?;
        if many && word != "choice" {
            return item.refuse("only a choice can repeat here");
        }
        let bounds = Bounds::of(item)?;
        let (text, choice) = (matches!(word.as_str(), "string" | "text"), word == "choice");
        let number = matches!(word.as_str(), "integer" | "decimal");
        let misplaced = (!text
            && (bounds.max_length.is_some() || bounds.min_length.is_some() || bounds.regex.is_some()))
            || (!number && (bounds.least.is_some() || bounds.most.is_some()))
            || (!(choice && many) && (bounds.min_occurs.is_some() || bounds.max_occurs.is_some()))
            || (!choice && item.get("answerOption").is_some());
        if misplaced {
            return item.refuse(format!("has a bound or choices that a {word} cannot have here"));
        }
        let whole = |number: Option<f64>| match number {
            Some(number) if number.fract() != 0.0 || number.abs() > super::MAX_WHOLE as f64 => {
                item.refuse("its bounds must be whole numbers")
            }
            number => Ok(number.map(|number| number as i64)),
        };
        match word.as_str() {
            "string" | "text" => {
                Ok(Kind::Text { min: bounds.min_length, max: bounds.max_length, pattern: bounds.regex })
            }
            "boolean" => Ok(Kind::Boolean),
            "date" => Ok(Kind::Date),
            "decimal" => Ok(Kind::Number { min: bounds.least, max: bounds.most }),
            "integer" => Ok(Kind::Integer { min: whole(bounds.least)?, max: whole(bounds.most)? }),
            "attachment" => Ok(Kind::File),
            "choice" => {
                let (min, max) = (bounds.min_occurs, bounds.max_occurs);
                Ok(Kind::Choice { options: self.options(item, weights)?, many, min, max })
            }
            other => item.refuse(format!("is of the type {other}, which forms do not have")),
        }
    }

    fn options(&self, item: &Node, weights: &mut BTreeMap<String, i64>) -> Result<Vec<Choice>, Refusal> {
        let because = |refusal: Refusal| item.refusal(format!("answerOption: {}", refusal.why));
        let mut all: Vec<Choice> = Vec::new();
        let list = item.get("answerOption").map_or(Ok(Vec::new()), |node| node.list(MAX_OPTIONS));
        for node in list.map_err(because)? {
            node.object(&["valueCoding", "valueString", "extension"]).map_err(because)?;
            let mut weight = ordinal(item, &node)?;
            let choice = match (node.get("valueCoding"), node.get("valueString")) {
                (Some(coding), None) => {
                    coding.object(&["system", "code", "display", "extension"]).map_err(because)?;
                    weight = weight.or(ordinal(item, &coding)?);
                    let text =
                        |key: &str| coding.get(key).map(|node| node.text(500)).transpose().map_err(because);
                    let Some(value) = text("code")? else { return item.refuse("a choice needs a code") };
                    let label = text("display")?.unwrap_or_else(|| value.clone());
                    let label = Words::from([(self.language.clone(), label)]);
                    Choice { value, label, system: text("system")? }
                }
                (None, Some(text)) => {
                    Choice { value: text.text(200).map_err(because)?, label: Words::new(), system: None }
                }
                _ => return item.refuse("a choice is a valueCoding or a valueString here"),
            };
            if choice.value.chars().count() > 200 || all.iter().any(|one| one.value == choice.value) {
                return item.refuse(format!("the choice {} is there twice, or too long", choice.value));
            }
            if let Some(weight) = weight {
                weights.insert(choice.value.clone(), weight);
            }
            all.push(choice);
        }
        if all.is_empty() { item.refuse("needs its choices as answerOption") } else { Ok(all) }
    }

    fn when(&self, item: &Node) -> Result<Option<When>, Refusal> {
        let Some(list) = item.get("enableWhen") else {
            return match item.get("enableBehavior") {
                Some(_) => item.refuse("enableBehavior without enableWhen"),
                None => Ok(None),
            };
        };
        let because = |refusal: Refusal| item.refusal(format!("enableWhen: {}", refusal.why));
        let rules = list.list(MAX_RULES).map_err(because)?;
        let rules =
            rules.iter().map(|node| self.rule(node).map_err(because)).collect::<Result<Vec<_>, _>>()?;
        let any = match item.get("enableBehavior").map(|node| node.value.as_str().unwrap_or_default()) {
            Some("any") => true,
            Some("all") => false,
            None if rules.len() < 2 => false,
            _ => return item.refuse("enableBehavior must be all or any"),
        };
        if rules.is_empty() {
            item.refuse("enableWhen must say something")
        } else {
            Ok(Some(When { any, rules }))
        }
    }

    fn rule(&self, node: &Node) -> Result<Rule, Refusal> {
        const ANSWERS: &[&str] = &[
            "answerBoolean",
            "answerDecimal",
            "answerInteger",
            "answerDate",
            "answerString",
            "answerCoding",
        ];
        let mut known = vec!["question", "operator"];
        known.extend(ANSWERS);
        node.object(&known)?;
        let question = node.must("question")?.text(255)?;
        let Some((key, kind)) = self.known.get(&question) else {
            return node.refuse(format!("{question} is no question that comes earlier"));
        };
        let word = node.must("operator")?;
        let op = word.value.as_str().and_then(Op::parse);
        let op = op.ok_or_else(|| word.refusal("is an operator that R4 does not have"))?;
        let mut sent = ANSWERS.iter().filter_map(|name| Some((*name, node.get(name)?)));
        let (Some((name, answer)), None) = (sent.next(), sent.next()) else {
            return node.refuse("needs one answer to compare with");
        };
        let fits = match (op, kind) {
            (Op::Exists, _) | (_, Kind::Boolean) => name == "answerBoolean",
            (_, Kind::Number { .. } | Kind::Integer { .. }) => {
                matches!(name, "answerDecimal" | "answerInteger")
            }
            (_, Kind::Date) => name == "answerDate",
            (_, Kind::Choice { options, .. }) => (name == "answerCoding") == options.iter().any(is_coded),
            (_, Kind::Text { .. }) => name == "answerString",
            (_, Kind::File) => false,
        };
        if !fits {
            return node.refuse(format!("{name} is no answer to {question}"));
        }
        let value = if name == "answerCoding" { answer.must("code")? } else { answer };
        Ok(Rule { field: key.clone(), op, value: value.value.clone() })
    }
}

/// What extensions and `maxLength` bound.
#[derive(Default)]
struct Bounds {
    least: Option<f64>,
    most: Option<f64>,
    min_length: Option<u64>,
    max_length: Option<u64>,
    regex: Option<String>,
    min_occurs: Option<u64>,
    max_occurs: Option<u64>,
}

impl Bounds {
    fn of(item: &Node) -> Result<Self, Refusal> {
        let because = |refusal: Refusal| item.refusal(refusal.why);
        let mut bounds = Self::default();
        if let Some(node) = item.get("maxLength") {
            bounds.max_length = Some(node.length(super::MAX_TEXT).map_err(because)?);
        }
        for node in item.get("extension").map_or(Ok(Vec::new()), |node| node.list(20)).map_err(because)? {
            let url = node.must("url").and_then(|node| node.text(500)).map_err(because)?;
            let number = || {
                let value = node.get("valueInteger").or_else(|| node.get("valueDecimal"));
                value
                    .ok_or_else(|| item.refusal(format!("{url} needs a number")))
                    .and_then(|node| node.number().map_err(because))
            };
            let length = || {
                let value = node.must("valueInteger").map_err(because)?;
                value.length(super::MAX_TEXT).map_err(because)
            };
            match url.strip_prefix(EXTENSIONS) {
                Some("minValue") => bounds.least = Some(number()?),
                Some("maxValue") => bounds.most = Some(number()?),
                Some("minLength") => bounds.min_length = Some(length()?),
                Some("questionnaire-minOccurs") => bounds.min_occurs = Some(length()?),
                Some("questionnaire-maxOccurs") => bounds.max_occurs = Some(length()?),
                Some("regex") => {
                    let text = node.must("valueString").and_then(|node| node.text(super::MAX_PATTERN));
                    bounds.regex = Some(text.map_err(because)?);
                }
                _ => return item.refuse(format!("has the extension {url}, which forms do not know")),
            }
        }
        Ok(bounds)
    }
}

/// The weight of a choice.
fn ordinal(item: &Node, option: &Node) -> Result<Option<i64>, Refusal> {
    let because = |refusal: Refusal| item.refusal(refusal.why);
    let mut found = None;
    for node in option.get("extension").map_or(Ok(Vec::new()), |node| node.list(5)).map_err(because)? {
        if node.value["url"] != format!("{EXTENSIONS}ordinalValue") {
            return item.refuse("a choice has an extension that forms do not know");
        }
        let number = node.must("valueDecimal").and_then(|node| node.number()).map_err(because)?;
        if number.fract() != 0.0 || number.abs() > super::MAX_WEIGHT as f64 {
            return item.refuse("an ordinalValue must be a whole number up to 1000000");
        }
        found = Some(number as i64);
    }
    Ok(found)
}
