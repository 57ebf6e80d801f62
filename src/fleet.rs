//! The accounts and regions that policies name, as AWS last described them.
//!
//! [`Fleet`] is the shared cache. Policies subscribe to targets. A target is read in the
//! background, once for all its subscribers. A target without a subscriber is dropped. An
//! observation waits until a deadline, so that a slow or failing target never delays the results of
//! the others (promise P8).

mod breaker;
mod cache;
mod deadline;
mod limit;
mod observer;
mod options;
mod regions;
mod scan;
mod shared;
mod single_flight;
mod target;

pub use self::{
    cache::{Fleet, Observation, Subscription},
    observer::Observer,
    options::{Freshness, OnMissing, Options},
    target::Seen,
};
