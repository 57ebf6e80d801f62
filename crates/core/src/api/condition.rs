//! The conditions of a `NotebookRootAccessPolicy` and their reasons. Each word that users see is
//! written here once.

use strum::{Display, IntoStaticStr, VariantArray};

/// The type of a condition. `Ready`, `Reconciling` and `Stalled` follow kstatus, so that
/// `kubectl wait`, Argo CD and Flux understand them.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Display, IntoStaticStr, VariantArray,
)]
pub enum ConditionType {
    /// The last pass covered the spec.
    Ready,
    /// The operator is at work on the policy: the first scan or a remediation is in progress.
    Reconciling,
    /// A person must act. Never True together with `Reconciling`; `Ready` is False meanwhile.
    Stalled,
    /// Every covered notebook has root access disabled or is exempt. Unknown if a notebook or
    /// target could not be read.
    Compliant,
}

impl ConditionType {
    /// Returns the value of `conditions[].type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The reason of a condition's status. Several conditions share a reason: a stalled policy is not
/// ready for the same reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Display, IntoStaticStr)]
pub enum ConditionReason {
    /// `Ready` True: every target was read.
    Scanned,
    /// `Reconciling` and `Stalled` False: nothing is in progress, and nothing is wrong.
    AsExpected,
    /// `Ready` True: the scan covered the spec, but some targets could not be read.
    PartialScan,
    /// The policy is suspended. The results of the last scan are kept.
    Suspended,
    /// `Reconciling` True, `Ready` Unknown: the first scan of this spec is in progress.
    FirstScan,
    /// `Reconciling` True: remediations are in progress.
    Remediating,
    /// `Stalled` True, `Ready` False: the spec is invalid in a way that the schema cannot reject.
    InvalidSpec,
    /// `Stalled` True, `Ready` False: every target denies the operator access.
    EveryTargetDenied,
    /// `Ready` False, not stalled: no target could be read. The next scan tries again.
    NoTargetRead,
    /// `Stalled` True, `Ready` False: a remediation needs a person.
    NeedsAttention,
    /// `Stalled` True, `Ready` False. Either too many remediations failed in an account and region,
    /// where nothing new begins. Or too many notebooks are down and need attention, and no running
    /// notebook of the policy is stopped.
    Halted,
    /// `Compliant` True: everything was read, and every covered notebook has root access disabled
    /// or is exempt.
    AllCompliant,
    /// `Compliant` False: at least one covered notebook gives its users root.
    RootAccessEnabled,
    /// `Compliant` Unknown: no violation was found, but some targets or notebooks could not be
    /// read.
    IncompleteScan,
    /// `Compliant` Unknown: no scan has judged this spec yet.
    NotScanned,
}

impl ConditionReason {
    /// Returns the value of `conditions[].reason`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
