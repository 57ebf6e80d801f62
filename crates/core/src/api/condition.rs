//! The conditions of a `NotebookRootAccessPolicy` and their reasons: every word of them that users see, written once.

use std::fmt;

/// The type of a condition. `Ready`, `Reconciling` and `Stalled` follow kstatus, so that `kubectl wait`, Argo CD and Flux
/// understand them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionType {
    /// The last pass covered the spec.
    Ready,
    /// The operator is at work on it: first scan, or remediation in flight.
    Reconciling,
    /// A person must act; never together with `Reconciling`, and `Ready` is False meanwhile.
    Stalled,
    /// No covered notebook that is not exempt gives its users root; Unknown where something could not be read.
    Compliant,
}

impl ConditionType {
    /// Every type, in the order in which they are shown.
    pub const ALL: [Self; 4] = [
        Self::Ready,
        Self::Reconciling,
        Self::Stalled,
        Self::Compliant,
    ];

    /// As it stands in `conditions[].type`.
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

/// Why a condition has its status. Conditions share the words: a stalled policy is not ready for the same reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionReason {
    /// `Ready` True: every target was read.
    Scanned,
    /// `Reconciling` and `Stalled` False: nothing is under way, nothing is wrong.
    AsExpected,
    /// `Ready` True: the spec was covered, but some targets could not be read.
    PartialScan,
    /// The policy is suspended; the results of the last scan are kept.
    Suspended,
    /// `Reconciling` True, `Ready` not: the first scan of this spec is under way.
    FirstScan,
    /// `Reconciling` True: remediations are in flight.
    Remediating,
    /// `Stalled` True, `Ready` False: the spec says something that no schema could refuse and that cannot be done.
    InvalidSpec,
    /// `Stalled` True, `Ready` False: no target lets the operator read it.
    EveryTargetDenied,
    /// `Ready` False, not stalled: no target could be read this time; it is tried again.
    NoTargetRead,
    /// `Stalled` True, `Ready` False: a remediation needs a person.
    NeedsAttention,
    /// `Stalled` True, `Ready` False: nothing new is begun in an account and region where too many remediations failed, or no running
    /// notebook of the policy is stopped because too many are down and need attention.
    Halted,
    /// `Compliant` True: everything was read, no covered notebook that is not exempt gives its users root.
    AllCompliant,
    /// `Compliant` False: at least one covered notebook gives its users root.
    RootAccessEnabled,
    /// `Compliant` Unknown: no violation was seen, but not everything could be read.
    IncompleteScan,
    /// `Compliant` Unknown: there was no scan yet.
    NotScanned,
}

impl ConditionReason {
    /// As it stands in `conditions[].reason`.
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
