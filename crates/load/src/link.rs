//! One peer connection of a load peer with its own socket. Runs of datagrams
//! are taken whole: what taking them one by one costs would be charged, on one
//! machine, to the server that sends them.

use std::io::IoSliceMut;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use anyhow::{Context, Result};
use quinn_udp::{RecvMeta, UdpSocketState};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// Reads in a row before others get their turn.
const BATCH: usize = 64;
/// Bytes of the longest run of datagrams.
const RUN: usize = 65_536;

pub struct Link {
    pub rtc: Rtc,
    socket: UdpSocket,
    state: UdpSocketState,
    at: SocketAddr,
    pub wake: Instant,
    buffer: Vec<u8>,
}

impl Link {
    /// On a free port of this machine's address.
    pub async fn bind(ip: IpAddr) -> Result<Self> {
        let socket = UdpSocket::bind((ip, 0)).await.with_context(|| format!("no socket on {ip}"))?;
        let at = socket.local_addr()?;
        let now = Instant::now();
        let rtc = Rtc::builder().set_rtp_mode(true).clear_codecs().enable_opus(true, false).enable_vp8(true);
        let mut rtc = rtc.build(now);
        rtc.add_local_candidate(Candidate::host(at, Protocol::Udp)?);
        let state = UdpSocketState::new((&socket).into())?;
        Ok(Self { rtc, socket, state, at, wake: now, buffer: vec![0; RUN] })
    }

    /// Lets time pass, sends what was written, takes what has come.
    pub fn drive(&mut self, events: &mut Vec<Event>) -> Result<()> {
        self.rtc.handle_input(Input::Timeout(Instant::now()))?;
        self.poll(events)?;
        let mut buffer = std::mem::take(&mut self.buffer);
        for _ in 0..BATCH {
            let mut meta = [RecvMeta::default()];
            let read = self.socket.try_io(Interest::READABLE, || {
                self.state.recv((&self.socket).into(), &mut [IoSliceMut::new(&mut buffer)], &mut meta)
            });
            let [meta] = meta;
            if read.unwrap_or(0) == 0 {
                break;
            }
            for datagram in buffer[..meta.len].chunks(meta.stride.max(1)) {
                let Ok(receive) = Receive::new(Protocol::Udp, meta.addr, self.at, datagram) else { continue };
                self.rtc.handle_input(Input::Receive(Instant::now(), receive))?;
                self.poll(events)?;
            }
        }
        self.buffer = buffer;
        Ok(())
    }

    fn poll(&mut self, events: &mut Vec<Event>) -> Result<()> {
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(at) => {
                    self.wake = at;
                    return Ok(());
                }
                // A full buffer loses packets, as networks do.
                Output::Transmit(t) => drop(self.socket.try_send_to(&t.contents, t.destination)),
                Output::Event(event) => events.push(event),
            }
        }
    }

    /// Waits for a datagram.
    pub async fn readable(&self) -> Result<()> {
        Ok(self.socket.readable().await?)
    }
}
