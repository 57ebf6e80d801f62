//! The pure core of sudoless: the custom resources, the checked types, and every decision.
//!
//! Nothing here reads a clock, sends a request or logs. The crate depends on no async runtime, on
//! no client of AWS or Kubernetes, and on no metrics. The crate `sudoless` does all of that around
//! it; its first page has the terms, the two loops and where to look.
//!
//! | module | content |
//! |---|---|
//! | [`api`] | the custom resources, as data and schema |
//! | [`domain`] | checked types: account, region, notebook, policy, record |
//! | [`decide`] | all decisions |

pub mod api;
pub mod decide;
pub mod domain;
