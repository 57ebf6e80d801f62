//! A starter `NotebookRootAccessPolicy` to edit.

use std::fmt::Write as _;

use super::{document::yaml_scalar, input::KubernetesName};
use crate::domain::{Access, AccountId, Mode, Region};

/// Values of a starter policy.
#[derive(Clone, Debug)]
pub struct Starter {
    /// Name of the policy.
    pub name: KubernetesName,
    /// Mode of the policy.
    pub mode: Mode,
    /// Accounts, at least one, each listed once.
    pub accounts: Vec<AccountId>,
    /// Access to the accounts, the same for each.
    pub access: Access,
    /// Regions. If empty, every region that is enabled for the account.
    pub regions: Vec<Region>,
}

/// Returns the policy as YAML, with comments that explain it.
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
        mode = starter.mode,
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
# Show the findings with `kubectl get nrap`, then `kubectl get nrap NAME -o yaml`.
";

const ENFORCE: &str = "\
# Disables root access of notebooks. A running notebook is stopped, updated and started again: files in
# /home/ec2-user/SageMaker stay, kernels end. Run the policy with `mode: Audit` first and look at its findings.
";

const EXEMPTIONS: &str = "  # Notebooks that may keep root access, each with a reason:
  # exemptions:
  #   - reason: needs rootful Docker until the image is ported
  #     names:
  #       - legacy-*
  #     expiresAt: \"2027-01-31T00:00:00Z\"
";

const REMEDIATION: &str = "  remediation:
    # Wait: update a notebook only after its owner has stopped it.
    whenRunning: Restart
    maxConcurrent: 1
    maxConcurrentPerRegion: 1
    maxFailures: 1
    # Without windows, notebooks are restarted at any time.
    windows:
      - schedule: 0 2 * * SAT
        duration: 4h
        timeZone: UTC
";
