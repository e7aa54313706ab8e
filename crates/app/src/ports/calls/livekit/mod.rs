//! Calls on a LiveKit cluster: its room service, asked through LiveKit's own
//! client library, and the messages it posts to us.

mod told;

use std::{sync::Arc, time::Duration};

use livekit_api::services::{
    LiveKitApi, ServerError, ServerErrorCode, ServiceError,
    room::{CreateRoomOptions, SendDataOptions},
};
use livekit_token::{AccessToken, TokenVerifier, VideoGrants};

pub use told::{Told, Word};

use super::{CLUSTER, Fault, Peer};

/// For one answer of the cluster.
const LIMIT: Duration = Duration::from_secs(5);
/// A call that nobody has entered yet is kept this long, seconds.
const EMPTY_S: u32 = 300;
/// A call that everybody has left is kept this long, seconds: a page that is
/// loaded anew finds it as it was.
const LEFT_S: u32 = 20;

/// Where a cluster is and who we are there.
#[derive(Clone)]
pub struct LiveKitSettings {
    /// `wss://host`, as browsers and this server reach it.
    pub url: String,
    /// The API key.
    pub key: String,
    /// Its secret.
    pub secret: String,
}

impl std::fmt::Debug for LiveKitSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveKitSettings")
            .field("url", &self.url)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// A LiveKit cluster. Cheap to clone.
#[derive(Clone)]
pub struct LiveKit(Arc<Inner>);

struct Inner {
    settings: LiveKitSettings,
    api: LiveKitApi,
    max_peers: u32,
}

impl LiveKit {
    /// The cluster of these settings; asks nothing yet.
    ///
    /// # Errors
    /// A sentence about a URL that is none.
    pub fn new(settings: &LiveKitSettings, max_peers: usize) -> Result<Self, String> {
        let url = url::Url::parse(&settings.url).ok().filter(|url| url.has_host());
        if url.is_none_or(|url| !matches!(url.scheme(), "ws" | "wss" | "http" | "https")) {
            return Err(format!("`{}` is no address of a LiveKit cluster", settings.url));
        }
        let mut settings = settings.clone();
        settings.url = settings.url.trim_end_matches('/').replacen("http", "ws", 1);
        let api = LiveKitApi::with_api_key(&settings.url, &settings.key, &settings.secret);
        let api = api.with_failover(false).with_request_timeout(LIMIT);
        let max_peers = u32::try_from(max_peers).unwrap_or(u32::MAX);
        Ok(Self(Arc::new(Inner { settings, api, max_peers })))
    }

    /// Where clients connect: `ws://` or `wss://`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0.settings.url
    }

    /// What the row of a visit says whose call is here.
    #[must_use]
    pub fn node(&self) -> String {
        format!("{CLUSTER}{}", self.url())
    }

    /// The start of a token for this cluster.
    #[must_use]
    pub fn token(&self) -> AccessToken {
        AccessToken::with_api_key(&self.0.settings.key, &self.0.settings.secret)
    }

    fn verifier(&self) -> TokenVerifier {
        TokenVerifier::with_api_key(&self.0.settings.key, &self.0.settings.secret)
    }

    /// Does it let us in? Gives how many calls it carries, ours or others'.
    ///
    /// # Errors
    /// The [`Fault`] that everything else would have.
    pub async fn check(&self) -> Result<usize, Fault> {
        match self.0.api.room().list_rooms(Vec::new()).await {
            Ok(rooms) => Ok(rooms.len()),
            Err(_) if self.is_refused().await => Err(Fault::Refused(self.url().to_owned())),
            Err(error) => Err(self.fault(error)),
        }
    }

    /// A key that it does not know is answered in plain text, of which the
    /// library keeps not even the status; so that is asked for here.
    async fn is_refused(&self) -> bool {
        let grants = VideoGrants { room_list: true, ..VideoGrants::default() };
        let Ok(token) = self.token().with_grants(grants).to_jwt() else { return false };
        let url = self.url().replacen("ws", "http", 1) + "/twirp/livekit.RoomService/ListRooms";
        let asked = reqwest::Client::new().post(url).bearer_auth(token).timeout(LIMIT);
        let asked = asked.header("Content-Type", "application/json").body("{}").send().await;
        asked.is_ok_and(|answer| matches!(answer.status().as_u16(), 401 | 403))
    }

    /// Which of these calls are there.
    ///
    /// # Errors
    /// A [`Fault`].
    pub async fn find(&self, calls: Vec<String>) -> Result<Vec<String>, Fault> {
        // No name at all would mean every call, also those of other houses.
        if calls.is_empty() {
            return Ok(calls);
        }
        let rooms = self.0.api.room().list_rooms(calls).await.map_err(|error| self.fault(error))?;
        Ok(rooms.into_iter().map(|room| room.name).collect())
    }

    /// Makes a call ready to be joined; nothing happens when it is there.
    ///
    /// # Errors
    /// A [`Fault`].
    pub async fn create(&self, call: &str) -> Result<(), Fault> {
        let options = CreateRoomOptions {
            empty_timeout: EMPTY_S,
            departure_timeout: LEFT_S,
            max_participants: self.0.max_peers,
            ..CreateRoomOptions::default()
        };
        self.0.api.room().create_room(call, options).await.map(drop).map_err(|error| self.fault(error))
    }

    /// Ends a call for everybody in it.
    ///
    /// # Errors
    /// A [`Fault`]; none when there is no such call.
    pub async fn end(&self, call: &str) -> Result<(), Fault> {
        self.unless_gone(self.0.api.room().delete_room(call).await)
    }

    /// Takes one person out of a call.
    ///
    /// # Errors
    /// A [`Fault`]; none when they are not there.
    pub async fn remove(&self, call: &str, identity: &str) -> Result<(), Fault> {
        self.unless_gone(self.0.api.room().remove_participant(call, identity).await)
    }

    /// Who is in a call; nobody when there is no such call.
    ///
    /// # Errors
    /// A [`Fault`].
    pub async fn peers(&self, call: &str) -> Result<Vec<Peer>, Fault> {
        match self.0.api.room().list_participants(call).await.map_err(|error| self.fault(error)) {
            Ok(peers) => Ok(peers.into_iter().map(Peer::from).collect()),
            Err(Fault::NotThere) => Ok(Vec::new()),
            Err(fault) => Err(fault),
        }
    }

    /// The tracks of sound that a peer sends unmuted.
    ///
    /// # Errors
    /// [`Fault::NotThere`], another [`Fault`].
    pub async fn sounding(&self, call: &str, identity: &str) -> Result<Vec<String>, Fault> {
        let peers = self.peers(call).await?;
        let peer = peers.into_iter().find(|peer| peer.identity == identity).ok_or(Fault::NotThere)?;
        Ok(peer.tracks.into_iter().filter(|t| !t.is_video && !t.muted).map(|track| track.sid).collect())
    }

    /// Switches off what a peer sends.
    ///
    /// # Errors
    /// [`Fault::NotThere`], another [`Fault`].
    pub async fn mute(&self, call: &str, identity: &str, track: &str) -> Result<(), Fault> {
        // A server says "done" of a track that is not there, and the library
        // panics then: so it is looked for first, and muted in a task of its own.
        let mut peers = self.peers(call).await?.into_iter().filter(|peer| peer.identity == identity);
        if !peers.any(|peer| peer.tracks.iter().any(|known| known.sid == track)) {
            return Err(Fault::NotThere);
        }
        let (at, call) = (Arc::clone(&self.0), call.to_owned());
        let (identity, track) = (identity.to_owned(), track.to_owned());
        let muted = tokio::spawn(async move {
            at.api.room().mute_published_track(&call, &identity, &track, true).await.map(drop)
        });
        muted.await.map_err(|_| Fault::NotThere)?.map_err(|error| self.fault(error))
    }

    /// Sends a message to some people in a call, or to all when none are named;
    /// nothing happens when there is no such call.
    ///
    /// # Errors
    /// A [`Fault`].
    pub async fn send(&self, call: &str, to: &[String], topic: &str, data: Vec<u8>) -> Result<(), Fault> {
        let options = SendDataOptions {
            destination_identities: to.to_vec(),
            topic: Some(topic.to_owned()),
            ..SendDataOptions::default()
        };
        match self.0.api.room().send_data(call, data, options).await.map_err(|error| self.fault(error)) {
            Ok(()) => Ok(()),
            // Of a call that is not there it says this or that.
            Err(_) if self.find(vec![call.to_owned()]).await?.is_empty() => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    fn unless_gone(&self, done: Result<(), ServiceError>) -> Result<(), Fault> {
        match done.map_err(|error| self.fault(error)) {
            Err(Fault::NotThere) => Ok(()),
            done => done,
        }
    }

    fn fault(&self, error: ServiceError) -> Fault {
        let at = || self.url().to_owned();
        match error {
            ServiceError::Twirp(ServerError::Twirp(said)) => match said.code.as_str() {
                ServerErrorCode::NOT_FOUND => Fault::NotThere,
                ServerErrorCode::UNAUTHENTICATED | ServerErrorCode::PERMISSION_DENIED => Fault::Refused(at()),
                _ => Fault::Failed(format!("{} said: {said}", at())),
            },
            // Its words may name addresses inside the house: they are for the log.
            ServiceError::Twirp(ServerError::Request(error)) if error.is_decode() => {
                // An error page instead of the service's own answer.
                Fault::Failed(format!("{} answered as no LiveKit server does", at()))
            }
            ServiceError::Twirp(ServerError::Request(error)) => {
                tracing::debug!(?error, "the cluster could not be asked");
                Fault::Unreachable(at())
            }
            other => Fault::Failed(format!("{}: {other}", at())),
        }
    }
}
