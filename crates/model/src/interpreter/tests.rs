use proptest::prelude::*;

use super::*;

fn contact() -> Contact {
    Contact {
        name: " Ines  Prado ".to_owned(),
        email: " ines@example.org ".to_owned(),
        phone: "+49 (30) 1234567".to_owned(),
        languages: vec!["ES".to_owned(), "es".to_owned(), "pt_br".to_owned()],
        order: 1,
        active: true,
    }
}

#[test]
fn a_contact_is_kept_in_one_spelling() {
    let kept = contact().checked().unwrap();
    assert_eq!((&*kept.name, &*kept.email, &*kept.phone), ("Ines Prado", "ines@example.org", "+49301234567"));
    assert_eq!(kept.languages, ["es", "pt-BR"]);
    for (wrong, field) in [
        (Contact { name: " ".to_owned(), ..contact() }, "name"),
        (Contact { email: "ines".to_owned(), ..contact() }, "email"),
        (Contact { phone: "12".to_owned(), ..contact() }, "phone"),
        (Contact { languages: vec![], ..contact() }, "languages"),
        (Contact { languages: vec!["Spanish!".to_owned()], ..contact() }, "languages"),
        (Contact { order: -1, ..contact() }, "order"),
    ] {
        assert_eq!(wrong.checked().unwrap_err().0, field);
    }
}

#[test]
fn languages_fit_when_one_is_the_other_more_closely() {
    for (spoken, wanted, fit) in [
        ("es", "es-MX", true),
        ("es-MX", "es", true),
        ("ES", "es", true),
        ("zh-Hans", "zh-Hant", false),
        ("es", "est", false),
        ("ase", "as", false),
    ] {
        assert_eq!(fits(spoken, wanted), fit, "{spoken} {wanted}");
    }
    assert_eq!(language("ZH-hant-tw").as_deref(), Some("zh-Hant-TW"));
    assert_eq!(language("Spanish please"), None);
}

// The last one is on no list: they answer a letter of an earlier search.
const WHO: [&str; 5] = ["a", "b", "c", "d", "never listed"];

#[derive(Debug, Clone, Copy)]
enum Kind {
    Accept,
    Decline,
    TimeOut,
    Cancel,
}

impl Kind {
    fn of(self, who: &str) -> Step<'_> {
        match self {
            Self::Accept => Step::Accept(who),
            Self::Decline => Step::Decline(who),
            Self::TimeOut => Step::TimeOut(who),
            Self::Cancel => Step::Cancel,
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<(Kind, usize, Vec<usize>)>> {
    let kind = prop_oneof![
        1 => Just(Kind::Accept),
        4 => Just(Kind::Decline),
        6 => Just(Kind::TimeOut),
        1 => Just(Kind::Cancel),
    ];
    // Who may be asked changes while the search runs.
    prop::collection::vec((kind, 0..5usize, prop::collection::vec(0..4usize, 0..5)), 0..20)
}

proptest! {
    #[test]
    fn one_is_asked_at_a_time_nobody_twice_and_one_comes(first in prop::collection::vec(0..4usize, 1..5), steps in steps()) {
        let list = |numbers: &[usize]| numbers.iter().map(|at| WHO[*at]).collect::<Vec<_>>();
        let mut search = Search::begin(&list(&first), At(0)).unwrap();
        for (at, (kind, who, contacts)) in steps.into_iter().enumerate() {
            let before = search.clone();
            let now = At(i64::try_from(at).unwrap() + 1);
            let done = search.step(kind.of(WHO[who]), &list(&contacts), now);
            prop_assert_eq!(done == Done::Nothing, search == before);
            let asked = search.asks.iter().filter(|ask| ask.answer == Answer::Asked).count();
            prop_assert_eq!(asked, usize::from(search.status == Status::Asking));
            let mut names: Vec<_> = search.asks.iter().map(|ask| &ask.interpreter).collect();
            names.sort();
            names.dedup();
            prop_assert_eq!(names.len(), search.asks.len(), "nobody is asked twice");
            let accepted = search.asks.iter().filter(|ask| ask.answer == Answer::Accepted).count();
            prop_assert_eq!(accepted, usize::from(search.status == Status::Accepted));
            // Who was never listed has answered by themselves, or is not there.
            prop_assert!(!matches!(search.answer_of("never listed"), Some(Answer::Asked | Answer::NoAnswer)));
            // What is over stays over, but for the late yes.
            if matches!(before.status, Status::Accepted | Status::Cancelled) {
                prop_assert_eq!(&search, &before);
            }
            if before.status == Status::NotFound {
                prop_assert!(matches!(search.status, Status::NotFound | Status::Accepted));
            }
            // A "no" is final.
            for ask in &before.asks {
                if ask.answer == Answer::Declined {
                    prop_assert_eq!(search.answer_of(&ask.interpreter), Some(Answer::Declined));
                }
            }
        }
    }

    #[test]
    fn with_no_answer_from_anybody_each_is_asked_once_in_order(count in 1..5usize) {
        let contacts = &WHO[..count];
        let mut search = Search::begin(contacts, At(0)).unwrap();
        for who in contacts {
            prop_assert_eq!(search.asked().map(|ask| &*ask.interpreter), Some(*who));
            prop_assert_eq!(search.step(Step::TimeOut(who), contacts, At(1)), Done::Changed);
        }
        prop_assert_eq!(search.status, Status::NotFound);
        // Somebody looks at the letter late: they may still come.
        prop_assert_eq!(search.step(Step::Accept(contacts[0]), contacts, At(2)), Done::Changed);
        prop_assert_eq!(search.status, Status::Accepted);
    }
}

#[test]
fn without_contacts_nobody_is_asked() {
    assert_eq!(Search::begin(&[], At(0)), None);
}
