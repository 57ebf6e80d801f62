//! A first `NotebookRootAccessPolicy`, to be edited.

use std::fmt::Write as _;

use super::{document::yaml_scalar, input::KubernetesName};
use crate::domain::{Access, AccountId, Mode, Region};

/// What a first policy says.
#[derive(Clone, Debug)]
pub struct Starter {
    /// Its name.
    pub name: KubernetesName,
    /// Whether root is also taken away.
    pub mode: Mode,
    /// The accounts; at least one, each once.
    pub accounts: Vec<AccountId>,
    /// How they are entered; the same in each.
    pub access: Access,
    /// The regions; none: every region that is enabled for the account.
    pub regions: Vec<Region>,
}

/// The policy as YAML, with comments that say what to do with it.
#[must_use]
pub fn starter(starter: &Starter) -> String {
    let mut text = String::from(match starter.mode {
        Mode::Audit => AUDIT,
        Mode::Enforce => ENFORCE,
    });
    _ = write!(
        text,
        "apiVersion: sudoless.dev/v1alpha1
kind: NotebookRootAccessPolicy
metadata:
  name: {name}
spec:
  mode: {mode}
  accounts:
",
        name = yaml_scalar(starter.name.as_str()),
        mode = match starter.mode {
            Mode::Audit => "Audit",
            Mode::Enforce => "Enforce",
        },
    );
    for account in &starter.accounts {
        _ = writeln!(text, "    - id: {}", yaml_scalar(account.as_str()));
        if let Some(role) = &starter.access.role {
            _ = writeln!(text, "      role: {}", yaml_scalar(role.as_str()));
        }
        if let Some(external_id) = &starter.access.external_id {
            _ = writeln!(
                text,
                "      externalId: {}",
                yaml_scalar(external_id.as_str())
            );
        }
    }
    text.push_str("  regions:\n");
    if starter.regions.is_empty() {
        text.push_str("    - \"*\" # every region that is enabled for the account\n");
    }
    for region in &starter.regions {
        _ = writeln!(text, "    - {region}");
    }
    text.push_str(EXEMPTIONS);
    if starter.mode == Mode::Enforce {
        text.push_str(REMEDIATION);
    }
    text
}

const AUDIT: &str = "\
# Reports which notebooks give their users root, and changes nothing in AWS.
# What is found: `kubectl get nrap`, then `kubectl get nrap NAME -o yaml`.
";

const ENFORCE: &str = "\
# Takes root away from notebooks. One that is running is stopped, updated and started again: files in
# /home/ec2-user/SageMaker stay, kernels end. Run it with `mode: Audit` first and look at what it would do.
";

const EXEMPTIONS: &str = "  # Notebooks that may keep root, each with a reason:
  # exemptions:
  #   - reason: needs rootful Docker until the image is ported
  #     names:
  #       - legacy-*
  #     expiresAt: \"2027-01-31T00:00:00Z\"
";

const REMEDIATION: &str = "  remediation:
    # Wait: only when its owner has stopped the notebook.
    whenRunning: Restart
    maxConcurrent: 1
    maxConcurrentPerRegion: 1
    maxFailures: 1
    # Without windows, at any time of day.
    windows:
      - schedule: 0 2 * * SAT
        duration: 4h
        timeZone: UTC
";
