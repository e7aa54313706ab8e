//! What a client says about itself as it knocks: in the query of `/rtc`, or in
//! the packed join request of `/rtc/v1`.

use std::io::Read as _;

use base64::{Engine as _, alphabet, engine};
use bedside_media::{ClientParams, Device, Resume};
use flate2::read::GzDecoder;
use livekit_protocol as lk;
use prost::Message as _;
use serde::Deserialize;

/// Largest join request, unpacked, bytes. The largest part is an offer.
const JOIN_REQUEST: u64 = 256 * 1024;

/// What clients say in the query. Flags are `1` or `true`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Params {
    pub access_token: Option<String>,
    auto_subscribe: Option<String>,
    adaptive_stream: Option<String>,
    reconnect: Option<String>,
    reconnect_reason: Option<String>,
    sid: Option<String>,
    sdk: Option<String>,
    version: Option<String>,
    protocol: Option<String>,
    client_protocol: Option<String>,
    os: Option<String>,
    os_version: Option<String>,
    browser: Option<String>,
    browser_version: Option<String>,
    device_model: Option<String>,
    network: Option<String>,
    join_request: Option<String>,
}

impl Params {
    /// What the query of `/rtc` says.
    pub fn client(&self) -> ClientParams {
        let flag = |value: &Option<String>| matches!(value.as_deref(), Some("1" | "true"));
        let number = |value: &Option<String>| value.as_deref().and_then(|text| text.parse().ok());
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        ClientParams {
            auto_subscribe: self.auto_subscribe.is_none() || flag(&self.auto_subscribe),
            adaptive_stream: flag(&self.adaptive_stream),
            protocol: number(&self.protocol).unwrap_or_default(),
            sdk: text(&self.sdk),
            version: text(&self.version),
            client_protocol: number(&self.client_protocol).unwrap_or_default(),
            reconnect: flag(&self.reconnect)
                .then(|| Resume { sid: text(&self.sid), reason: text(&self.reconnect_reason) }),
            device: self.device(),
            ..ClientParams::default()
        }
    }

    fn device(&self) -> Device {
        Device::from_query(|field| match field {
            "sdk" => self.sdk.clone(),
            "version" => self.version.clone(),
            "os" => self.os.clone(),
            "os_version" => self.os_version.clone(),
            "browser" => self.browser.clone(),
            "browser_version" => self.browser_version.clone(),
            "device_model" => self.device_model.clone(),
            "network" => self.network.clone(),
            _ => None,
        })
    }

    /// What the join request of `/rtc/v1` says; `None` when it has none that
    /// can be read.
    pub fn client_of_one_connection(&self) -> Option<ClientParams> {
        unpacked(self.join_request.as_deref()?).map(params_of)
    }
}

/// Base64url of a `WrappedJoinRequest`, which may be compressed.
fn unpacked(packed: &str) -> Option<lk::JoinRequest> {
    // With or without padding, as clients differ.
    let config =
        engine::GeneralPurposeConfig::new().with_decode_padding_mode(engine::DecodePaddingMode::Indifferent);
    let engine = engine::GeneralPurpose::new(&alphabet::URL_SAFE, config);
    let wrapped = lk::WrappedJoinRequest::decode(engine.decode(packed).ok()?.as_slice()).ok()?;
    let gzip = lk::wrapped_join_request::Compression::Gzip as i32;
    if wrapped.compression != gzip {
        return lk::JoinRequest::decode(wrapped.join_request.as_slice()).ok();
    }
    let mut plain = Vec::new();
    // A small request may unpack to anything: not further than to the limit.
    GzDecoder::new(wrapped.join_request.as_slice()).take(JOIN_REQUEST + 1).read_to_end(&mut plain).ok()?;
    (plain.len() as u64 <= JOIN_REQUEST).then(|| lk::JoinRequest::decode(plain.as_slice()).ok())?
}

fn params_of(request: lk::JoinRequest) -> ClientParams {
    let info = request.client_info.unwrap_or_default();
    let settings = request.connection_settings.unwrap_or_default();
    let sdk = info.sdk().as_str_name().to_ascii_lowercase();
    let device = Device::from_query(|field| match field {
        "sdk" => Some(sdk.clone()),
        "version" => Some(info.version.clone()),
        "os" => Some(info.os.clone()),
        "os_version" => Some(info.os_version.clone()),
        "browser" => Some(info.browser.clone()),
        "browser_version" => Some(info.browser_version.clone()),
        "device_model" => Some(info.device_model.clone()),
        "network" => Some(info.network.clone()),
        _ => None,
    });
    let reason = request.reconnect_reason.to_string();
    ClientParams {
        auto_subscribe: settings.auto_subscribe,
        adaptive_stream: settings.adaptive_stream,
        protocol: info.protocol,
        sdk,
        version: info.version,
        client_protocol: info.client_protocol,
        reconnect: request.reconnect.then_some(Resume { sid: request.participant_sid, reason }),
        device,
        single: true,
        tracks: request.add_track_requests,
        offer: request.publisher_offer,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn request() -> lk::JoinRequest {
        lk::JoinRequest {
            client_info: Some(lk::ClientInfo { protocol: 17, client_protocol: 1, ..Default::default() }),
            connection_settings: Some(lk::ConnectionSettings { auto_subscribe: true, ..Default::default() }),
            reconnect: true,
            participant_sid: "PA_1".to_owned(),
            ..Default::default()
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn wrapped(compression: i32, join_request: Vec<u8>) -> Vec<u8> {
        lk::WrappedJoinRequest { compression, join_request }.encode_to_vec()
    }

    #[test]
    fn a_join_request_is_read_packed_or_not() {
        let plain = wrapped(0, request().encode_to_vec());
        let packed = wrapped(1, gzip(&request().encode_to_vec()));
        for text in [URL_SAFE.encode(&plain), URL_SAFE_NO_PAD.encode(&plain), URL_SAFE_NO_PAD.encode(&packed)]
        {
            let read = params_of(unpacked(&text).unwrap());
            assert!(read.single && read.auto_subscribe);
            assert_eq!((read.protocol, read.client_protocol), (17, 1));
            assert_eq!(read.reconnect.unwrap().sid, "PA_1");
        }
    }

    #[test]
    fn a_join_request_that_swells_is_refused() {
        let bomb = wrapped(1, gzip(&vec![0; 64 << 20]));
        assert!(bomb.len() < 100_000);
        assert!(unpacked(&URL_SAFE_NO_PAD.encode(bomb)).is_none());
    }

    #[test]
    fn what_is_no_join_request_is_none() {
        for text in ["", "%%%", "AAAA", "_____w"] {
            assert!(unpacked(text).is_none_or(|request| request == lk::JoinRequest::default()), "{text}");
        }
    }
}
