//! The dashboard in `config/grafana`: it is laid out well, uses metrics that exist, and shows
//! something in every panel once an operator has audited and enforced.

pub mod dashboard;
pub mod eventful;
mod layout;
mod live;
