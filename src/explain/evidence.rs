//! All policies and records, as far as they concern one notebook.
//!
//! Tags are not available here, only to the operator. For a policy that uses tags, the last scan
//! shows their effect. If the scan lists the notebook as a violation, the selector matched and no
//! exemption did. If the scan does not list the notebook although its users have root, the selector
//! did not match. Otherwise the effect stays unknown.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::{Facts, Subject, coverage::Standing, find, restartable};
use crate::{
    api::{self, NotebookRootAccessPolicy},
    decide::{PartialRecord, Policies, Usage, read_record, validate},
    domain::{
        Exemption, Match, Notebook, NotebookDetails, NotebookSummary, Policy, PolicyName, Record,
        RootAccess, WaitReason,
    },
};

/// All facts about one notebook.
pub(super) struct Evidence<'a> {
    pub(super) facts: &'a Facts,
    pub(super) subject: &'a Subject,
    pub(super) now: Timestamp,
    /// All policies, with their tag rules replaced by their effect on this notebook.
    pub(super) policies: Policies,
    /// Valid records.
    pub(super) records: Vec<Record>,
    /// Invalid records.
    invalid: Vec<PartialRecord>,
}

/// Effect of tags, as shown by a policy's last scan.
enum Told<'a> {
    /// The scan lists the notebook.
    Listed(&'a api::Finding),
    /// The scan does not list the notebook, and would if the policy covered it.
    NotSelected,
    /// The scan shows nothing about tags.
    Nothing,
}

impl<'a> Evidence<'a> {
    pub(super) fn of(facts: &'a Facts, subject: &'a Subject, now: Timestamp) -> Self {
        let mut records = Vec::new();
        let mut invalid = Vec::new();
        for resource in &facts.records {
            match read_record(resource) {
                Ok(record) => records.push(record),
                Err(problem) => {
                    let name = resource.metadata.name.as_deref().unwrap_or_default();
                    let object = serde_json::to_value(resource).unwrap_or_default();
                    invalid.push(PartialRecord::new(name, &object, problem.to_string()));
                }
            }
        }
        invalid.extend(
            facts.undecodable_records.iter().map(|record| {
                PartialRecord::new(&record.name, &Value::Null, record.problem.clone())
            }),
        );
        let mut evidence = Self {
            facts,
            subject,
            now,
            policies: Policies::default(),
            records,
            invalid,
        };
        evidence.policies = evidence.settled();
        evidence
    }

    /// Returns the usage of all records for a policy.
    pub(super) fn usage(&self, policy: &PolicyName) -> Usage {
        let mut usage = Usage::of(policy, &self.records);
        for record in &self.invalid {
            usage.add_partial(record);
        }
        usage
    }

    /// Returns the notebook with the facts that need no scan: ARN and name.
    pub(super) fn outline(&self) -> Notebook {
        Notebook {
            summary: NotebookSummary {
                arn: self
                    .subject
                    .arn
                    .clone()
                    .unwrap_or_else(|| String::new().as_str().into()),
                name: self.subject.name.clone(),
                status: "".into(),
                last_modified: None,
                lifecycle_config: None,
            },
            details: Ok(NotebookDetails {
                root_access: RootAccess::Unknown,
                status: "".into(),
                lifecycle_config: None,
                platform: None,
                accelerators: Vec::new(),
                failure_reason: None,
                created_at: None,
                last_modified: None,
            }),
            tags: None,
            described_at: self.now,
        }
    }

    /// Returns the notebook of a finding.
    pub(super) fn as_found(&self, finding: &api::Finding) -> Notebook {
        let outline = self.outline();
        Notebook {
            summary: NotebookSummary {
                status: finding.status.as_str().into(),
                lifecycle_config: finding.lifecycle_config.clone(),
                ..outline.summary
            },
            details: Ok(NotebookDetails {
                root_access: finding.root_access,
                status: finding.status.as_str().into(),
                lifecycle_config: finding.lifecycle_config.clone(),
                platform: restartable::platform(finding),
                accelerators: Vec::new(),
                failure_reason: None,
                created_at: None,
                last_modified: Some(self.last_modified(finding)),
            }),
            ..outline
        }
    }

    /// Returns a substitute for the modification time, which findings do not have. The operator
    /// compared that time with `restAfterStop`, so the finding's reason shows whether it was
    /// recent.
    fn last_modified(&self, finding: &api::Finding) -> Timestamp {
        let is_recent = finding.reason.as_deref() == Some(WaitReason::RecentlyStopped.as_str());
        if is_recent {
            self.now
        } else {
            Timestamp::UNIX_EPOCH
        }
    }

    /// Returns true if a scan found root access enabled. Then each policy that covers the notebook
    /// lists it.
    pub(super) fn is_known_to_have_root(&self) -> bool {
        let findings = self.facts.policies.iter().filter_map(|policy| {
            let status = policy.status.as_ref()?;
            find::finding(status, self.subject)
        });
        findings
            .into_iter()
            .any(|finding| finding.root_access == api::RootAccess::Enabled)
    }

    fn settled(&self) -> Policies {
        let mut policies = Policies::default();
        for resource in &self.facts.policies {
            match validate(resource) {
                Ok(policy) if resource.metadata.deletion_timestamp.is_none() => {
                    let told = self.told(resource, &policy);
                    policies
                        .valid
                        .extend(self.settle(policy, &told).map(Arc::new));
                }
                _ => policies.add(resource),
            }
        }
        for strange in &self.facts.undecodable_policies {
            if !strange.being_deleted {
                policies.add_undecodable(&strange.name);
            }
        }
        policies
    }

    fn told<'r>(&self, resource: &'r NotebookRootAccessPolicy, policy: &Policy) -> Told<'r> {
        let standing = Standing::of(resource, policy, self.subject);
        if !standing.is_current() {
            return Told::Nothing;
        }
        match (standing.finding, standing.lists_everything()) {
            (Some(finding), _) => Told::Listed(finding),
            (None, true) if self.is_known_to_have_root() => Told::NotSelected,
            (None, _) => Told::Nothing,
        }
    }

    /// Returns the policy with its tag rules resolved, as far as their effect is known. `None` if
    /// the policy does not select the notebook.
    fn settle(&self, mut policy: Policy, told: &Told<'_>) -> Option<Policy> {
        let place = &self.subject.place;
        let outline = self.outline();
        let hangs_on_tags = |matcher: &crate::domain::Matcher| {
            matcher.matches(&place.account, Some(&place.region), &outline) == Match::Unknown
        };
        match told {
            Told::NotSelected if hangs_on_tags(&policy.selector) => return None,
            Told::NotSelected | Told::Nothing => return Some(policy),
            Told::Listed(finding) => {
                let matched = matches!(
                    finding.verdict,
                    api::Verdict::NonCompliant | api::Verdict::Exempt
                );
                if matched {
                    policy.selector.tags.clear();
                }
                let holds = |exemption: &Exemption| {
                    finding.verdict == api::Verdict::Exempt
                        && finding.reason.as_deref() == Some(exemption.reason.as_str())
                };
                for exemption in &mut policy.exemptions {
                    if holds(exemption) && hangs_on_tags(&exemption.matcher) {
                        exemption.matcher.tags.clear();
                    }
                }
                if finding.verdict == api::Verdict::NonCompliant {
                    policy
                        .exemptions
                        .retain(|exemption| !hangs_on_tags(&exemption.matcher));
                }
            }
        }
        Some(policy)
    }
}
