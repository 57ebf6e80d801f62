//! What could not be read is shown as what it is, never counts as compliant, and hides nothing else
//! (promises P1 and P8).

use std::time::Duration;

use sagemaker_simulator::{
    Account, Effect, Fault, Fleet, Notebook, Operation, Options, RootAccess, Simulator,
};
use serde_json::json;

use super::{
    expectation::{Expectation, only_read},
    fleets::{ACCOUNTS, REGIONS, accounts, mixed, policy, tame},
};
use crate::support::stage::{Stage, cluster, condition};

/// The account that things go wrong in. The others of [`ACCOUNTS`] are well.
const ILL: &str = ACCOUNTS[1];

/// The region that things go wrong in, where it is only one.
const THERE: &str = REGIONS[1];

/// A fleet of every kind of notebook with these faults, and one policy over all of it.
async fn stage(name: &str, faults: impl IntoIterator<Item = Fault>, flags: &[&str]) -> Stage {
    let fleet = accounts(&ACCOUNTS).notebooks(mixed(&ACCOUNTS, &REGIONS, 126));
    let fleet = faults.into_iter().fold(fleet, Fleet::fault);
    let stage = Stage::begin(name, fleet, flags).await;
    stage.apply("all", policy(&ACCOUNTS, &REGIONS)).await;
    stage
}

/// If nothing went wrong.
fn healthy(stage: &Stage) -> Expectation {
    Expectation::of(stage.simulator.notebooks(), &ACCOUNTS, &REGIONS)
}

/// Nothing can even be listed in the whole ill account.
fn unlisted(stage: &Stage, shown: &'static str) -> Expectation {
    REGIONS.iter().fold(healthy(stage), |expectation, region| {
        expectation.unlisted(ILL, region, shown)
    })
}

fn fault(effect: Effect) -> Fault {
    Fault::new(effect).account(ILL)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_be_assumed() {
    let denied = fault(Effect::Deny).operation(Operation::AssumeRole);
    let stage = stage("role", [denied], &[]).await;
    let status = unlisted(&stage, "AccessDenied")
        .mark_canary_passed(&stage, "all")
        .await;
    let target = &status.targets[0];
    assert!(target.message.as_ref().unwrap().contains("AssumeRole"));
    let (_, _, message) = condition(&status, "Ready");
    assert!(message.contains(ILL), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_does_not_exist_and_an_external_id_that_is_wrong() {
    let ids = ACCOUNTS;
    let fleet = Fleet::new()
        .account(Account::new(ids[0]).role_with_external_id("sudoless", "8f1c"))
        .account(Account::new(ids[1]).role_with_external_id("sudoless", "8f1c"))
        .account(Account::new(ids[2]).role("another"))
        .notebooks(mixed(&ids, &REGIONS, 42));
    let stage = Stage::begin("external", fleet, &[]).await;
    let account = |id: &str, external_id: &str| json!({"id": id, "role": "sudoless", "externalId": external_id});
    let spec = json!({
        "accounts": [account(ids[0], "8f1c"), account(ids[1], "wrong-secret"), account(ids[2], "8f1c")],
        "regions": REGIONS,
    });
    stage.apply("all", spec).await;
    let mut expectation = healthy(&stage);
    for region in REGIONS {
        expectation = expectation
            .unlisted(ids[1], region, "AccessDenied")
            .unlisted(ids[2], region, "AccessDenied");
    }
    let status = expectation.mark_canary_passed(&stage, "all").await;
    assert!(!json!(status).to_string().contains("wrong-secret"));
    assert!(!stage.log().join("\n").contains("wrong-secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_list_and_then_no_longer() {
    let denied = fault(Effect::Deny)
        .operation(Operation::ListNotebookInstances)
        .region(THERE);
    let stage = stage("list", [denied], &[]).await;
    let expectation = healthy(&stage).unlisted(ILL, THERE, "AccessDenied");
    expectation.mark_canary_passed(&stage, "all").await;

    stage.simulator.clear_faults();
    healthy(&stage).holds(&stage.rescan("all").await);
    // What was seen once is not forgotten when it cannot be listed any more: it is Unknown.
    let denied = fault(Effect::Deny).operation(Operation::ListNotebookInstances);
    stage.simulator.add_fault(denied.region(THERE));
    let expectation = healthy(&stage).undescribed(ILL, THERE, "AccessDenied");
    expectation.holds(&stage.rescan("all").await);
    only_read(&stage.simulator);
}

#[tokio::test(flavor = "multi_thread")]
async fn denied_describes_of_all_notebooks_of_a_region_and_of_one_elsewhere() {
    let denied = || fault(Effect::Deny).operation(Operation::DescribeNotebookInstance);
    let faults = [denied().region(THERE), denied().notebook("tame-*")];
    let stage = stage("describe", faults, &[]).await;
    let expectation = healthy(&stage)
        .undescribed(ILL, THERE, "AccessDenied")
        .unread("AccessDenied", |notebook| {
            notebook.account == ILL && notebook.name.starts_with("tame-")
        });
    let unknown = expectation.count("Unknown");
    assert!(unknown > healthy(&stage).count("Unknown") + 2);
    expectation.mark_canary_passed(&stage, "all").await;
}

/// The rest has no root at all, so that one thing unread is all that keeps `Compliant` from being
/// True.
#[tokio::test(flavor = "multi_thread")]
async fn one_thing_unread_is_enough_to_not_know() {
    let (one, other) = (ACCOUNTS[0], ACCOUNTS[1]);
    let (here, there) = (REGIONS[0], REGIONS[1]);
    let fleet = accounts(&[one, other])
        .notebooks(tame(one, here, 20))
        .notebooks(tame(other, here, 20))
        .fault(
            Fault::new(Effect::Deny)
                .operation(Operation::DescribeNotebookInstance)
                .account(one)
                .notebook("tame-7"),
        )
        .fault(Fault::new(Effect::DisableRegion).region(there));
    let stage = Stage::begin("alone", fleet, &[]).await;
    stage.apply("unread", policy(&[one, other], &[here])).await;
    stage.apply("fine", policy(&[other], &[here])).await;
    stage
        .apply("disabled", policy(&[other], &[here, there]))
        .await;
    stage.apply("nowhere", policy(&[other], &[there])).await;
    let fleet = || stage.simulator.notebooks();

    let unread = Expectation::of(fleet(), &[one, other], &[here])
        .unread("AccessDenied", move |notebook| {
            notebook.account == one && notebook.name == "tame-7"
        });
    let status = unread.mark_canary_passed(&stage, "unread").await;
    assert_eq!(condition(&status, "Compliant").1, "IncompleteScan");

    let fine = Expectation::of(fleet(), &[other], &[here]);
    let status = fine.mark_canary_passed(&stage, "fine").await;
    assert_eq!(condition(&status, "Compliant").0, "True");

    // A region that is not enabled is shown, and does not count.
    let disabled =
        Expectation::of(fleet(), &[other], &[here]).unlisted(other, there, "RegionDisabled");
    let status = disabled.mark_canary_passed(&stage, "disabled").await;
    assert_eq!(condition(&status, "Compliant").0, "True");
    assert_eq!(status.summary.unwrap().unreadable_targets, 0);

    // But where nothing was read, nothing is compliant.
    let nowhere = Expectation::of(fleet(), &[], &[]).unlisted(other, there, "RegionDisabled");
    let status = nowhere.mark_canary_passed(&stage, "nowhere").await;
    assert_eq!(condition(&status, "Compliant").0, "Unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_not_valid_are_no_disabled_region() {
    let stage = stage("keys", [fault(Effect::InvalidKeys)], &[]).await;
    unlisted(&stage, "InvalidCredentials")
        .mark_canary_passed(&stage, "all")
        .await;

    let home = Fault::new(Effect::InvalidKeys).account(&stage.simulator.home().account);
    stage.simulator.clear_faults();
    stage.simulator.add_fault(home);
    stage.simulator.expire_sessions();
    let status = stage.rescan("all").await;
    let summary = status.summary.unwrap();
    assert_eq!((summary.compliant, summary.non_compliant), (0, 0));
    assert_eq!(summary.unreadable_targets, 9);
    assert_eq!(condition(&status, "Ready").1, "EveryTargetDenied");
    assert_eq!(condition(&status, "Compliant").1, "IncompleteScan");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_role_the_account_is_the_operators_own() {
    let home = Fleet::new().home.account;
    let fleet = accounts(&ACCOUNTS[..1]).notebooks(mixed(&[&home, ACCOUNTS[0]], &REGIONS, 84));
    let stage = Stage::begin("own", fleet, &[]).await;
    let spec = json!({"accounts": [{"id": home}, {"id": ACCOUNTS[0]}], "regions": REGIONS});
    stage.apply("all", spec).await;
    let expectation = REGIONS.iter().fold(
        Expectation::of(stage.simulator.notebooks(), &[&home], &REGIONS),
        |expectation, region| expectation.unlisted(ACCOUNTS[0], region, "InvalidCredentials"),
    );
    let status = expectation.mark_canary_passed(&stage, "all").await;
    let message = status.targets[0].message.clone().unwrap();
    assert!(
        message.contains(&home) && message.contains("role"),
        "{message}"
    );
    // The operator's own identity is never used for another account.
    let counters = stage.simulator.counters();
    assert_eq!(counters.sum(|count| count.account == ACCOUNTS[0]), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_region_is_every_enabled_region() {
    let (some, default, denied) = (ACCOUNTS[0], ACCOUNTS[1], ACCOUNTS[2]);
    let opted_in = ["eu-west-1", "af-south-1", "il-central-1"];
    let mut fleet = Fleet::new()
        .account(Account::new(some).role("sudoless").regions(opted_in))
        .account(Account::new(default).role("sudoless"))
        .account(Account::new(denied).role("sudoless"))
        .notebooks(mixed(&[some], &opted_in, 30))
        .notebooks(mixed(&[default, denied], &["us-east-1", "sa-east-1"], 30))
        .fault(
            Fault::new(Effect::Deny)
                .account(denied)
                .operation(Operation::ListRegions),
        );
    fleet.assumptions.regions_per_page = 5;
    let stage = Stage::begin("star", fleet, &[]).await;
    stage.apply("all", policy(&ACCOUNTS, &["*"])).await;
    let expectation = Expectation::of(stage.simulator.notebooks(), &[some], &opted_in)
        .also(default, &sagemaker_simulator::regions::DEFAULT)
        .unlisted(denied, "*", "AccessDenied");
    let status = expectation.mark_canary_passed(&stage, "all").await;
    let message = status.targets[0].message.clone().unwrap();
    assert!(message.contains("ListRegions"), "{message}");
}

/// Promise P1: what `ListRegions` lists as enabled was not read if it answers that it is disabled.
/// A policy that names the region shows the same answer as before.
#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_is_listed_as_enabled_and_answers_otherwise() {
    let (account, here) = (ACCOUNTS[0], REGIONS[0]);
    let disabled = Fault::new(Effect::DisableRegion)
        .operation(Operation::ListNotebookInstances)
        .region(THERE);
    let fleet = Fleet::new()
        .account(
            Account::new(account)
                .role("sudoless")
                .regions([here, THERE]),
        )
        .notebooks(tame(account, here, 5))
        .fault(disabled);
    let stage = Stage::begin("listed", fleet, &[]).await;
    stage.apply("every", policy(&[account], &["*"])).await;
    stage
        .apply("named", policy(&[account], &[here, THERE]))
        .await;
    let read = || Expectation::of(stage.simulator.notebooks(), &[account], &[here]);

    let every = read().unlisted(account, THERE, "Unreachable");
    let status = every.mark_canary_passed(&stage, "every").await;
    assert_eq!(condition(&status, "Compliant").0, "Unknown");
    let message = status.targets[0].message.clone().unwrap();
    assert!(message.contains("ListRegions"), "{message}");

    let named = read().unlisted(account, THERE, "RegionDisabled");
    let status = named.mark_canary_passed(&stage, "named").await;
    assert_eq!(condition(&status, "Compliant").0, "True");
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_that_cannot_be_read_decide_nothing() {
    let denied = || fault(Effect::Deny).operation(Operation::ListTags);
    let faults = [
        denied().region(THERE),
        denied().region(REGIONS[0]).notebook("stopped-*"),
    ];
    let stage = stage("tags", faults, &[]).await;
    let mut spec = policy(&ACCOUNTS, &REGIONS);
    spec["selector"] = json!({"tags": {"team": "a"}});
    stage.apply("tagged", spec).await;
    let unread = |notebook: &Notebook| {
        let one = notebook.region == REGIONS[0] && notebook.name.starts_with("stopped-");
        notebook.account == ILL && (notebook.region == THERE || one)
    };
    let has_root = |notebook: &Notebook| notebook.root_access.wire() == Some("Enabled");
    let known = |notebook: &Notebook| {
        ["Enabled", "Disabled"]
            .map(Some)
            .contains(&notebook.root_access.wire())
    };
    assert!(
        healthy(&stage).count("NonCompliant") > 0
            && stage.simulator.notebooks().iter().any(has_root)
    );
    let tagged = healthy(&stage)
        .failing(ILL, THERE, "AccessDenied")
        .unread("TagsUnknown", move |notebook| {
            unread(notebook) && known(notebook)
        })
        .selecting(move |notebook| {
            unread(notebook) || notebook.tags.get("team").is_some_and(|team| team == "a")
        });
    tagged.mark_canary_passed(&stage, "tagged").await;
    // The other policy uses no tag selectors, so its notebooks were read.
    let status = stage.rescan("all").await;
    healthy(&stage).holds(&status);
}

/// Regions that never answer, that break each connection, and that go on for ever.
#[tokio::test(flavor = "multi_thread")]
async fn regions_without_an_answer_hold_up_no_other() {
    let faults = [
        fault(Effect::Hang).region(REGIONS[0]),
        fault(Effect::Reset).region(REGIONS[1]),
        fault(Effect::RepeatToken).region(REGIONS[2]),
        Fault::new(Effect::Hang)
            .account(ACCOUNTS[2])
            .region(REGIONS[2])
            .operation(Operation::DescribeNotebookInstance),
    ];
    let flags = ["--request-timeout", "2s", "--target-deadline", "12s"];
    let stage = stage("silent", faults, &flags).await;
    let expectation = || {
        healthy(&stage)
            .unlisted(ILL, REGIONS[0], "Unreachable")
            .unlisted(ILL, REGIONS[1], "Unreachable")
            .unlisted(ILL, REGIONS[2], "Unreachable")
    };
    let meanwhile = expectation()
        .unlisted(ACCOUNTS[2], REGIONS[2], "Unreachable")
        .during_first_scan();
    let done = expectation().undescribed(ACCOUNTS[2], REGIONS[2], "Unreachable");
    let (took, _) = tokio::join!(
        meanwhile.come_true(&stage, "all", Duration::from_secs(12)),
        done.mark_canary_passed(&stage, "all"),
    );
    assert!(took < Duration::from_secs(12), "{took:?}");
    let endless = stage.simulator.counters().sum(|count| {
        count.operation == Operation::ListNotebookInstances
            && count.region == REGIONS[2]
            && count.account == ILL
    });
    assert!(endless < 5, "{endless} pages of a list that goes round");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_that_pass_are_ridden_out() {
    let error = |status, code: &str| Effect::error_with_status(code, status);
    let faults = [
        Fault::new(error(500, "InternalFailure")).every(3),
        fault(error(503, "ServiceUnavailable"))
            .region(THERE)
            .next(2),
        fault(Effect::Reset).region(REGIONS[0]).skip(2).every(7),
    ];
    let stage = stage("passing", faults, &[]).await;
    healthy(&stage).mark_canary_passed(&stage, "all").await;
    let failed = stage
        .simulator
        .counters()
        .sum(|count| count.outcome != "OK");
    assert!(failed > 50, "only {failed} faults were met");
}

#[tokio::test(flavor = "multi_thread")]
async fn notebooks_that_vanish_in_between_are_gone() {
    let faults = [
        Fault::new(Effect::Vanish).notebook("running-*"),
        Fault::new(Effect::Vanish).notebook("tame-*").region(THERE),
    ];
    let stage = stage("vanish", faults, &[]).await;
    let before = healthy(&stage).count("NonCompliant");
    let status = stage.until_scanned("all").await;
    let gone = healthy(&stage);
    assert!(gone.count("NonCompliant") < before);
    gone.holds(&status);
    only_read(&stage.simulator);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_may_be_empty_and_still_not_the_last() {
    let (account, region) = (ACCOUNTS[0], REGIONS[0]);
    let fleet = accounts(&ACCOUNTS[..1])
        .notebooks(mixed(&[account], &[region], 250))
        .fault(Fault::new(Effect::EmptyPages { pages: 3 }));
    let stage = Stage::begin("pages", fleet, &[]).await;
    stage.apply("all", policy(&[account], &[region])).await;
    let all = Expectation::of(stage.simulator.notebooks(), &[account], &[region]);
    all.mark_canary_passed(&stage, "all").await;
    let lists = stage
        .simulator
        .counters()
        .of(Operation::ListNotebookInstances);
    assert_eq!(lists, 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_absent_is_taken_for_disabled() {
    let (account, region) = (ACCOUNTS[0], REGIONS[0]);
    let odd = ["", "disabled", "None", "Disabled "]
        .into_iter()
        .enumerate();
    let odd = odd.map(|(number, word)| {
        Notebook::new(account, region, &format!("odd-{number}")).root_access(word)
    });
    let fleet = accounts(&ACCOUNTS[..1])
        .notebooks(tame(account, region, 3))
        .notebooks(odd)
        .notebook(Notebook::new(account, region, "absent").root_access(RootAccess::Absent));
    let simulator = Simulator::start(fleet, Options::default()).unwrap();
    let stage = Stage::with(cluster(), "absent", simulator, &[]).await;
    stage.apply("all", policy(&[account], &[region])).await;
    let all = Expectation::of(stage.simulator.notebooks(), &[account], &[region]);
    assert_eq!((all.count("Unknown"), all.count("Compliant")), (5, 3));
    let status = all.mark_canary_passed(&stage, "all").await;
    assert_eq!(condition(&status, "Compliant").1, "IncompleteScan");
}
