//! Acts of owners on their notebooks. They obey the same guards as requests, and are neither
//! counted nor logged.

use std::time::Instant;

use crate::{
    RootAccess,
    instance::{Changes, End, Transition},
    server::Shared,
};

/// Act of an owner on a notebook, with the same guards and transitions as a request. It is neither
/// counted nor logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerAct {
    /// `InService` → `Stopping` → `Stopped`.
    Stop,
    /// `Stopped` or `Failed` → `Pending` → `InService`.
    Start,
    /// `Stopped` or `Failed` → `Deleting` → gone.
    Delete,
    /// `Stopped` → `Updating` → `Stopped`, with another instance type.
    Resize,
    /// Sets `RootAccess: Enabled` at once, from any status, with the same result as a Terraform run
    /// that stopped, updated and started the notebook. Changes `LastModifiedTime`.
    EnableRoot,
}

/// Reason why an owner's act was rejected.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The notebook does not exist.
    #[error("RecordNotFound")]
    NotFound,
    /// The status does not allow the act. Contains AWS's message.
    #[error("{0}")]
    Status(String),
    /// The platform or an accelerator does not allow Start. Contains AWS's message.
    #[error("{0}")]
    Unsupported(String),
}

/// Returns another instance type.
fn next_type(instance_type: &str) -> &'static str {
    match instance_type {
        "ml.t3.large" => "ml.t3.xlarge",
        _ => "ml.t3.large",
    }
}

impl Shared {
    pub(crate) fn owner(
        &self,
        account: &str,
        region: &str,
        name: &str,
        act: OwnerAct,
    ) -> Result<(), Refused> {
        let now = Instant::now();
        let mut world = self.world();
        let (time, assumptions) = (world.timestamp(now), world.assumptions.clone());
        let instance = world
            .instance(account, region, name, now)
            .ok_or(Refused::NotFound)?;
        let transition = match act {
            OwnerAct::Stop => Transition::Stop,
            OwnerAct::Start => Transition::Start,
            OwnerAct::Resize => Transition::Update,
            OwnerAct::Delete => Transition::Delete,
            OwnerAct::EnableRoot => {
                instance.record.root_access = RootAccess::Enabled;
                instance.touch(time);
                return Ok(());
            }
        };
        let guard = transition.guard(&instance.record.status, &instance.arn, &assumptions);
        guard.map_err(Refused::Status)?;
        let record = instance.record.clone();
        let end = match act {
            OwnerAct::Start => {
                let end = world.platforms.check_start(&record, &assumptions);
                end.map_err(Refused::Unsupported)?
            }
            OwnerAct::Resize => Some(End::Apply(Changes {
                instance_type: Some(next_type(&record.instance_type).to_owned()),
                ..Changes::default()
            })),
            _ => None,
        };
        world.begin((account, region, name), transition, end, now);
        Ok(())
    }
}
