//! STUN messages as TURN uses them: reading what anybody sent, writing answers
//! (RFC 8489 sections 5, 6 and 14; RFC 8656 section 18). Nothing here trusts a
//! length.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use aws_lc_rs::{constant_time, hmac};
use md5::{Digest as _, Md5};

const HEADER: usize = 20;
const COOKIE: u32 = 0x2112_a442;
/// Bytes of MESSAGE-INTEGRITY with its head.
const INTEGRITY: usize = 24;

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Binding,
    Allocate,
    Refresh,
    Send,
    Data,
    CreatePermission,
    ChannelBind,
}

impl Method {
    const ALL: [(Self, u16); 7] = [
        (Self::Binding, 1),
        (Self::Allocate, 3),
        (Self::Refresh, 4),
        (Self::Send, 6),
        (Self::Data, 7),
        (Self::CreatePermission, 8),
        (Self::ChannelBind, 9),
    ];

    fn number(self) -> u16 {
        Self::ALL.into_iter().find(|(method, _)| *method == self).map_or(0, |(_, number)| number)
    }

    fn of(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == number).map(|(method, _)| method)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Request,
    Indication,
    Success,
    Error,
}

impl Class {
    const ALL: [Self; 4] = [Self::Request, Self::Indication, Self::Success, Self::Error];
}

/// Numbers of the attributes in use.
pub mod attribute {
    pub const USERNAME: u16 = 0x0006;
    pub const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub const ERROR_CODE: u16 = 0x0009;
    pub const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
    pub const CHANNEL_NUMBER: u16 = 0x000c;
    pub const LIFETIME: u16 = 0x000d;
    pub const XOR_PEER_ADDRESS: u16 = 0x0012;
    pub const DATA: u16 = 0x0013;
    pub const REALM: u16 = 0x0014;
    pub const NONCE: u16 = 0x0015;
    pub const XOR_RELAYED_ADDRESS: u16 = 0x0016;
    pub const REQUESTED_ADDRESS_FAMILY: u16 = 0x0017;
    pub const REQUESTED_TRANSPORT: u16 = 0x0019;
    pub const DONT_FRAGMENT: u16 = 0x001a;
    pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;

    /// Attributes that must be understood and are (below 0x8000, RFC 8489
    /// section 14).
    pub const UNDERSTOOD: [u16; 13] = [
        USERNAME,
        MESSAGE_INTEGRITY,
        CHANNEL_NUMBER,
        LIFETIME,
        XOR_PEER_ADDRESS,
        DATA,
        REALM,
        NONCE,
        REQUESTED_ADDRESS_FAMILY,
        REQUESTED_TRANSPORT,
        DONT_FRAGMENT,
        // Sent by clients that also make ICE checks; they mean nothing here.
        0x0024,
        0x0025,
    ];
}

/// Who a long-term credential is: MD5 of name, realm and password (RFC 8489
/// section 9.2.2). The protocol asks for MD5; what protects is the password,
/// which is random and short-lived.
pub fn long_term_key(username: &str, realm: &str, password: &str) -> [u8; 16] {
    Md5::digest(format!("{username}:{realm}:{password}")).into()
}

/// A message that was received, and is at least put together correctly.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    pub method: Method,
    pub class: Class,
    pub transaction: [u8; 12],
    /// Number, place of the value, value; up to the integrity.
    attributes: Vec<(u16, usize, &'a [u8])>,
}

impl<'a> Message<'a> {
    /// `None`: this is no message that this side knows.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let header = bytes.get(..HEADER)?;
        let kind = u16::from_be_bytes([header[0], header[1]]);
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let cookie = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
        if kind >= 0x4000 || cookie != COOKIE || length % 4 != 0 || HEADER + length != bytes.len() {
            return None;
        }
        let number = (kind & 0x000f) | ((kind & 0x00e0) >> 1) | ((kind & 0x3e00) >> 2);
        let class = Class::ALL[usize::from(((kind >> 4) & 1) | ((kind >> 7) & 2))];
        let transaction = header[8..].try_into().ok()?;
        let mut attributes = Vec::new();
        let mut at = HEADER;
        while at < bytes.len() {
            let head = bytes.get(at..at + 4)?;
            let number = u16::from_be_bytes([head[0], head[1]]);
            let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let value = bytes.get(at + 4..at + 4 + length)?;
            attributes.push((number, at + 4, value));
            if number == attribute::MESSAGE_INTEGRITY {
                // Nothing behind it is protected, so nothing behind it counts.
                break;
            }
            at += 4 + length.next_multiple_of(4);
        }
        Some(Self { bytes, method: Method::of(number)?, class, transaction, attributes })
    }

    /// The value of the first attribute of this number.
    pub fn get(&self, number: u16) -> Option<&'a [u8]> {
        self.attributes.iter().find(|(of, ..)| *of == number).map(|(.., value)| *value)
    }

    pub fn text(&self, number: u16) -> Option<&'a str> {
        std::str::from_utf8(self.get(number)?).ok()
    }

    pub fn u32(&self, number: u16) -> Option<u32> {
        Some(u32::from_be_bytes(self.get(number)?.try_into().ok()?))
    }

    /// All addresses of this number; `None` when one of them is none.
    pub fn addresses(&self, number: u16) -> Option<Vec<SocketAddr>> {
        let of = self.attributes.iter().filter(|(of, ..)| *of == number);
        of.map(|(.., value)| read_address(value, &self.transaction)).collect()
    }

    /// Where a value lies in the bytes that were read.
    pub fn place(&self, number: u16) -> Option<std::ops::Range<usize>> {
        let found = self.attributes.iter().find(|(of, ..)| *of == number);
        found.map(|(_, at, value)| *at..*at + value.len())
    }

    /// Attributes that must be understood and are not.
    pub fn strange(&self) -> Vec<u16> {
        let numbers = self.attributes.iter().map(|(number, ..)| *number);
        numbers.filter(|number| *number < 0x8000 && !attribute::UNDERSTOOD.contains(number)).collect()
    }

    /// Whether it was signed with this key.
    pub fn is_signed_with(&self, key: &[u8; 16]) -> bool {
        let Some((number, at, value)) = self.attributes.last() else {
            return false;
        };
        *number == attribute::MESSAGE_INTEGRITY
            && constant_time::verify_slices_are_equal(&signature(&self.bytes[..at - 4], key), value).is_ok()
    }
}

/// HMAC-SHA1 over a message up to its integrity, as if that were its end.
fn signature(before: &[u8], key: &[u8; 16]) -> [u8; 20] {
    let length = u16::try_from(before.len() + INTEGRITY - HEADER).unwrap_or(u16::MAX);
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key));
    context.update(&before[..2]);
    context.update(&length.to_be_bytes());
    context.update(&before[4..]);
    let mut signature = [0; 20];
    signature.copy_from_slice(context.sign().as_ref());
    signature
}

fn xor_mask(transaction: &[u8; 12]) -> [u8; 16] {
    let mut mask = [0; 16];
    mask[..4].copy_from_slice(&COOKIE.to_be_bytes());
    mask[4..].copy_from_slice(transaction);
    mask
}

fn read_address(value: &[u8], transaction: &[u8; 12]) -> Option<SocketAddr> {
    let [_, family, p0, p1, ip @ ..] = value else {
        return None;
    };
    let port = u16::from_be_bytes([*p0, *p1]) ^ (COOKIE >> 16) as u16;
    let mask = xor_mask(transaction);
    let ip: Vec<u8> = ip.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
    let ip = match (family, value.len()) {
        (1, 8) => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(ip).ok()?)),
        (2, 20) => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(ip).ok()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// A message on its way out.
#[derive(Debug)]
pub struct Writer {
    bytes: Vec<u8>,
    transaction: [u8; 12],
}

impl Writer {
    pub fn new(method: Method, class: Class, transaction: [u8; 12]) -> Self {
        let number = method.number();
        let class = class as u16;
        let kind = (number & 0x000f)
            | ((number & 0x0070) << 1)
            | ((number & 0x0f80) << 2)
            | ((class & 1) << 4)
            | ((class & 2) << 7);
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.extend([0, 0]);
        bytes.extend(COOKIE.to_be_bytes());
        bytes.extend(transaction);
        Self { bytes, transaction }
    }

    pub fn put(mut self, number: u16, value: &[u8]) -> Self {
        let length = u16::try_from(value.len()).expect("own values are short");
        self.bytes.extend(number.to_be_bytes());
        self.bytes.extend(length.to_be_bytes());
        self.bytes.extend(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }

    pub fn put_u32(self, number: u16, value: u32) -> Self {
        self.put(number, &value.to_be_bytes())
    }

    /// An address, in the form that middleboxes do not rewrite.
    pub fn put_address(self, number: u16, address: SocketAddr) -> Self {
        let mask = xor_mask(&self.transaction);
        let port = address.port() ^ (COOKIE >> 16) as u16;
        let (family, ip) = match address.ip() {
            IpAddr::V4(ip) => (1, ip.octets().to_vec()),
            IpAddr::V6(ip) => (2, ip.octets().to_vec()),
        };
        let mut value = vec![0, family];
        value.extend(port.to_be_bytes());
        value.extend(ip.iter().zip(mask).map(|(byte, mask)| byte ^ mask));
        self.put(number, &value)
    }

    pub fn put_error(self, code: u16, reason: &str) -> Self {
        let mut value = vec![0, 0, (code / 100) as u8, (code % 100) as u8];
        value.extend(reason.as_bytes());
        self.put(attribute::ERROR_CODE, &value)
    }

    pub fn finish(mut self) -> Vec<u8> {
        let length = u16::try_from(self.bytes.len() - HEADER).expect("own messages are short");
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
        self.bytes
    }

    /// Signs and ends it.
    pub fn finish_signed(self, key: &[u8; 16]) -> Vec<u8> {
        let signature = signature(&self.bytes, key);
        self.put(attribute::MESSAGE_INTEGRITY, &signature).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 5769 section 2.4: a request with long-term authentication.
    #[test]
    fn the_signature_of_the_published_example_holds() {
        let bytes = [
            "000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382afe382b900000015",
            "001c662f2f3439396b39353464364f4c33346f4c394653547679363473410014000b6578616d706c652e6f72670000",
            "080014f67024656dd64a3e02b8e0712e85c9a28ca89666",
        ]
        .concat();
        let bytes: Vec<u8> =
            (0..bytes.len()).step_by(2).map(|i| u8::from_str_radix(&bytes[i..i + 2], 16).unwrap()).collect();
        let message = Message::read(&bytes).unwrap();
        let name = message.text(attribute::USERNAME).unwrap();
        let realm = message.text(attribute::REALM).unwrap();
        assert_eq!(realm, "example.org");
        assert!(message.is_signed_with(&long_term_key(name, realm, "TheMatrIX")));
        assert!(!message.is_signed_with(&long_term_key(name, realm, "TheMatriX")));
    }

    fn any_address() -> impl Strategy<Value = SocketAddr> {
        (any::<IpAddr>(), any::<u16>()).prop_map(SocketAddr::from)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            which in 0..7_usize, class in 0..4_usize, transaction: [u8; 12], key: [u8; 16],
            address in any_address(), data in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let (method, class) = (Method::ALL[which].0, Class::ALL[class]);
            let bytes = Writer::new(method, class, transaction)
                .put_address(attribute::XOR_PEER_ADDRESS, address)
                .put(attribute::DATA, &data)
                .finish_signed(&key);
            let message = Message::read(&bytes).unwrap();
            prop_assert_eq!((message.method, message.class, message.transaction), (method, class, transaction));
            prop_assert_eq!(message.addresses(attribute::XOR_PEER_ADDRESS), Some(vec![address]));
            prop_assert_eq!(&bytes[message.place(attribute::DATA).unwrap()], &data[..]);
            prop_assert!(message.is_signed_with(&key));
            let mut other = bytes.clone();
            other[HEADER + 4 + 2] ^= 1;
            prop_assert!(!Message::read(&other).unwrap().is_signed_with(&key));
        }

        #[test]
        fn nothing_that_comes_hurts(mut bytes in proptest::collection::vec(any::<u8>(), 0..120), looks_right: bool) {
            if looks_right && bytes.len() >= HEADER {
                bytes.truncate(bytes.len() / 4 * 4);
                let length = (bytes.len() - HEADER) as u16;
                bytes[0] &= 0x01;
                bytes[2..4].copy_from_slice(&length.to_be_bytes());
                bytes[4..8].copy_from_slice(&COOKIE.to_be_bytes());
            }
            if let Some(message) = Message::read(&bytes) {
                message.is_signed_with(&[0; 16]);
                let _ = (message.strange(), message.addresses(attribute::XOR_PEER_ADDRESS));
            }
        }
    }
}
