//! The dependency descriptor, an RTP header extension that says which frame
//! builds on which: AV1's scalable streams cannot be put together without it.
//! It is passed on unread.

use str0m::rtp::{Extension, ExtensionSerializer, ExtensionValues};

/// One of the numbers that the library's own extensions leave free.
pub(super) const ID: u8 = 12;
const URI: &str = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
/// What the short form of extensions can carry, bytes (RFC 8285).
const SHORT: usize = 16;

/// The bytes as they came.
#[derive(Debug)]
struct Descriptor(Vec<u8>);

#[derive(Debug)]
struct PassOn;

impl ExtensionSerializer for PassOn {
    fn write_to(&self, buf: &mut [u8], values: &ExtensionValues) -> usize {
        let Some(Descriptor(bytes)) = values.user_values.get() else { return 0 };
        match buf.get_mut(..bytes.len()) {
            Some(room) => room.copy_from_slice(bytes),
            None => return 0,
        }
        bytes.len()
    }

    fn parse_value(&self, buf: &[u8], values: &mut ExtensionValues) -> bool {
        values.user_values.set(Descriptor(buf.to_vec()));
        true
    }

    fn is_video(&self) -> bool {
        true
    }

    fn is_audio(&self) -> bool {
        false
    }

    fn requires_two_byte_form(&self, values: &ExtensionValues) -> bool {
        values.user_values.get::<Descriptor>().is_some_and(|Descriptor(bytes)| bytes.len() > SHORT)
    }
}

pub(super) fn extension() -> Extension {
    Extension::with_serializer(URI, PassOn)
}
