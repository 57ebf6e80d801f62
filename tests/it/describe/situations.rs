//! The situations of policies: how each comes about, and what must be readable of it.

use jiff::{SignedDuration, Timestamp, Unit};
use sagemaker_simulator::{Account, Effect, Fault, Fleet, Notebook, Operation, Status, Timings};
use serde_json::{Value, json};

use super::shown::{Shown, look};
use crate::support::{
    enforced::{self, FAST},
    stage::{Stage, condition},
};

/// The region that the policies name.
pub const REGION: &str = "us-east-1";

/// One for each situation that must not disturb another.
pub const CLEAN: &str = "111100000001";
pub const MIXED: &str = "111100000002";
pub const DENIED: &str = "111100000003";
pub const FLIGHT: &str = "111100000004";
pub const WINDOW: &str = "111100000005";
pub const HALTED: &str = "111100000006";
pub const ATTENTION: &str = "111100000007";
pub const EXPIRY: &str = "111100000008";
pub const SILENT: &str = "111100000009";
pub const BROKEN: &str = "111100000010";
pub const DONE: &str = "111100000011";

const ACCOUNTS: [&str; 11] = [
    CLEAN, MIXED, DENIED, FLIGHT, WINDOW, HALTED, ATTENTION, EXPIRY, SILENT, BROKEN, DONE,
];

/// A stage on which everything happens at once.
pub struct Scene {
    pub stage: Stage,
    now: Timestamp,
}

fn rooted(account: &str, name: &str) -> Notebook {
    Notebook::new(account, REGION, name)
}

fn rootless(account: &str, name: &str) -> Notebook {
    rooted(account, name).root_access("Disabled")
}

fn notebooks() -> Vec<Notebook> {
    let mut notebooks = vec![
        rootless(CLEAN, "recommender"),
        rootless(CLEAN, "scoring"),
        rooted(MIXED, "churn").lifecycle_config("install-packages"),
        rooted(MIXED, "forecast").status(Status::Stopped),
        rooted(MIXED, "legacy-etl"),
        rooted(MIXED, "scratch").root_access("absent"),
        rooted(FLIGHT, "canary"),
        rooted(FLIGHT, "churn"),
        rooted(FLIGHT, "demand"),
        rooted(WINDOW, "churn"),
        rooted(HALTED, "churn"),
        rooted(HALTED, "demand"),
        rooted(ATTENTION, "churn"),
        rooted(EXPIRY, "ported"),
        rooted(EXPIRY, "porting"),
        rootless(SILENT, "churn"),
        rootless(BROKEN, "churn"),
        rooted(DONE, "churn"),
    ];
    notebooks
        .extend(["forecast", "pricing"].map(|name| rooted(DONE, name).status(Status::Stopped)));
    notebooks
}

fn faults() -> [Fault; 6] {
    let list = Operation::ListNotebookInstances;
    let update = Operation::UpdateNotebookInstance;
    [
        Fault::new(Effect::Deny)
            .account(DENIED)
            .operation(Operation::AssumeRole),
        Fault::new(Effect::StuckStopping)
            .account(FLIGHT)
            .notebook("churn"),
        Fault::new(Effect::Deny).account(HALTED).operation(update),
        Fault::new(Effect::StuckStopping).account(ATTENTION),
        Fault::new(Effect::Hang).account(SILENT).operation(list),
        Fault::new(Effect::error_with_status("InternalFailure", 500))
            .account(BROKEN)
            .operation(list),
    ]
}

impl Scene {
    /// Starts everything; no policy is there yet.
    pub async fn set(now: Timestamp) -> Self {
        let account = |id: &&str| {
            let account = Account::new(id).role("sudoless");
            account.regions([REGION, "eu-west-1"])
        };
        let timings = Timings {
            stop: std::time::Duration::from_millis(300),
            update: std::time::Duration::from_millis(200),
            start: std::time::Duration::from_millis(300),
            ..Timings::default()
        };
        let mut fleet = Fleet::new().notebooks(notebooks()).timings(timings);
        for account in ACCOUNTS.iter().map(account) {
            fleet = fleet.account(account);
        }
        for fault in faults() {
            fleet = fleet.fault(fault);
        }
        // There is an account that never answers.
        let flags = [&FAST[..], &["--request-timeout", "60s"]].concat();
        let stage = Stage::on(enforced::cluster(), "team", fleet, &flags).await;
        Self { stage, now }
    }

    /// Applies a policy over some accounts.
    pub async fn apply(&self, name: &str, accounts: &[&str], more: Value) {
        let accounts: Vec<Value> = accounts
            .iter()
            .map(|id| json!({"id": id, "role": "sudoless"}))
            .collect();
        let mut spec = json!({"accounts": accounts, "regions": [REGION]});
        let Value::Object(more) = more else {
            panic!("fields, not {more}")
        };
        spec.as_object_mut().unwrap().extend(more);
        self.stage.apply(name, spec).await;
    }

    /// Looks at a policy once a condition has a reason.
    async fn policy(&self, name: &str, kind: &str, reason: &str, reasons: &[&str]) -> Shown {
        self.stage
            .until(name, |status| condition(status, kind).1 == reason)
            .await;
        self.shown(name, reasons).await
    }

    pub async fn shown(&self, name: &str, reasons: &[&str]) -> Shown {
        let resource = format!("nrap/{}", self.stage.policy(name));
        look(&self.stage, &resource, reasons).await
    }

    pub async fn clean(&self) {
        self.apply("clean", &[CLEAN], json!({})).await;
        let shown = self.policy("clean", "Compliant", "AllCompliant", &[]).await;
        shown.row_is("team-clean Audit True True 2 0 0 … … Scanned");
        shown.says("Ready", "True", "1 account and region read");
        shown.says("Reconciling", "False", "nothing is under way");
        shown.says("Stalled", "False", "the operator continues on its own");
        shown.says("Compliant", "True", "every notebook is compliant, 2 in all");
        assert_eq!(shown.events, [], "no news");
    }

    pub async fn findings(&self) {
        let exempt = json!({"reason": "needs rootful Docker until the image is ported", "names": ["legacy-*"]});
        self.apply("findings", &[MIXED], json!({"exemptions": [exempt]}))
            .await;
        let shown = self
            .policy(
                "findings",
                "Compliant",
                "RootAccessEnabled",
                &["RootAccessEnabled", "RootAccessEnabled", "NotebookUnknown"],
            )
            .await;
        shown.row_is("team-findings Audit True False 4 2 0 … … Scanned");
        let place = format!("{MIXED}/{REGION}");
        let said = format!(
            "2 notebooks give their users root: {place}/churn, {place}/forecast; 1 notebook could not be judged"
        );
        shown.says("Compliant", "False", &said);
        let churn =
            "root access is enabled; the notebook is running and must be restarted to change it";
        let forecast = "root access is enabled; the notebook is stopped, so nobody is disturbed";
        let scratch = "AWS does not report the notebook's root access";
        for (notebook, message) in [
            ("churn", churn),
            ("forecast", forecast),
            ("legacy-etl", "exempt with no expiry"),
            ("scratch", scratch),
        ] {
            assert_eq!(shown.finding(notebook), message);
        }
        let churn = format!("{place}/churn gives its users root: {churn}");
        let forecast = format!("{place}/forecast gives its users root: {forecast}");
        shown.tells("RootAccessEnabled", &[&churn, &forecast]);
        let scratch = format!("{place}/scratch cannot be judged: {scratch}");
        shown.tells("NotebookUnknown", &[&scratch]);
    }

    pub async fn partial(&self) {
        self.apply("partial", &[CLEAN, DENIED], json!({})).await;
        let shown = self.policy("partial", "Ready", "PartialScan", &[]).await;
        shown.row_is("team-partial Audit True Unknown 2 0 0 … … PartialScan");
        let said =
            format!("1 of 2 accounts and regions read; not read: {DENIED}/{REGION} (AccessDenied)");
        shown.says("Ready", "True", &said);
        shown.says(
            "Compliant",
            "Unknown",
            "1 account and region could not be read",
        );
        // Worst first, in AWS's words.
        let denied = &shown.object["status"]["targets"][0];
        assert_eq!(denied["account"], DENIED);
        let said = denied["message"].as_str().unwrap();
        assert!(said.starts_with("AssumeRole: AccessDenied: "), "{said}");
    }

    pub async fn denied(&self) {
        self.apply("denied", &[DENIED], json!({})).await;
        let shown = self
            .policy("denied", "Stalled", "EveryTargetDenied", &[])
            .await;
        shown.row_is("team-denied Audit False Unknown 0 0 0 … … EveryTargetDenied");
        let said = format!("1 account and region not read: {DENIED}/{REGION} (AccessDenied)");
        shown.says("Ready", "False", &said);
        shown.says("Stalled", "True", &said);
        shown.says(
            "Compliant",
            "Unknown",
            "1 account and region could not be read",
        );
    }

    pub async fn unreachable(&self) {
        self.apply("unreachable", &[BROKEN], json!({})).await;
        let shown = self
            .policy("unreachable", "Ready", "NoTargetRead", &[])
            .await;
        shown.row_is("team-unreachable Audit False Unknown 0 0 0 … … NoTargetRead");
        let said = format!("1 account and region not read: {BROKEN}/{REGION} (Unreachable)");
        shown.says("Ready", "False", &said);
        shown.says("Stalled", "False", "the operator continues on its own");
    }

    pub async fn invalid(&self) {
        let windows =
            json!([{"schedule": "0 2 * * SAT", "duration": "4h", "timeZone": "Mars/Olympus"}]);
        let wrong = json!({"selector": {"names": ["team-["]}, "remediation": {"windows": windows}});
        self.apply("invalid", &[CLEAN], wrong).await;
        let shown = self.policy("invalid", "Stalled", "InvalidSpec", &[]).await;
        // No figures, and no time of a scan.
        shown.row_is("team-invalid Audit False Unknown … InvalidSpec");
        let said = "spec.selector.names[0]: \"team-[\" is not a glob: unclosed character class; missing ']'; write * for any \
                    characters, ? for one, [ab] or {one,two} for a choice; spec.remediation.windows[0].timeZone: \
                    \"Mars/Olympus\" is not a time zone: write an IANA name such as Europe/Berlin, or UTC";
        shown.says("Ready", "False", said);
        shown.says("Stalled", "True", said);
        shown.says(
            "Reconciling",
            "False",
            "nothing is done until the spec is valid",
        );
        let said = "the spec is invalid, so nothing is scanned; figures and findings, if any, are those of the last scan";
        shown.says("Compliant", "Unknown", said);
    }

    pub async fn suspended(&self) {
        self.apply("suspended", &[CLEAN], json!({})).await;
        self.stage.until_scanned("suspended").await;
        self.apply("suspended", &[CLEAN], json!({"suspend": true}))
            .await;
        let shown = self.policy("suspended", "Ready", "Suspended", &[]).await;
        shown.row_is("team-suspended Audit True True 2 0 0 … … Suspended");
        let said = "suspended: nothing is scanned and nothing new begins; the results, if any, are those of the last scan";
        shown.says("Ready", "True", said);
        shown.says("Compliant", "True", "every notebook is compliant, 2 in all");
    }

    pub async fn first_scan(&self) {
        self.apply("first-scan", &[CLEAN, SILENT], json!({})).await;
        let read_one = "first scan: 1 of 2 accounts and regions read so far";
        self.stage
            .until("first-scan", |status| {
                condition(status, "Ready").2 == read_one
            })
            .await;
        let shown = self.shown("first-scan", &[]).await;
        shown.row_is("team-first-scan Audit Unknown Unknown 2 0 0 … FirstScan");
        shown.says("Ready", "Unknown", read_one);
        shown.says("Reconciling", "True", read_one);
        shown.says(
            "Compliant",
            "Unknown",
            "1 account and region has not been read yet",
        );
    }

    pub async fn window(&self) {
        // Half a day away, for a minute.
        let opens = self.now + SignedDuration::from_hours(12);
        let hour = opens.strftime("%-H").to_string();
        let windows = json!([{"schedule": format!("0 {hour} * * *"), "duration": "1m"}]);
        let enforce = json!({"mode": "Enforce", "remediation": {"windows": windows}});
        self.apply("window", &[WINDOW], enforce).await;
        let shown = self
            .policy(
                "window",
                "Compliant",
                "RootAccessEnabled",
                &["RootAccessEnabled"],
            )
            .await;
        shown.row_is("team-window Enforce True False 1 1 0 … … Scanned");
        let waits = format!(
            "the notebook is running, and no window is open; the next window opens at {}",
            opens.strftime("%Y-%m-%dT%H:00:00Z")
        );
        assert_eq!(shown.finding("churn"), waits);
        let told = format!("{WINDOW}/{REGION}/churn gives its users root: {waits}");
        shown.tells("RootAccessEnabled", &[&told]);
        let said = "1 account and region read; warning: spec.remediation.windows[0] is shorter than a typical restart (about 6 \
                    minutes): a restart that begins in it ends after the window closes";
        shown.says("Ready", "True", said);
    }

    pub async fn expiry(&self) {
        let day = |days: i64| {
            let at = self.now + SignedDuration::from_hours(24 * days);
            at.round(Unit::Hour).unwrap()
        };
        let exemptions = json!([
            {"reason": "the port was planned for spring", "names": ["ported"], "expiresAt": day(-30)},
            {"reason": "is being ported", "names": ["porting"], "expiresAt": day(3)},
        ]);
        self.apply("expiry", &[EXPIRY], json!({"exemptions": exemptions}))
            .await;
        let shown = self
            .policy(
                "expiry",
                "Compliant",
                "RootAccessEnabled",
                &["RootAccessEnabled"],
            )
            .await;
        shown.row_is("team-expiry Audit True False 2 1 0 … … Scanned");
        let said = format!(
            "1 account and region read; warning: spec.exemptions[0] expired at {}: remove it or give it a new expiresAt",
            day(-30)
        );
        shown.says("Ready", "True", &said);
        assert_eq!(shown.finding("porting"), format!("exempt until {}", day(3)));
    }
}
