//! Ports for servers that cannot be told to choose one themselves (etcd must know its own address before it starts).

use std::net::{Ipv4Addr, TcpListener};
use std::ops::RangeInclusive;

use crate::Error;

/// Below the ranges from which Linux (32768 up) and macOS (49152 up) take the local port of an outgoing connection, so that a
/// port stays ours while the API server is stopped, and only another server could take it.
const RANGE: RangeInclusive<u16> = 20_000..=29_999;

/// Far more than enough unless nearly the whole range is in use.
const ATTEMPTS: usize = 1_000;

/// `N` different ports that were free a moment ago. Another process may take one before its server does: then start again.
pub(crate) fn free<const N: usize>() -> Result<[u16; N], Error> {
    let mut held: Vec<TcpListener> = Vec::with_capacity(N);
    let mut ports = [0; N];
    for slot in &mut ports {
        let (port, listener) = (0..ATTEMPTS)
            .map(|_| fastrand::u16(RANGE))
            .find_map(|port| Some((port, TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?)))
            .ok_or(Error::NoFreePort {
                first: *RANGE.start(),
                last: *RANGE.end(),
            })?;
        *slot = port;
        // Held until all are chosen, so that they differ.
        held.push(listener);
    }
    Ok(ports)
}
