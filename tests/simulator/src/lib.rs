//! A stateful AWS over HTTP, as far as sudoless needs one: `SageMaker`'s notebook instances, STS, and
//! `account:ListRegions`, for tests, the demo and benchmarks.
//!
//! One endpoint (`AWS_ENDPOINT_URL`) serves every service. Service, region and key are read from the `SigV4` credential scope;
//! the account follows from the key: the operator's own key belongs to the *home* account, keys that the simulator's
//! `AssumeRole` handed out belong to the role's. Signatures are not verified; session tokens and their expiry are.
//!
//! ```no_run
//! use sagemaker_simulator::{Account, Effect, Fault, Fleet, Notebook, Operation, Options, Simulator, Status};
//!
//! let fleet = Fleet::new()
//!     .account(Account::new("111122223333").role_with_external_id("sudoless", "8f1c"))
//!     .notebook(Notebook::new("111122223333", "us-east-1", "churn-model").status(Status::Stopped))
//!     .fault(Fault::new(Effect::Throttle { rate: 10.0, burst: 20.0 }).operation(Operation::DescribeNotebookInstance));
//! let simulator = Simulator::start(fleet, Options::default()).expect("it starts");
//! // … a client with the variables of simulator.env() …
//! assert_eq!(simulator.counters().writes(), 0);
//! ```
//!
//! # States
//! Guards, their messages and the transitions are AWS's (see [`Status`] and the tests). Transitions take the times of
//! [`Timings`], divided by [`Options::speed`].
//!
//! What no source confirms of AWS is kept in one place, [`Assumptions`], and can be turned round there: whether Update is
//! accepted from `Failed` and what its refusal says, whether it moves `LastModifiedTime`, whether permission is looked at
//! before state, the code of a disabled region, the words for retired platforms, the answer to Start with an accelerator, the
//! words for a token that does not fit, the sizes of pages.
//!
//! # Platforms
//! [`Platforms`] are data. AWS refuses Start and Create on a retired platform; a notebook that runs on it goes on. Update moves a
//! stopped notebook from a migratable platform to the current one. `RootAccess` can be updated on every platform.
//!
//! # Order of judgement
//! Latency; `hang` and `reset`; credentials; invalid keys, expired tokens, throttling, errors; region; permission; existence;
//! state; platform and accelerators. Every [`Fault`] can be scoped by account, region, operation and notebook, and limited by
//! [`When`].
//!
//! # Admin interface
//! The methods of [`Simulator`], and over HTTP, as JSON in the form of the fleet file:
//!
//! | request | does |
//! |---|---|
//! | `GET`, `DELETE /_admin/counters` | shows, zeroes the counters |
//! | `GET`, `DELETE /_admin/writes` | shows, empties the log of writes |
//! | `GET /_admin/requests` | shows the last requests |
//! | `GET`, `POST`, `DELETE /_admin/faults` | lists all, sets one (answers its id), clears all |
//! | `DELETE /_admin/faults/{id}` | removes one |
//! | `GET /_admin/notebooks` | lists all, as they truly are |
//! | `PUT /_admin/notebooks` | adds or replaces one |
//! | `GET`, `PATCH`, `DELETE /_admin/notebooks/{account}/{region}/{name}` | shows, changes the given fields of, removes one |
//! | `POST /_admin/notebooks/{account}/{region}/{name}/{stop,start,resize,enable-root,delete}` | an owner's act |
//! | `POST /_admin/notebooks/{account}/{region}/{name}/restart` | acts as another restarter, with a [`Restart`]; answers at the end |
//! | `PUT /_admin/accounts` | adds an account, or replaces its roles and regions |
//! | `PUT /_admin/timings` | sets the times of transition |
//! | `DELETE /_admin/sessions` | expires all credentials that were handed out |
//! | `GET /_admin/credentials` | credentials of the home account as a container's agent hands them out (Pod Identity) |
//!
//! # Not simulated
//! Signatures, IAM policies (faults stand for them), Organizations, the tagging API, lifecycle scripts, quotas.

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
