//! Scopes: what an API app's key and admin tokens are limited to. An app with
//! every scope is the default; a portal that only signs people in needs one.

use serde::{Deserialize, Serialize};

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)+) => {
        /// One thing an app may be limited to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Scope { $($(#[$doc])* $name,)+ }

        impl Scope {
            /// Every scope.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The wire word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }
        }
    };
}

scopes! {
    /// Sign users in with the key.
    Sso = "sso";
    /// Read people.
    UsersRead = "users:read";
    /// Add and change people.
    UsersWrite = "users:write";
    /// Read intakes, visits and queues.
    VisitsRead = "visits:read";
    /// Make and change intakes and visits.
    VisitsWrite = "visits:write";
    /// Make and change rooms, and who works there.
    RoomsWrite = "rooms:write";
    /// Read files.
    FilesRead = "files:read";
    /// Add, rename and delete files.
    FilesWrite = "files:write";
    /// Read the event feed.
    EventsRead = "events:read";
    /// Change the clinic itself: settings, apps, keys, tokens.
    AccountWrite = "account:write";
    /// Read the audit trail.
    AuditRead = "audit:read";
    /// Read patients, appointments and the rest as FHIR resources.
    FhirRead = "fhir:read";
}

impl Scope {
    /// The scope of a wire word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scope| scope.as_str() == word)
    }
}

/// A set of scopes. Kept as a JSON list of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scopes(u32);

impl Scopes {
    /// Every scope there is.
    pub const ALL: Self = Self(u32::MAX);
    /// None.
    pub const NONE: Self = Self(0);

    /// Is it in the set?
    #[must_use]
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u32) != 0
    }

    /// The set with one more.
    #[must_use]
    pub const fn with(self, scope: Scope) -> Self {
        Self(self.0 | (1 << scope as u32))
    }

    /// What is in both sets: an app's limit and that of its token together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in this set but not in the other. "Every scope" also holds the
    /// scopes that come later, so no list of single ones covers it.
    #[must_use]
    pub const fn beyond(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Nothing in it?
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The wire words, in a fixed order.
    #[must_use]
    pub fn words(self) -> Vec<&'static str> {
        Scope::ALL.iter().filter(|scope| self.has(**scope)).map(|scope| scope.as_str()).collect()
    }

    /// The set of a list of wire words; `*` is every scope.
    ///
    /// # Errors
    /// The first word that is no scope.
    pub fn parse<'w>(words: impl IntoIterator<Item = &'w str>) -> Result<Self, String> {
        words.into_iter().try_fold(Self::NONE, |set, word| match word {
            "*" => Ok(Self::ALL),
            word => Scope::parse(word).map(|scope| set.with(scope)).ok_or_else(|| word.to_owned()),
        })
    }
}

impl Serialize for Scopes {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if *self == Self::ALL { ["*"].as_slice().serialize(to) } else { self.words().serialize(to) }
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(from)?;
        Self::parse(words.iter().map(String::as_str)).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scopes() -> impl Strategy<Value = Scopes> {
        let some = prop::collection::vec(0..Scope::ALL.len(), 0..12)
            .prop_map(|all| all.into_iter().fold(Scopes::NONE, |set, n| set.with(Scope::ALL[n])));
        prop_oneof![4 => some, 1 => Just(Scopes::ALL)]
    }

    proptest! {
        #[test]
        fn both_limits_hold(a in scopes(), b in scopes()) {
            let both = a.and(b);
            for scope in Scope::ALL {
                prop_assert_eq!(both.has(*scope), a.has(*scope) && b.has(*scope));
            }
            prop_assert!(both.beyond(a).is_empty() && both.beyond(b).is_empty());
            prop_assert_eq!(a.beyond(b).is_empty(), a.and(b) == a);
        }

        #[test]
        fn what_is_kept_is_what_was_given(set in scopes()) {
            let kept = serde_json::to_string(&set).unwrap();
            prop_assert_eq!(serde_json::from_str::<Scopes>(&kept).unwrap(), set);
        }

        #[test]
        fn no_list_of_single_scopes_is_every_scope(set in scopes()) {
            prop_assert_eq!(Scopes::ALL.beyond(set).is_empty(), set == Scopes::ALL);
        }
    }

    #[test]
    fn words_round_trip() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(*scope));
            assert_eq!(Scopes::parse([scope.as_str()]).unwrap().words(), [scope.as_str()]);
        }
        assert_eq!(Scopes::parse(["*"]), Ok(Scopes::ALL));
        assert_eq!(Scopes::parse(["sso", "nothing"]), Err("nothing".to_owned()));
        let all = serde_json::to_string(&Scopes::ALL).unwrap();
        assert_eq!(serde_json::from_str::<Scopes>(&all).unwrap(), Scopes::ALL);
    }
}
