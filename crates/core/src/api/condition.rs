//! The conditions of a `NotebookRootAccessPolicy` and their reasons. Each word that users see is
//! written here once.

use std::fmt;

/// The type of a condition. `Ready`, `Reconciling` and `Stalled` follow kstatus, so that
/// `kubectl wait`, Argo CD and Flux understand them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// Every type, in display order.
    pub const ALL: [Self; 4] = [
        Self::Ready,
        Self::Reconciling,
        Self::Stalled,
        Self::Compliant,
    ];

    /// Returns the value of `conditions[].type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
            Self::Compliant => "Compliant",
        }
    }
}

impl fmt::Display for ConditionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The reason of a condition's status. Several conditions share a reason: a stalled policy is not
/// ready for the same reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scanned => "Scanned",
            Self::AsExpected => "AsExpected",
            Self::PartialScan => "PartialScan",
            Self::Suspended => "Suspended",
            Self::FirstScan => "FirstScan",
            Self::Remediating => "Remediating",
            Self::InvalidSpec => "InvalidSpec",
            Self::EveryTargetDenied => "EveryTargetDenied",
            Self::NoTargetRead => "NoTargetRead",
            Self::NeedsAttention => "NeedsAttention",
            Self::Halted => "Halted",
            Self::AllCompliant => "AllCompliant",
            Self::RootAccessEnabled => "RootAccessEnabled",
            Self::IncompleteScan => "IncompleteScan",
            Self::NotScanned => "NotScanned",
        }
    }
}

impl fmt::Display for ConditionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
