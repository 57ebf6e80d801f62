//! Remediation end to end: the operator's own program, a real API server, a simulated AWS that is
//! in a hurry.

mod adoption;
mod api_server;
mod attention;
mod brake;
mod changes;
mod claims;
mod crash;
mod cycle;
mod faults;
mod guards;
mod kinds;
mod long_runs;
mod outages;
mod owners;
mod panics;
mod platforms;
mod rests;
mod versions;
