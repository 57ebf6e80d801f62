//! Ports for servers that cannot choose one themselves. etcd, for instance, must know its own
//! address before it starts.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::RangeInclusive;

use crate::Error;

/// Below the ranges of local ports for outgoing connections, on Linux (32768 up) and macOS (49152
/// up). Only another server could therefore take a port while the API server is stopped.
const RANGE: RangeInclusive<u16> = 20_000..=29_999;

/// More than enough unless nearly the whole range is in use.
const ATTEMPTS: usize = 1_000;

/// Returns `N` different ports that are free now. Another process may take one before the server
/// starts. The caller then starts again.
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
        // Held until all ports are chosen, so that they differ.
        held.push(listener);
    }
    Ok(ports)
}
