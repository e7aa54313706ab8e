//! The call node without sockets or clocks: simulated clients, a network with
//! loss and reordering, and time that jumps. Tests state what must hold, not
//! the steps that lead there.

mod calls;
mod grants;
mod hostile;
mod leaving;
mod loss;
mod net;
mod world;
