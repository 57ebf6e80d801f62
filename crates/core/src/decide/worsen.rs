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
pub struct Baseline(HashMap<NotebookArn, Known>);

/// What is known of a notebook that was not plainly compliant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    verdict: Verdict,
    /// It violated the policy when it was last judged: that it still does is no news, whatever could not be read between.
    violated: bool,
}

impl From<Verdict> for Known {
    fn from(verdict: Verdict) -> Self {
        Self {
            verdict,
            violated: verdict == Verdict::NonCompliant,
        }
    }
}

impl Baseline {
    /// What is known after a pass.
    #[must_use]
    pub fn after(evaluation: &Evaluation) -> Self {
        let verdicts = evaluation
            .findings
            .iter()
            .filter(|finding| finding.verdict != Verdict::Compliant)
            .map(|finding| (finding.notebook.summary.arn.clone(), finding.verdict.into()));
        Self(verdicts.collect())
    }

    /// What is known after one pass more.
    #[must_use]
    pub fn followed_by(&self, evaluation: &Evaluation) -> Self {
        let mut next = Self::after(evaluation);
        for (arn, known) in &mut next.0 {
            let violated = self.0.get(arn).is_some_and(|before| before.violated);
            known.violated |= violated && known.verdict == Verdict::Unknown;
        }
        next
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
            (NotebookArn::from(finding.arn.as_str()), verdict.into())
        });
        Some(Self(verdicts.collect()))
    }

    /// Notebooks that came to violate the policy, or cannot be judged any more, since.
    pub fn worsened<'a>(&'a self, evaluation: &'a Evaluation) -> impl Iterator<Item = &'a Finding> {
        let compliant = Known::from(Verdict::Compliant);
        evaluation.findings.iter().filter(move |finding| {
            let before = self
                .0
                .get(&finding.notebook.summary.arn)
                .copied()
                .unwrap_or(compliant);
            match finding.verdict {
                Verdict::Compliant | Verdict::Exempt => false,
                Verdict::Unknown => before.verdict < Verdict::Unknown,
                Verdict::NonCompliant => !before.violated,
            }
        })
    }
}
