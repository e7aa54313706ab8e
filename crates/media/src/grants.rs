//! What a join token lets its bearer do in a call. Checked on every message,
//! not only at the door.

use livekit_protocol as lk;

/// Where a track comes from, as join tokens and clients name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    Camera,
    Microphone,
    ScreenShare,
    ScreenShareAudio,
}

impl Source {
    /// The spelling used in a token's `canPublishSources`.
    pub fn from_grant_name(name: &str) -> Option<Self> {
        match name {
            "camera" => Some(Self::Camera),
            "microphone" => Some(Self::Microphone),
            "screen_share" => Some(Self::ScreenShare),
            "screen_share_audio" => Some(Self::ScreenShareAudio),
            _ => None,
        }
    }

    fn wire(self) -> lk::TrackSource {
        match self {
            Self::Camera => lk::TrackSource::Camera,
            Self::Microphone => lk::TrackSource::Microphone,
            Self::ScreenShare => lk::TrackSource::ScreenShare,
            Self::ScreenShareAudio => lk::TrackSource::ScreenShareAudio,
        }
    }
}

/// The permissions of one peer in one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants {
    /// May publish audio and video.
    pub can_publish: bool,
    /// Empty: any source. Otherwise only these.
    pub can_publish_sources: Vec<Source>,
    /// May receive the others' tracks.
    pub can_subscribe: bool,
    /// May send data packets (chat, RPC, streams).
    pub can_publish_data: bool,
    /// May change its own name, metadata and attributes.
    pub can_update_own_metadata: bool,
    /// The others neither see nor hear that this peer is there.
    pub hidden: bool,
}

impl Default for Grants {
    /// What a token means that names no permission: everything but changing
    /// one's own name and metadata, which must be granted by name.
    fn default() -> Self {
        Self {
            can_publish: true,
            can_publish_sources: Vec::new(),
            can_subscribe: true,
            can_publish_data: true,
            can_update_own_metadata: false,
            hidden: false,
        }
    }
}

impl Grants {
    /// The rights that a server's word gives (`ParticipantPermission`).
    pub fn of_permission(permission: &lk::ParticipantPermission) -> Self {
        let all =
            [Source::Camera, Source::Microphone, Source::ScreenShare, Source::ScreenShareAudio].into_iter();
        let named = |source: &Source| permission.can_publish_sources.contains(&(source.wire() as i32));
        Self {
            can_publish: permission.can_publish,
            can_publish_sources: all.filter(named).collect(),
            can_subscribe: permission.can_subscribe,
            can_publish_data: permission.can_publish_data,
            can_update_own_metadata: permission.can_update_metadata,
            hidden: permission.hidden,
        }
    }

    /// Whether a track of this wire source (`lk::TrackSource` as a number) may
    /// be published.
    pub(crate) fn may_publish(&self, source: i32) -> bool {
        self.can_publish
            && (self.can_publish_sources.is_empty()
                || self.can_publish_sources.iter().any(|allowed| allowed.wire() as i32 == source))
    }

    pub(crate) fn wire(&self) -> lk::ParticipantPermission {
        lk::ParticipantPermission {
            can_subscribe: self.can_subscribe,
            can_publish: self.can_publish,
            can_publish_data: self.can_publish_data,
            can_publish_sources: self.can_publish_sources.iter().map(|source| source.wire() as i32).collect(),
            hidden: self.hidden,
            can_update_metadata: self.can_update_own_metadata,
            ..Default::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_list_is_a_whitelist() {
        let any = Grants::default();
        assert!(any.may_publish(lk::TrackSource::ScreenShare as i32));

        let only_voice = Grants { can_publish_sources: vec![Source::Microphone], ..Grants::default() };
        assert!(only_voice.may_publish(lk::TrackSource::Microphone as i32));
        assert!(!only_voice.may_publish(lk::TrackSource::Camera as i32));
        assert!(!only_voice.may_publish(lk::TrackSource::Unknown as i32));

        let none = Grants { can_publish: false, ..Grants::default() };
        assert!(!none.may_publish(lk::TrackSource::Microphone as i32));
    }
}
