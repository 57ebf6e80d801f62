//! worsen *(pure)*: which notebooks are worse off than at the last pass, for events.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::{
    api::{self, NotebookRootAccessPolicyStatus as Status},
    domain::{Evaluation, Finding, NotebookArn, Verdict},
};

/// The verdicts of a pass, to compare the next one with. A notebook that is not in it was compliant, or was not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline(HashMap<NotebookArn, Verdict>);

impl Baseline {
    /// What is known after a pass.
    #[must_use]
    pub fn after(evaluation: &Evaluation) -> Self {
        let verdicts = evaluation
            .findings
            .iter()
            .filter(|finding| finding.verdict != Verdict::Compliant)
            .map(|finding| (finding.notebook.summary.arn.clone(), finding.verdict));
        Self(verdicts.collect())
    }

    /// What is known after a restart of the operator. `None`: the status lists only the first findings, so that nobody
    /// knows what is new.
    #[must_use]
    pub fn from_status(status: Option<&Status>) -> Option<Self> {
        let Some(status) = status else {
            return Some(Self::default());
        };
        if status.findings_omitted > 0 {
            return None;
        }
        let verdicts = status.findings.iter().map(|finding| {
            let verdict = match finding.verdict {
                api::Verdict::Compliant => Verdict::Compliant,
                api::Verdict::Exempt => Verdict::Exempt,
                api::Verdict::Unknown => Verdict::Unknown,
                api::Verdict::NonCompliant => Verdict::NonCompliant,
            };
            (NotebookArn::from(finding.arn.as_str()), verdict)
        });
        Some(Self(verdicts.collect()))
    }

    /// Notebooks that came to violate the policy, or cannot be judged any more, since.
    pub fn worsened<'a>(&'a self, evaluation: &'a Evaluation) -> impl Iterator<Item = &'a Finding> {
        evaluation.findings.iter().filter(|finding| {
            let before = self
                .0
                .get(&finding.notebook.summary.arn)
                .copied()
                .unwrap_or(Verdict::Compliant);
            finding.verdict > before && finding.verdict >= Verdict::Unknown
        })
    }
}
