//! The relay, spoken to as clients do, and as nobody should.

use proptest::prelude::*;
use rand::SeedableRng;

use super::*;

const CLIENT: Client = (Via::Udp(0), SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)), 50_000));
const OURS: &str = "203.0.113.9:7882";
const OURS_V6: &str = "[2a02::9]:7882";
const UNIX: i64 = 1_000_000;

/// A client with its credential and the nonce it was given.
struct Speaker {
    server: Server,
    now: Instant,
    who: Client,
    username: String,
    key: [u8; 16],
    nonce: Vec<u8>,
    transaction: u8,
}

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn speaker() -> Speaker {
    let now = crate::some_instant();
    let offer = Offer::new(&[7; 32], 3478, None);
    let (username, _) = offer.credentials("PA_ann", UNIX, 600);
    let key = offer.key_of(&username);
    let mut server = Server::new(now, offer, StdRng::from_seed([1; 32]));
    server.set_targets([at(OURS), at(OURS_V6)]);
    let mut speaker = Speaker { server, now, who: CLIENT, username, key, nonce: Vec::new(), transaction: 0 };
    speaker.learn_nonce();
    speaker
}

impl Speaker {
    fn raw(&mut self, bytes: &[u8]) -> Reaction {
        self.server.receive(self.now, UNIX, self.who, bytes)
    }

    fn learn_nonce(&mut self) {
        let hello = Writer::new(Method::Allocate, Class::Request, [0; 12]).finish();
        let Reaction::Reply(answer) = self.raw(&hello) else { panic!("no answer") };
        let answer = Message::read(&answer).unwrap();
        assert_eq!(code(&answer), 401);
        assert_eq!(answer.get(attribute::REALM), Some(REALM.as_bytes()));
        self.nonce = answer.get(attribute::NONCE).unwrap().to_vec();
    }

    /// Asks with the credential; the code of the answer, 0 for yes.
    fn ask(&mut self, method: Method, with: impl Fn(Writer) -> Writer) -> (u16, Vec<u8>) {
        self.transaction += 1;
        let writer = Writer::new(method, Class::Request, [self.transaction; 12])
            .put(attribute::USERNAME, self.username.as_bytes())
            .put(attribute::REALM, REALM.as_bytes())
            .put(attribute::NONCE, &self.nonce);
        let bytes = with(writer).finish_signed(&self.key);
        let Reaction::Reply(answer) = self.raw(&bytes) else { panic!("no answer") };
        (code(&Message::read(&answer).unwrap()), answer)
    }

    fn allocate(&mut self) -> (u16, Vec<u8>) {
        self.ask(Method::Allocate, |w| w.put(attribute::REQUESTED_TRANSPORT, &[17, 0, 0, 0]))
    }

    fn permit(&mut self, to: SocketAddr) -> u16 {
        self.ask(Method::CreatePermission, |w| w.put_address(attribute::XOR_PEER_ADDRESS, to)).0
    }

    fn bind(&mut self, channel: u16, to: SocketAddr) -> u16 {
        let number = [channel.to_be_bytes(), [0, 0]].concat();
        self.ask(Method::ChannelBind, |w| {
            w.put(attribute::CHANNEL_NUMBER, &number).put_address(attribute::XOR_PEER_ADDRESS, to)
        })
        .0
    }

    fn send(&mut self, to: SocketAddr, data: &[u8]) -> Reaction {
        let bytes = Writer::new(Method::Send, Class::Indication, [9; 12])
            .put_address(attribute::XOR_PEER_ADDRESS, to)
            .put(attribute::DATA, data)
            .finish();
        self.raw(&bytes)
    }
}

fn code(answer: &Message<'_>) -> u16 {
    answer.get(attribute::ERROR_CODE).map_or(0, |value| u16::from(value[2]) * 100 + u16::from(value[3]))
}

fn relayed(answer: &[u8]) -> SocketAddr {
    Message::read(answer).unwrap().addresses(attribute::XOR_RELAYED_ADDRESS).unwrap()[0]
}

#[test]
fn a_client_reaches_the_media_port_and_hears_from_it() {
    let mut client = speaker();
    let (code, answer) = client.allocate();
    assert_eq!(code, 0);
    let message = Message::read(&answer).unwrap();
    assert!(message.is_signed_with(&client.key));
    assert_eq!(message.addresses(attribute::XOR_MAPPED_ADDRESS), Some(vec![CLIENT.1]));
    let own = relayed(&answer);
    assert!(is_relayed(own));
    // Nothing passes before it is asked for.
    assert_eq!(client.send(at(OURS), b"x"), Reaction::Nothing);
    assert!(client.server.send_to(client.now, own, at(OURS), b"x").is_none());
    assert_eq!(client.permit(at(OURS)), 0);
    let Reaction::Deliver { relayed, to, data } = client.send(at(OURS), b"ping") else { panic!() };
    assert_eq!((relayed, to, data.len()), (own, at(OURS), 4));
    let (to, packet) = client.server.send_to(client.now, own, at(OURS), b"pong").unwrap();
    assert_eq!(to, CLIENT);
    assert_eq!(Message::read(&packet).unwrap().get(attribute::DATA), Some(&b"pong"[..]));
    // By channel it costs four bytes.
    assert_eq!(client.bind(0x4001, at(OURS)), 0);
    let (_, packet) = client.server.send_to(client.now, own, at(OURS), b"pong").unwrap();
    assert_eq!(packet, b"\x40\x01\0\x04pong");
    let reaction = client.raw(b"\x40\x01\0\x04ping");
    assert_eq!(reaction, Reaction::Deliver { relayed: own, to: at(OURS), data: 4..8 });
}

/// OWASP ASVS 5 17.1.1: the relay reaches no address that is reserved for a
/// special purpose, nor any other that is not this server's own for media.
#[test]
fn no_other_address_is_reached() {
    let foreign = [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.10",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "8.8.8.8",
        "::",
        "::1",
        "::ffff:203.0.113.9",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "fc00::1",
        "fe80::1",
        "ff02::1",
        "2a00::1",
    ];
    let mut client = speaker();
    client.allocate();
    for ip in foreign {
        let to = SocketAddr::new(ip.parse().unwrap(), 7882);
        assert_eq!(client.permit(to), 403, "{ip}");
        assert_eq!(client.bind(0x4001, to), 403, "{ip}");
        assert_eq!(client.send(to, b"x"), Reaction::Nothing, "{ip}");
    }
    // One of ours among them gives no permission for either.
    let both = client.ask(Method::CreatePermission, |w| {
        w.put_address(attribute::XOR_PEER_ADDRESS, at(OURS))
            .put_address(attribute::XOR_PEER_ADDRESS, at("127.0.0.1:7882"))
    });
    assert_eq!(both.0, 403);
    assert_eq!(client.send(at(OURS), b"x"), Reaction::Nothing);
    // Our address, but another port of it: the API, the database, SSH.
    assert_eq!(client.permit(at(OURS)), 0);
    for port in [1, 22, 80, 443, 5432, 7881, 7883] {
        let to = SocketAddr::new(at(OURS).ip(), port);
        assert_eq!(client.bind(0x4001, to), 403);
        assert_eq!(client.send(to, b"x"), Reaction::Nothing);
    }
}

#[test]
fn only_the_credential_of_a_join_lets_in() {
    let mut client = speaker();
    let right = client.key;
    client.key = [0; 16];
    assert_eq!(client.allocate().0, 401, "wrong password");
    client.key = right;
    let username = std::mem::replace(&mut client.username, "2000000:PA_ann".to_owned());
    assert_eq!(client.allocate().0, 401, "a later end than was signed");
    client.username = username;
    client.nonce[0] ^= 1;
    assert_eq!(client.allocate().0, 438, "not our nonce");
    client.learn_nonce();
    assert_eq!(client.allocate().0, 0);
    // Somebody else's nonce and address.
    client.who.1.set_port(50_001);
    assert_eq!(client.allocate().0, 438);
    client.who = CLIENT;
    // What was begun goes on with its credential, and with no other.
    let offer = Offer::new(&[7; 32], 3478, None);
    let (other, _) = offer.credentials("PA_ben", UNIX, 600);
    (client.key, client.username) = (offer.key_of(&other), other);
    assert_eq!(client.permit(at(OURS)), 441);
}

#[test]
fn an_expired_credential_begins_nothing_and_goes_on() {
    let mut client = speaker();
    assert_eq!(client.allocate().0, 0);
    let late = |client: &mut Speaker, method, lifetime: u32| {
        let bytes = Writer::new(method, Class::Request, [99; 12])
            .put(attribute::USERNAME, client.username.as_bytes())
            .put(attribute::REALM, REALM.as_bytes())
            .put(attribute::NONCE, &client.nonce)
            .put_u32(attribute::LIFETIME, lifetime)
            .put(attribute::REQUESTED_TRANSPORT, &[17, 0, 0, 0])
            .finish_signed(&client.key);
        let Reaction::Reply(answer) = client.server.receive(client.now, UNIX + 600, client.who, &bytes)
        else {
            panic!()
        };
        code(&Message::read(&answer).unwrap())
    };
    assert_eq!(late(&mut client, Method::Refresh, 600), 0);
    assert_eq!(late(&mut client, Method::Refresh, 0), 0);
    assert_eq!(client.server.len(), 0);
    assert_eq!(late(&mut client, Method::Allocate, 600), 401);
}

#[test]
fn quotas_and_times_hold() {
    let mut client = speaker();
    for port in 0..EACH as u16 {
        client.who.1.set_port(1000 + port);
        client.learn_nonce();
        assert_eq!(client.allocate().0, 0);
    }
    client.who.1.set_port(5000);
    client.learn_nonce();
    assert_eq!(client.allocate().0, 486);
    let gone = (client.who.0, SocketAddr::new(client.who.1.ip(), 1000));
    client.server.gone(gone);
    let (code, answer) = client.allocate();
    assert_eq!(code, 0);
    let own = relayed(&answer);
    assert_eq!(client.permit(at(OURS)), 0);
    client.now += PERMISSION;
    assert_eq!(client.send(at(OURS), b"x"), Reaction::Nothing, "permissions end");
    assert_eq!(client.permit(at(OURS)), 0);
    client.now += LIFETIME.0 - PERMISSION;
    client.server.expire(client.now);
    assert_eq!(client.server.len(), 0);
    assert!(client.server.send_to(client.now, own, at(OURS), b"x").is_none());
    assert!(client.server.clients.is_empty() && client.server.per_credential.is_empty());
}

#[test]
fn a_flood_is_held_to_its_share() {
    let mut client = speaker();
    client.allocate();
    client.permit(at(OURS));
    let (data, mut passed) = ([0; 1200], 0);
    for _ in 0..10_000 {
        passed += usize::from(client.send(at(OURS), &data) != Reaction::Nothing);
    }
    assert_eq!(passed, (UP.1 / 1200.0) as usize);
}

#[test]
fn a_repeated_or_odd_request_is_answered_as_the_standard_says() {
    let mut client = speaker();
    let (_, first) = client.allocate();
    client.transaction -= 1;
    let (code, again) = client.allocate();
    assert_eq!((code, relayed(&again)), (0, relayed(&first)), "the answer was lost");
    assert_eq!(client.allocate().0, 437, "a second one");
    let odd = client.ask(Method::Refresh, |w| w.put(0x7fff, &[]));
    assert_eq!(odd.0, 420);
    client.ask(Method::Refresh, |w| w.put_u32(attribute::LIFETIME, 0));
    let transport = |n| move |w: Writer| w.put(attribute::REQUESTED_TRANSPORT, &[n, 0, 0, 0]);
    assert_eq!(client.ask(Method::Allocate, transport(6)).0, 442, "TCP to others");
    assert_eq!(client.ask(Method::Allocate, |w| w).0, 400);
    let v6 = client.ask(Method::Allocate, |w| {
        w.put(attribute::REQUESTED_TRANSPORT, &[17, 0, 0, 0])
            .put(attribute::REQUESTED_ADDRESS_FAMILY, &[2, 0, 0, 0])
    });
    assert!(v6.0 == 0 && relayed(&v6.1).is_ipv6());
    assert_eq!(client.permit(at(OURS_V6)), 0);
    assert_eq!(client.bind(0x3fff, at(OURS)), 400, "no channel number");
    assert_eq!(client.bind(0x4000, at(OURS_V6)), 0);
    assert_eq!(client.bind(0x4000, at(OURS)), 400, "bound otherwise");
}

proptest! {
    #[test]
    fn broken_messages_hurt_nobody(
        at_byte in 0..200_usize, byte: u8, cut in 0..200_usize, junk in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut client = speaker();
        client.allocate();
        client.bind(0x4001, at(OURS));
        let good = Writer::new(Method::ChannelBind, Class::Request, [1; 12])
            .put(attribute::USERNAME, client.username.as_bytes())
            .put(attribute::REALM, REALM.as_bytes())
            .put(attribute::NONCE, &client.nonce)
            .put(attribute::CHANNEL_NUMBER, &[0x40, 2, 0, 0])
            .put_address(attribute::XOR_PEER_ADDRESS, at(OURS_V6))
            .finish_signed(&client.key);
        let mut bytes = good.clone();
        let index = at_byte % bytes.len();
        bytes[index] ^= byte;
        bytes.truncate(cut.max(1));
        for bytes in [&bytes[..], &junk[..], &[&[0x40, 1][..], &junk].concat()] {
            if let Reaction::Deliver { to, data, .. } = client.raw(bytes) {
                prop_assert!(to == at(OURS) && data.end <= bytes.len());
            }
        }
        let still = client.send(at(OURS), b"x");
        prop_assert!(matches!(still, Reaction::Deliver { .. }), "{still:?}");
    }
}
