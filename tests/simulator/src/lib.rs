//! A stateful simulation of AWS over HTTP: `SageMaker`'s notebook instances, STS, and
//! `account:ListRegions`. For tests, the demo and benchmarks of sudoless.
//!
//! One endpoint (`AWS_ENDPOINT_URL`) serves every service. Service, region and key are read from
//! the `SigV4` credential scope. The account follows from the key. The operator's own key belongs
//! to the *home* account. A key issued by the simulator's `AssumeRole` belongs to the role's
//! account. Session tokens and their expiry are verified, signatures are not.
//!
//! ```no_run
//! use sagemaker_simulator::{
//!     Account, Effect, Fault, Fleet, Notebook, Operation, Options, Simulator, Status,
//! };
//!
//! let throttle = Effect::Throttle { rate: 10.0, burst: 20.0 };
//! let fleet = Fleet::new()
//!     .account(Account::new("111122223333").role_with_external_id("sudoless", "8f1c"))
//!     .notebook(Notebook::new("111122223333", "us-east-1", "churn-model").status(Status::Stopped))
//!     .fault(Fault::new(throttle).operation(Operation::DescribeNotebookInstance));
//! let simulator = Simulator::start(fleet, Options::default()).expect("it starts");
//! // … a client with the variables of simulator.env() …
//! assert_eq!(simulator.counters().writes(), 0);
//! ```
//!
//! # States
//! Guards, their messages and the transitions are AWS's (see [`Status`] and the tests). Transitions
//! take the times of [`Timings`], divided by [`Options::speed`].
//!
//! [`Assumptions`] holds every behaviour that no source confirms, and can change each:
//!
//! * acceptance of Update from `Failed`, and the message of its rejection
//! * effect of Update on `LastModifiedTime`
//! * order of the checks of permission and state
//! * error code of a disabled region
//! * messages for retired platforms and for tokens that do not match
//! * answer to Start with an accelerator
//! * sizes of pages
//!
//! # Platforms
//! [`Platforms`] are data. AWS rejects Start and Create on a retired platform, but running
//! notebooks keep running. Update moves a stopped notebook from a migratable platform to the
//! current one. `RootAccess` can be updated on every platform.
//!
//! # Order of checks
//! Latency, `hang` and `reset`, credentials, invalid keys, expired tokens, throttling, errors,
//! region, permission, existence, state, and finally platform and accelerators. Every [`Fault`] can
//! be scoped by account, region, operation and notebook, and limited by [`When`].
//!
//! # Admin interface
//! The methods of [`Simulator`] are also served over HTTP, as JSON in the form of the fleet file:
//!
//! | request | action |
//! |---|---|
//! | `GET`, `DELETE /_admin/counters` | shows, resets the counters |
//! | `GET`, `DELETE /_admin/writes` | shows, empties the log of writes |
//! | `GET /_admin/requests` | shows the last requests |
//! | `GET`, `POST`, `DELETE /_admin/faults` | lists all, sets one (returns its ID), removes all |
//! | `DELETE /_admin/faults/{id}` | removes one |
//! | `GET /_admin/notebooks` | lists all in their true state |
//! | `PUT /_admin/notebooks` | adds or replaces one |
//! | `GET`, `PATCH`, `DELETE /_admin/notebooks/{account}/{region}/{name}` | shows, changes the given fields of, removes one |
//! | `POST /_admin/notebooks/{account}/{region}/{name}/{stop,start,resize,enable-root,delete}` | performs an owner's act |
//! | `POST /_admin/notebooks/{account}/{region}/{name}/restart` | acts as another restarter, with a [`Restart`]; answers at the end |
//! | `PUT /_admin/accounts` | adds an account, or replaces its roles and regions |
//! | `PUT /_admin/timings` | sets the durations of transitions |
//! | `DELETE /_admin/sessions` | expires all issued credentials |
//! | `GET /_admin/credentials` | returns credentials of the home account like a container's agent (Pod Identity) |
//!
//! # Not simulated
//! Signatures, IAM policies (use faults instead), Organizations, the tagging API, lifecycle
//! scripts, quotas.

mod admin;
mod assumptions;
mod aws;
mod fault;
mod fleet;
mod instance;
mod ledger;
mod notebook;
mod operation;
mod owner;
mod platform;
pub mod regions;
mod restarter;
mod server;
mod sessions;
mod simulator;
mod world;

pub use assumptions::{AcceleratorStart, Assumptions};
pub use fault::{
    Effect, Fault, Loss, Scope, When,
    active::{ActiveFault, FaultId},
};
pub use fleet::{Account, Fleet, FleetError, Generate, GenerateError, Home, Role, Timings};
pub use ledger::{
    Counters, GONE, HANG, InFlight, LATE, OK, RESET, RequestCount, RequestRecord, Write,
};
pub use notebook::{Notebook, RootAccess, Status};
pub use operation::{Operation, Service};
pub use owner::{OwnerAct, Refused};
pub use platform::{Platform, Platforms};
pub use restarter::Restart;
pub use simulator::{Options, Simulator, StartError};
