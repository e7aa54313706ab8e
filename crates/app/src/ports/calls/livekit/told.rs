//! What a cluster posts to us about its calls (LiveKit's webhooks). A token in
//! the `Authorization` header names the hash of the body and is signed with
//! our secret; without that nothing in the body is read.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::LiveKit;

/// Something about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The call's name.
    pub call: String,
    /// What.
    pub word: Word,
}

/// What was said of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Somebody's connection is up.
    Joined {
        /// Who.
        identity: String,
        /// The name of the connection.
        sid: String,
    },
    /// Somebody's connection is over.
    Left {
        /// Who.
        identity: String,
        /// The name of the connection.
        sid: String,
    },
}

/// The members that count. Servers of other versions send further ones.
#[derive(Deserialize)]
struct Body {
    event: String,
    #[serde(default)]
    room: Named,
    #[serde(default)]
    participant: Participant,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Participant {
    identity: String,
    sid: String,
}

impl LiveKit {
    /// Reads a posted message. None: a genuine one about nothing we keep.
    ///
    /// # Errors
    /// It is not from this cluster, or it is none.
    pub fn read(&self, authorization: &str, body: &[u8]) -> Result<Option<Told>, NotGenuine> {
        let token = authorization.strip_prefix("Bearer ").unwrap_or(authorization);
        let claims = self.verifier().verify(token).map_err(|_| NotGenuine)?;
        let hash = BASE64_STANDARD.decode(claims.sha256).map_err(|_| NotGenuine)?;
        if hash != Sha256::digest(body)[..] {
            return Err(NotGenuine);
        }
        let body: Body = serde_json::from_slice(body).map_err(|_| NotGenuine)?;
        let Participant { identity, sid } = body.participant;
        if body.room.name.is_empty() || identity.is_empty() || sid.is_empty() {
            return Ok(None);
        }
        let word = match body.event.as_str() {
            "participant_joined" => Word::Joined { identity, sid },
            "participant_left" | "participant_connection_aborted" => Word::Left { identity, sid },
            _ => return Ok(None),
        };
        Ok(Some(Told { call: body.room.name, word }))
    }
}

/// A posted message that is not the cluster's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotGenuine;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use livekit_token::AccessToken;

    use super::{super::LiveKitSettings, *};

    const SECRET: &str = "the secret of a cluster in a test, long enough";
    const BODY: &str = r#"{"event":"participant_joined","id":"EV_1","createdAt":"1700000000","future":{"a":1},
        "room":{"sid":"RM_1","name":"meet-1","emptyTimeout":300},"participant":{"sid":"PA_1","identity":"user-7"}}"#;

    fn cluster() -> LiveKit {
        let settings = LiveKitSettings {
            url: "https://calls.example/".to_owned(),
            key: "key".to_owned(),
            secret: SECRET.to_owned(),
        };
        LiveKit::new(&settings, 50).unwrap()
    }

    fn signed(secret: &str, key: &str, body: &str) -> String {
        let token = AccessToken::with_api_key(key, secret).with_ttl(Duration::from_secs(300));
        token.with_sha256(&BASE64_STANDARD.encode(Sha256::digest(body))).to_jwt().unwrap()
    }

    #[test]
    fn a_genuine_message_is_read() {
        let told = cluster().read(&signed(SECRET, "key", BODY), BODY.as_bytes()).unwrap().unwrap();
        assert_eq!(told.call, "meet-1");
        assert_eq!(told.word, Word::Joined { identity: "user-7".to_owned(), sid: "PA_1".to_owned() });
        let bearer = format!("Bearer {}", signed(SECRET, "key", BODY));
        assert!(cluster().read(&bearer, BODY.as_bytes()).unwrap().is_some());
        let other = r#"{"event":"track_published","room":{"name":"meet-1"},"track":{}}"#;
        assert_eq!(cluster().read(&signed(SECRET, "key", other), other.as_bytes()), Ok(None));
    }

    #[test]
    fn what_is_not_the_clusters_is_refused() {
        let cluster = cluster();
        let genuine = signed(SECRET, "key", BODY);
        let changed = BODY.replace("user-7", "user-8");
        assert_eq!(cluster.read(&genuine, changed.as_bytes()), Err(NotGenuine));
        assert_eq!(cluster.read(&signed("another secret", "key", BODY), BODY.as_bytes()), Err(NotGenuine));
        assert_eq!(cluster.read(&signed(SECRET, "other", BODY), BODY.as_bytes()), Err(NotGenuine));
        assert_eq!(cluster.read("", BODY.as_bytes()), Err(NotGenuine));
        // A join token of a patient is signed with the same secret, and says no hash.
        let join = cluster.token().with_identity("user-7").to_jwt().unwrap();
        assert_eq!(cluster.read(&join, BODY.as_bytes()), Err(NotGenuine));
        let torn = &BODY[..40];
        assert_eq!(cluster.read(&signed(SECRET, "key", torn), torn.as_bytes()), Err(NotGenuine));
    }

    #[test]
    fn its_address_is_what_sockets_want() {
        assert_eq!(cluster().url(), "wss://calls.example");
        assert_eq!(cluster().node(), "livekit:wss://calls.example");
    }
}
