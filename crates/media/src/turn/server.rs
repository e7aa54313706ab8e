//! Allocations, permissions and channels of all clients of the relay.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;
use std::time::{Duration, Instant};

use aws_lc_rs::{constant_time, hmac};
use rand::RngExt;
use rand::rngs::StdRng;

use super::credentials::{Offer, REALM};
use super::message::{Class, Message, Method, Writer, attribute};
use crate::limits::Bucket;

/// Lifetime of an allocation that asks for none, and the longest (RFC 8656
/// section 7.2).
const LIFETIME: (Duration, Duration) = (Duration::from_secs(600), Duration::from_secs(3600));
const PERMISSION: Duration = Duration::from_secs(300);
const CHANNEL: Duration = Duration::from_secs(600);
/// A nonce is good for the period it was made in and the next one, seconds.
const NONCE_S: u64 = 1800;
/// Allocations of one credential: two connections of a peer, each over every
/// way and from every network of the machine.
const EACH: usize = 24;
/// Allocations of all; each costs about a kilobyte.
const ALL: usize = 10_000;
/// Bytes per second and burst of one allocation, from and to the client.
const UP: (f64, f64) = (2_000_000.0, 4_000_000.0);
const DOWN: (f64, f64) = (6_000_000.0, 12_000_000.0);
/// Channel numbers (RFC 8656 section 12).
const CHANNELS: std::ops::RangeInclusive<u16> = 0x4000..=0x4fff;
const CHANNELS_EACH: usize = 32;
const UDP: u8 = 17;

/// How a client reaches the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Via {
    /// At this one of the relay's sockets.
    Udp(usize),
    Tcp,
    Tls,
}

/// A client: the way it comes and its address.
pub(crate) type Client = (Via, SocketAddr);

/// What a message leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    Nothing,
    Reply(Vec<u8>),
    /// Hand these bytes of the input to the shard, as coming from the relayed
    /// address and sent to this address of ours.
    Deliver {
        relayed: SocketAddr,
        to: SocketAddr,
        data: Range<usize>,
    },
}

/// Relayed addresses are names only, nothing is bound to them. They are taken
/// from ranges that no client on any network has: the one reserved since 1989
/// (RFC 1112 section 4) and the one for discarding (RFC 6666). One's own
/// address with a free port could at any time be that of a client behind the
/// same router.
const NAMES_V4: u8 = 240;
const NAMES_V6: [u16; 4] = [0x0100, 0, 0, 0];

/// Whether an address is one that only clients of the relay have.
pub(crate) fn is_relayed(address: SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V4(ip) => ip.octets()[0] == NAMES_V4,
        IpAddr::V6(ip) => ip.segments()[..4] == NAMES_V6,
    }
}

struct Allocation {
    username: String,
    key: [u8; 16],
    relayed: SocketAddr,
    transaction: [u8; 12],
    until: Instant,
    permissions: BTreeMap<IpAddr, Instant>,
    channels: BTreeMap<u16, (SocketAddr, Instant)>,
    up: Bucket,
    down: Bucket,
}

/// The relay's state.
pub(crate) struct Server {
    offer: Offer,
    rng: StdRng,
    nonces: hmac::Key,
    start: Instant,
    /// The addresses that media come to: the only ones reached through here.
    targets: BTreeSet<SocketAddr>,
    allocations: HashMap<Client, Allocation>,
    clients: HashMap<SocketAddr, Client>,
    per_credential: HashMap<String, usize>,
}

/// An error answer: code and reason.
struct No(u16, &'static str);

impl Server {
    pub fn new(now: Instant, offer: Offer, mut rng: StdRng) -> Self {
        let secret: [u8; 32] = rng.random();
        Self {
            offer,
            nonces: hmac::Key::new(hmac::HMAC_SHA256, &secret),
            rng,
            start: now,
            targets: BTreeSet::new(),
            allocations: HashMap::new(),
            clients: HashMap::new(),
            per_credential: HashMap::new(),
        }
    }

    /// Says anew which addresses are ours.
    pub fn set_targets(&mut self, targets: impl IntoIterator<Item = SocketAddr>) {
        self.targets = targets.into_iter().collect();
    }

    /// Allocations now.
    pub fn len(&self) -> usize {
        self.allocations.len()
    }

    /// Takes one message or one packet of channel data from a client.
    pub fn receive(&mut self, now: Instant, unix_s: i64, client: Client, bytes: &[u8]) -> Reaction {
        if bytes.first().is_some_and(|first| (0x40..0x50).contains(first)) {
            return self.channel_data(now, client, bytes);
        }
        let Some(message) = Message::read(bytes) else {
            return Reaction::Nothing;
        };
        match (message.class, message.method) {
            (Class::Indication, Method::Send) => self.send(now, client, &message),
            (Class::Request, Method::Binding) => {
                let answer = Writer::new(Method::Binding, Class::Success, message.transaction);
                Reaction::Reply(answer.put_address(attribute::XOR_MAPPED_ADDRESS, client.1).finish())
            }
            (Class::Request, _) => Reaction::Reply(self.request(now, unix_s, client, &message)),
            _ => Reaction::Nothing,
        }
    }

    /// Packs what the shard sends to a relayed address for its client.
    pub fn send_to(
        &mut self,
        now: Instant,
        relayed: SocketAddr,
        from: SocketAddr,
        data: &[u8],
    ) -> Option<(Client, Vec<u8>)> {
        let client = *self.clients.get(&relayed)?;
        let allocation = self.allocations.get_mut(&client)?;
        let permitted = allocation.permissions.get(&from.ip()).is_some_and(|until| *until > now);
        if !permitted || allocation.until <= now || !allocation.down.take(now, data.len() as f64) {
            return None;
        }
        let bound = allocation.channels.iter().find(|(_, (to, until))| *to == from && *until > now);
        let packet = match bound {
            Some((number, _)) => {
                let mut packet = Vec::with_capacity(data.len() + 8);
                packet.extend(number.to_be_bytes());
                packet.extend(u16::try_from(data.len()).ok()?.to_be_bytes());
                packet.extend(data);
                if !matches!(client.0, Via::Udp(_)) {
                    packet.resize(packet.len().next_multiple_of(4), 0);
                }
                packet
            }
            None => Writer::new(Method::Data, Class::Indication, self.rng.random())
                .put_address(attribute::XOR_PEER_ADDRESS, from)
                .put(attribute::DATA, data)
                .finish(),
        };
        Some((client, packet))
    }

    /// A stream has ended, and its allocation with it.
    pub fn gone(&mut self, client: Client) {
        if let Some(allocation) = self.allocations.remove(&client) {
            self.clients.remove(&allocation.relayed);
            if let Some(count) = self.per_credential.get_mut(&allocation.username) {
                *count -= 1;
                if *count == 0 {
                    self.per_credential.remove(&allocation.username);
                }
            }
        }
    }

    /// Ends what nobody has refreshed.
    pub fn expire(&mut self, now: Instant) {
        let over = self.allocations.iter().filter(|(_, of)| of.until <= now).map(|(client, _)| *client);
        for client in over.collect::<Vec<_>>() {
            self.gone(client);
        }
        for allocation in self.allocations.values_mut() {
            allocation.permissions.retain(|_, until| *until > now);
            allocation.channels.retain(|_, (_, until)| *until > now);
        }
    }

    // ---- data ------------------------------------------------------------

    fn channel_data(&mut self, now: Instant, client: Client, bytes: &[u8]) -> Reaction {
        let [n0, n1, l0, l1, data @ ..] = bytes else {
            return Reaction::Nothing;
        };
        let number = u16::from_be_bytes([*n0, *n1]);
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        let to = self.allocations.get(&client).and_then(|of| of.channels.get(&number));
        match to {
            Some((to, until)) if *until > now && length <= data.len() => {
                self.deliver(now, client, *to, 4..4 + length)
            }
            _ => Reaction::Nothing,
        }
    }

    fn send(&mut self, now: Instant, client: Client, message: &Message<'_>) -> Reaction {
        let to = message.addresses(attribute::XOR_PEER_ADDRESS);
        match (to.as_deref(), message.place(attribute::DATA)) {
            (Some([to]), Some(data)) => self.deliver(now, client, *to, data),
            _ => Reaction::Nothing,
        }
    }

    fn deliver(&mut self, now: Instant, client: Client, to: SocketAddr, data: Range<usize>) -> Reaction {
        let is_ours = self.targets.contains(&to);
        let Some(allocation) = self.allocations.get_mut(&client) else {
            return Reaction::Nothing;
        };
        let permitted = allocation.permissions.get(&to.ip()).is_some_and(|until| *until > now);
        if !is_ours || !permitted || allocation.until <= now || !allocation.up.take(now, data.len() as f64) {
            return Reaction::Nothing;
        }
        Reaction::Deliver { relayed: allocation.relayed, to, data }
    }

    // ---- requests --------------------------------------------------------

    fn request(&mut self, now: Instant, unix_s: i64, client: Client, message: &Message<'_>) -> Vec<u8> {
        let no = |No(code, reason): No| {
            Writer::new(message.method, Class::Error, message.transaction).put_error(code, reason)
        };
        let key = match self.authenticate(now, unix_s, client, message) {
            Ok(key) => key,
            // Answers before the client is known cannot be signed.
            Err(refusal @ No(401 | 438, _)) => {
                let nonce = self.nonce(self.period(now), client);
                let told = no(refusal).put(attribute::REALM, REALM.as_bytes());
                return told.put(attribute::NONCE, nonce.as_bytes()).finish();
            }
            Err(refusal) => return no(refusal).finish(),
        };
        let strange = message.strange();
        if !strange.is_empty() {
            let numbers: Vec<u8> = strange.into_iter().flat_map(u16::to_be_bytes).collect();
            let told = no(No(420, "Unknown attribute")).put(attribute::UNKNOWN_ATTRIBUTES, &numbers);
            return told.finish_signed(&key);
        }
        let yes = Writer::new(message.method, Class::Success, message.transaction);
        let answer = match message.method {
            Method::Allocate => self.allocate(now, client, message, key, yes),
            Method::Refresh => self.refresh(now, client, message, yes),
            Method::CreatePermission => self.permit(now, client, message, yes),
            Method::ChannelBind => self.bind(now, client, message, yes),
            _ => Err(No(400, "Not a request")),
        };
        answer.unwrap_or_else(no).finish_signed(&key)
    }

    fn authenticate(
        &self,
        now: Instant,
        unix_s: i64,
        client: Client,
        message: &Message<'_>,
    ) -> Result<[u8; 16], No> {
        if message.get(attribute::MESSAGE_INTEGRITY).is_none() {
            return Err(No(401, "Unauthorized"));
        }
        let text = |number| message.text(number).ok_or(No(400, "Bad request"));
        let (username, nonce) = (text(attribute::USERNAME)?, text(attribute::NONCE)?);
        if text(attribute::REALM)? != REALM {
            return Err(No(401, "Unauthorized"));
        }
        let period = self.period(now);
        let is_own = |period| {
            let own = self.nonce(period, client);
            constant_time::verify_slices_are_equal(own.as_bytes(), nonce.as_bytes()).is_ok()
        };
        let is_fresh = is_own(period) || (period > 0 && is_own(period - 1));
        if !is_fresh {
            return Err(No(438, "Stale nonce"));
        }
        match self.allocations.get(&client) {
            // What has begun goes on beyond the credential's time, with the
            // credential it began with (RFC 8656 section 5).
            Some(own) if own.username != username => return Err(No(441, "Wrong credentials")),
            Some(own) if message.is_signed_with(&own.key) => return Ok(own.key),
            Some(_) => return Err(No(401, "Unauthorized")),
            None => {}
        }
        let key = self.offer.key_of(username);
        if !Offer::is_current(username, unix_s) || !message.is_signed_with(&key) {
            return Err(No(401, "Unauthorized"));
        }
        Ok(key)
    }

    fn period(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.start).as_secs() / NONCE_S
    }

    /// Bound to the client's address and a time, so that nothing is kept.
    fn nonce(&self, period: u64, client: Client) -> String {
        let tag = hmac::sign(&self.nonces, format!("{period} {client:?}").as_bytes());
        data_encoding::HEXLOWER.encode(&tag.as_ref()[..12])
    }

    fn allocate(
        &mut self,
        now: Instant,
        client: Client,
        message: &Message<'_>,
        key: [u8; 16],
        yes: Writer,
    ) -> Result<Writer, No> {
        if let Some(own) = self.allocations.get(&client) {
            // The answer to the first one was lost (RFC 8656 section 7.2).
            let is_again = own.transaction == message.transaction;
            let left = own.until.saturating_duration_since(now);
            let (relayed, again) = (own.relayed, yes);
            return is_again.then(|| allocated(again, relayed, client, left)).ok_or(No(437, "Mismatch"));
        }
        match message.get(attribute::REQUESTED_TRANSPORT) {
            Some([UDP, ..]) => {}
            Some(_) => return Err(No(442, "Only UDP is relayed")),
            None => return Err(No(400, "Bad request")),
        }
        let v6 = match message.get(attribute::REQUESTED_ADDRESS_FAMILY) {
            Some([1, ..]) => false,
            Some([2, ..]) => true,
            Some(_) => return Err(No(440, "Address family not supported")),
            None => !self.targets.iter().any(SocketAddr::is_ipv4),
        };
        if !self.targets.iter().any(|target| target.is_ipv6() == v6) {
            return Err(No(440, "Address family not supported"));
        }
        let username = message.text(attribute::USERNAME).unwrap_or_default().to_owned();
        if self.per_credential.get(&username).is_some_and(|count| *count >= EACH) {
            return Err(No(486, "Allocation quota reached"));
        }
        if self.allocations.len() >= ALL {
            return Err(No(508, "Insufficient capacity"));
        }
        let relayed = self.fresh_name(v6);
        let lifetime = wished(message);
        *self.per_credential.entry(username.clone()).or_default() += 1;
        self.clients.insert(relayed, client);
        let allocation = Allocation {
            username,
            key,
            relayed,
            transaction: message.transaction,
            until: now + lifetime,
            permissions: BTreeMap::new(),
            channels: BTreeMap::new(),
            up: Bucket::new(now, UP),
            down: Bucket::new(now, DOWN),
        };
        self.allocations.insert(client, allocation);
        Ok(allocated(yes, relayed, client, lifetime))
    }

    fn fresh_name(&mut self, v6: bool) -> SocketAddr {
        loop {
            let port = self.rng.random_range(1024..=u16::MAX);
            let [a, b, c]: [u8; 3] = self.rng.random();
            let ip = if v6 {
                let [n0, n1, n2, n3] = NAMES_V6;
                let (low, high) = (u16::from_be_bytes([a, b]), u16::from(c));
                IpAddr::V6(Ipv6Addr::new(n0, n1, n2, n3, 0, 0, high, low))
            } else {
                IpAddr::V4(Ipv4Addr::new(NAMES_V4, a, b, c))
            };
            let name = SocketAddr::new(ip, port);
            if !self.clients.contains_key(&name) {
                return name;
            }
        }
    }

    fn refresh(
        &mut self,
        now: Instant,
        client: Client,
        message: &Message<'_>,
        yes: Writer,
    ) -> Result<Writer, No> {
        let lifetime = match message.u32(attribute::LIFETIME) {
            Some(0) => Duration::ZERO,
            _ => wished(message),
        };
        match self.allocations.get_mut(&client) {
            _ if lifetime.is_zero() => self.gone(client),
            Some(own) => own.until = now + lifetime,
            None => return Err(No(437, "Allocation mismatch")),
        }
        Ok(yes.put_u32(attribute::LIFETIME, lifetime.as_secs() as u32))
    }

    /// The one wall between a client and the rest of the world: permission is
    /// given for the node's own media addresses and for nothing else.
    fn permit(
        &mut self,
        now: Instant,
        client: Client,
        message: &Message<'_>,
        yes: Writer,
    ) -> Result<Writer, No> {
        let own = self.allocations.get_mut(&client).ok_or(No(437, "Allocation mismatch"))?;
        let wanted = message.addresses(attribute::XOR_PEER_ADDRESS);
        let wanted = wanted.filter(|of| !of.is_empty()).ok_or(No(400, "Bad request"))?;
        if !wanted.iter().all(|to| self.targets.iter().any(|target| target.ip() == to.ip())) {
            return Err(No(403, "Only this server is reached through here"));
        }
        own.permissions.extend(wanted.iter().map(|to| (to.ip(), now + PERMISSION)));
        Ok(yes)
    }

    fn bind(
        &mut self,
        now: Instant,
        client: Client,
        message: &Message<'_>,
        yes: Writer,
    ) -> Result<Writer, No> {
        let own = self.allocations.get_mut(&client).ok_or(No(437, "Allocation mismatch"))?;
        let wanted = message.addresses(attribute::XOR_PEER_ADDRESS);
        let number = message.get(attribute::CHANNEL_NUMBER);
        let (Some([to]), Some([n0, n1, _, _])) = (wanted.as_deref(), number) else {
            return Err(No(400, "Bad request"));
        };
        let number = u16::from_be_bytes([*n0, *n1]);
        if !CHANNELS.contains(&number) {
            return Err(No(400, "Bad request"));
        }
        if !self.targets.contains(to) {
            return Err(No(403, "Only this server is reached through here"));
        }
        own.channels.retain(|_, (_, until)| *until > now);
        let clash = own.channels.iter().any(|(of, (bound, _))| (*of == number) != (bound == to));
        if clash {
            return Err(No(400, "Bound otherwise"));
        }
        if own.channels.len() >= CHANNELS_EACH && !own.channels.contains_key(&number) {
            return Err(No(508, "Insufficient capacity"));
        }
        own.channels.insert(number, (*to, now + CHANNEL));
        own.permissions.insert(to.ip(), now + PERMISSION);
        Ok(yes)
    }
}

fn allocated(yes: Writer, relayed: SocketAddr, client: Client, lifetime: Duration) -> Writer {
    yes.put_address(attribute::XOR_RELAYED_ADDRESS, relayed)
        .put_address(attribute::XOR_MAPPED_ADDRESS, client.1)
        .put_u32(attribute::LIFETIME, lifetime.as_secs() as u32)
}

fn wished(message: &Message<'_>) -> Duration {
    let wished = message.u32(attribute::LIFETIME).map(|s| Duration::from_secs(u64::from(s)));
    wished.map_or(LIFETIME.0, |wished| wished.clamp(LIFETIME.0, LIFETIME.1))
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
