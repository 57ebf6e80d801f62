//! `sudoless scan`: the real program against a simulated AWS, beside the operator on a real API
//! server where the two must agree.

mod agreement;
mod by_hand;
mod formats;
mod input;
mod interruption;
mod program;
mod standards;
mod unread;
