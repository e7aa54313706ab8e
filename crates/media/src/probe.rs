//! The network test: a connection with one data channel whose bytes come back.
//! It belongs to no call, carries no media, and ends by itself.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::net::Protocol;

use crate::demux::Route;
use crate::env::Env;
use crate::ids::{CallKey, PeerKey, Side, TransportKey};
use crate::limits;
use crate::transport::{Channel, Transport, TransportEvent};

/// A way that has not answered by then does not work.
const LASTS: Duration = Duration::from_secs(20);
/// Tests at once on one worker.
const ALL: usize = 128;
/// Longest message that comes back, bytes.
const ECHO: usize = 1024;

/// Why there is no test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    #[error("too many network tests run at once")]
    Busy,
    #[error("the session description cannot be used")]
    Refused,
}

struct Probe {
    transport: Transport,
    until: Instant,
}

#[derive(Default)]
pub(crate) struct Probes(HashMap<CallKey, Probe>);

impl Probes {
    /// Takes a client's offer; the answer to send back.
    pub fn begin(&mut self, env: &mut Env, sdp: &str) -> Result<String, ProbeError> {
        if self.0.len() >= ALL {
            return Err(ProbeError::Busy);
        }
        if sdp.len() > limits::SDP {
            return Err(ProbeError::Refused);
        }
        let (call, peer) = (CallKey(env.fresh_key()), PeerKey(env.fresh_key()));
        let mut transport = Transport::new(env, TransportKey { call, peer, side: Side::Publisher });
        let answer = transport.accept_offer(env, sdp);
        let Ok(answer) = answer else {
            env.demux.forget(peer);
            return Err(ProbeError::Refused);
        };
        let probe = Probe { transport, until: env.now + LASTS };
        self.0.insert(call, probe);
        self.drive(env, call);
        Ok(answer)
    }

    pub fn datagram(
        &mut self,
        env: &mut Env,
        route: Route,
        proto: Protocol,
        source: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
    ) {
        let (Route::Known(key) | Route::Unproved(key)) = route;
        let Some(probe) = self.0.get_mut(&key.call) else {
            return;
        };
        if matches!(route, Route::Unproved(_)) {
            if !probe.transport.accepts(env.now, proto, source, to, bytes) {
                env.counters.datagrams_unroutable += 1;
                return;
            }
            env.demux.prove(proto, source, key);
        }
        let mut events = Vec::new();
        probe.transport.receive(env, proto, source, to, bytes, &mut events);
        self.take(env, key.call, events);
    }

    /// A connection's timer has come up.
    pub fn due(&mut self, env: &mut Env, entry: Instant, key: TransportKey) {
        if self.0.get_mut(&key.call).is_some_and(|probe| probe.transport.due(env, entry)) {
            self.drive(env, key.call);
        }
    }

    /// Ends what has lasted long enough.
    pub fn expire(&mut self, env: &mut Env) {
        let over = self.0.iter().filter(|(_, probe)| probe.until <= env.now).map(|(call, _)| *call);
        for call in over.collect::<Vec<_>>() {
            self.end(env, call);
        }
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        self.0.values().map(|probe| probe.until).min()
    }

    fn drive(&mut self, env: &mut Env, call: CallKey) {
        if let Some(probe) = self.0.get_mut(&call) {
            let mut events = Vec::new();
            probe.transport.drive(env, &mut events);
            self.take(env, call, events);
        }
    }

    fn take(&mut self, env: &mut Env, call: CallKey, events: Vec<TransportEvent>) {
        let mut echoed = false;
        for event in events {
            match event {
                TransportEvent::Data { channel: Channel::Reliable, bytes } if bytes.len() <= ECHO => {
                    if let Some(probe) = self.0.get_mut(&call) {
                        echoed |= probe.transport.send_data(Channel::Reliable, &bytes.into());
                    }
                }
                TransportEvent::Closed | TransportEvent::Broken => return self.end(env, call),
                _ => {}
            }
        }
        if echoed {
            self.drive(env, call);
        }
    }

    fn end(&mut self, env: &mut Env, call: CallKey) {
        if let Some(probe) = self.0.remove(&call) {
            env.demux.forget(probe.transport.key().peer);
        }
    }
}
