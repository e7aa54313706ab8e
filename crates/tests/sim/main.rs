//! The call node without sockets or clocks: simulated clients, a network with
//! loss and reordering, and time that jumps. Tests state what must hold, not
//! the steps that lead there.

mod calls;
mod codecs;
mod corpus;
mod grants;
mod hostile;
mod leaving;
mod lines;
mod loss;
mod moderate;
mod net;
mod security;
mod world;
