//! The situations in which notebooks are down, or were: their policies and their records.

use kube::{Api, ResourceExt, api::ListParams};
use serde_json::json;
use sudoless::api::NotebookRemediation;

use super::{
    shown::{Shown, look},
    situations::{ATTENTION, DONE, FLIGHT, HALTED, REGION, Scene},
};
use crate::support::stage::{condition, eventually};

impl Scene {
    /// Looks at the record of a notebook once it is in a state.
    async fn record(&self, account: &str, notebook: &str, state: &str, reasons: &[&str]) -> Shown {
        let api: Api<NotebookRemediation> = Api::all(self.stage.client.clone());
        let selector = format!("spec.notebook.account={account},status.state={state}");
        let parameters = ListParams::default().fields(&selector);
        let name = eventually(&format!("{notebook} in {state}"), async || {
            let mut records = api.list(&parameters).await.unwrap().into_iter();
            let record = records.find(|record| record.spec.notebook.name == notebook);
            record.map(|record| record.name_any())
        })
        .await;
        look(&self.stage, &format!("nbr/{name}"), reasons).await
    }

    pub async fn done(&self) {
        let enforce = json!({"mode": "Enforce"});
        self.apply("done", &[DONE], enforce).await;
        self.stage
            .until("done", |status| condition(status, "Compliant").0 == "True")
            .await;
        let shown = self.shown("done", &["RootAccessEnabled"]).await;
        shown.says("Compliant", "True", "every notebook is compliant, 3 in all");

        let restarted = self
            .record(
                DONE,
                "churn",
                "Succeeded",
                &["Pending", "Stopping", "Updating", "Starting", "Succeeded"],
            )
            .await;
        for (state, note) in [
            (
                "Pending",
                "the notebook is stopped once AWS has confirmed that root access may be disabled",
            ),
            (
                "Stopping",
                "the notebook is being stopped, so that root access can be disabled",
            ),
            ("Updating", "root access is being disabled"),
            (
                "Starting",
                "root access is disabled; the notebook is being started again",
            ),
            (
                "Succeeded",
                "root access is disabled; the notebook was stopped for the change and runs again",
            ),
        ] {
            restarted.tells(state, &[note]);
        }
        let updated = self
            .record(DONE, "forecast", "Succeeded", &["Succeeded"])
            .await;
        updated.tells("Succeeded", &["root access is disabled"]);
    }

    pub async fn flight(&self) {
        let enforce = json!({"mode": "Enforce"});
        self.apply("flight", &[FLIGHT], enforce).await;
        let record = self
            .record(FLIGHT, "churn", "Stopping", &["Pending", "Stopping"])
            .await;
        let said = "the notebook is being stopped, so that root access can be disabled";
        record.says("Reconciling", "True", said);
        assert_eq!(record.row.last().map(String::as_str), Some(said));
        self.stage
            .until("flight", |status| {
                condition(status, "Reconciling").1 == "Remediating"
                    && status
                        .findings
                        .iter()
                        .any(|finding| finding.reason.as_deref() == Some("Remediating"))
            })
            .await;
        let policy = self.shown("flight", &["RootAccessEnabled"]).await;
        policy.row_is("team-flight Enforce True False 3 2 1 … … Scanned");
        let said = "root access is being disabled: kubectl get nbr lists the notebooks";
        policy.says("Reconciling", "True", said);
        let said = format!(
            "root access is being disabled by {} (Stopping)",
            record.name()
        );
        assert_eq!(policy.finding("churn"), said);
        let said = "waiting: 1 notebook is already being restarted (maxConcurrent: 1)";
        assert_eq!(policy.finding("demand"), said);
    }

    pub async fn halted(&self) {
        let enforce = json!({"mode": "Enforce", "remediation": {"maxFailures": 1}});
        self.apply("halted", &[HALTED], enforce).await;
        let record = self.record(HALTED, "churn", "Failed", &["Failed"]).await;
        let name = record.name().replace('/', " ");
        let (_, reason, message) = record.condition("Stalled");
        assert_eq!(reason, "AccessDenied");
        for part in [
            "the operator's role lacks permission: allow sagemaker:UpdateNotebookInstance",
            "; nobody was disturbed. AWS said: UpdateNotebookInstance: AccessDeniedException: ",
            &format!(". To try again, acknowledge the failure with kubectl delete {name}"),
        ] {
            assert!(message.contains(part), "{part:?} is not in {message:?}");
        }
        record.tells("Failed", &[message]);
        self.stage
            .until("halted", |status| {
                let waits =
                    |finding: &sudoless::api::Finding| finding.reason.as_deref() == Some("Halted");
                status.findings.iter().any(waits)
            })
            .await;
        let policy = self
            .shown("halted", &["RemediationFailed", "TargetHalted"])
            .await;
        policy.row_is("team-halted Enforce False False 2 2 0 … … Halted");
        let place = format!("{HALTED}/{REGION}");
        let said = format!(
            "1 account and region read; nothing new begins in {place} because too many remediations failed there: kubectl get \
             nbr --field-selector status.state=Failed lists them, deleting them resumes remediation"
        );
        policy.says("Ready", "False", &said);
        policy.says("Stalled", "True", &said);
        let said = format!(
            "the last remediation failed: see kubectl describe {name}; kubectl delete {name} acknowledges the failure and tries again"
        );
        assert_eq!(policy.finding("churn"), said);
        let said = "1 remediation failed in this account and region (maxFailures: 1): kubectl get nbr --field-selector \
                    status.state=Failed lists them, deleting them resumes remediation";
        assert_eq!(policy.finding("demand"), said);
        let told = format!("{place}/churn ({}): {message}", record.name());
        policy.tells("RemediationFailed", &[&told]);
        let told = format!(
            "no new remediations start in {place}, because maxFailures remediations failed there. \
             List them with kubectl get nbr --field-selector status.state=Failed, and delete each \
             one when its cause is fixed"
        );
        policy.tells("TargetHalted", &[&told]);
    }

    pub async fn attention(&self) {
        let timeouts = json!({"stop": "10s", "update": "10s", "start": "10s"});
        let enforce = json!({"mode": "Enforce", "remediation": {"timeouts": timeouts}});
        self.apply("attention", &[ATTENTION], enforce).await;
        let record = self
            .record(ATTENTION, "churn", "NeedsAttention", &["NeedsAttention"])
            .await;
        let name = record.name().replace('/', " ");
        let said = format!(
            "the notebook did not stop within timeouts.stop; the operator keeps trying. By hand, in account {ATTENTION}: aws sagemaker \
             start-notebook-instance --region {REGION} --notebook-instance-name churn; if the operator is gone for good, then \
             kubectl patch {name} --type merge -p '{{\"metadata\":{{\"finalizers\":null}}}}'"
        );
        record.says("Stalled", "True", &said);
        record.tells("NeedsAttention", &[&said]);
        self.stage
            .until("attention", |status| {
                condition(status, "Stalled").0 == "True"
            })
            .await;
        let policy = self.shown("attention", &["NotebookNeedsAttention"]).await;
        policy.row_is("team-attention Enforce False False 1 1 0 … … NeedsAttention");
        let needs = format!(
            "1 remediation needs a person: kubectl describe {name}; 1 account and region read"
        );
        policy.says("Ready", "False", &needs);
        policy.says("Stalled", "True", &needs);
        let needs = format!("the remediation needs a person: kubectl describe {name}");
        assert_eq!(policy.finding("churn"), needs);
        let told = format!("{ATTENTION}/{REGION}/churn ({}): {said}", record.name());
        policy.tells("NotebookNeedsAttention", &[&told]);
    }
}
