//! The protocols of the three services, and what their answers carry.

use aws_sdk_account::types::RegionOptStatus;
use sagemaker_simulator::{Account, Fleet, Notebook, Operation, RootAccess, Status};

use crate::clients::{
    ACCOUNT, OTHER, REGION, account, assume, code, fleet, home, millis, notebook, refusal,
    sagemaker, simulate, start, sts,
};

#[tokio::test]
async fn a_description_carries_what_the_fleet_says() {
    let mut forecast = notebook("team-a-forecast")
        .status(Status::Failed)
        .lifecycle_config("setup");
    forecast.root_access = RootAccess::Disabled;
    forecast.failure_reason = Some("out of capacity".to_owned());
    let (_simulator, client) = simulate([forecast.clone()]).await;
    let answer = client
        .describe_notebook_instance()
        .notebook_instance_name("team-a-forecast");
    let answer = answer.send().await.unwrap();
    assert_eq!(
        answer.notebook_instance_arn(),
        Some(forecast.arn().as_str())
    );
    assert_eq!(answer.notebook_instance_name(), Some("team-a-forecast"));
    assert_eq!(
        answer.notebook_instance_status().unwrap().as_str(),
        "Failed"
    );
    assert_eq!(answer.root_access().unwrap().as_str(), "Disabled");
    assert_eq!(answer.failure_reason(), Some("out of capacity"));
    assert_eq!(
        answer.notebook_instance_lifecycle_config_name(),
        Some("setup")
    );
    assert_eq!(answer.instance_type().unwrap().as_str(), "ml.t3.medium");
    let modified = millis(answer.last_modified_time());
    assert_eq!(modified, forecast.last_modified.as_millisecond());
}

#[tokio::test]
async fn what_is_absent_or_unknown_reaches_the_client_as_such() {
    let (_simulator, client) = simulate([
        notebook("silent").root_access("absent"),
        notebook("odd")
            .root_access("Sometimes")
            .status("InMaintenance"),
    ])
    .await;
    let describe = |name: &str| {
        client
            .describe_notebook_instance()
            .notebook_instance_name(name)
    };
    let silent = describe("silent").send().await.unwrap();
    assert_eq!(silent.root_access(), None);
    let odd = describe("odd").send().await.unwrap();
    assert_eq!(odd.root_access().unwrap().as_str(), "Sometimes");
    assert_eq!(
        odd.notebook_instance_status().unwrap().as_str(),
        "InMaintenance"
    );
}

#[tokio::test]
async fn a_summary_has_no_root_access_and_no_failure_reason() {
    // The SDK's type has no such fields: the raw answer must not carry them either. A plain HTTP
    // request shows it.
    let (simulator, client) = simulate([notebook("churn-model").lifecycle_config("setup")]).await;
    let answer = client.list_notebook_instances().send().await.unwrap();
    let summary = &answer.notebook_instances()[0];
    assert_eq!(summary.notebook_instance_name(), Some("churn-model"));
    assert_eq!(
        summary.notebook_instance_status().unwrap().as_str(),
        "InService"
    );
    assert_eq!(
        summary.notebook_instance_lifecycle_config_name(),
        Some("setup")
    );
    let known = simulator.notebook(ACCOUNT, REGION, "churn-model").unwrap();
    let modified = millis(summary.last_modified_time());
    assert_eq!(modified, known.last_modified.as_millisecond());
}

#[tokio::test]
async fn accounts_and_regions_are_apart() {
    let simulator = start(fleet([
        notebook("here"),
        Notebook::new(ACCOUNT, "eu-west-1", "there"),
        Notebook::new(OTHER, REGION, "elsewhere"),
    ]));
    for (account, region, name) in [
        (ACCOUNT, REGION, "here"),
        (ACCOUNT, "eu-west-1", "there"),
        (OTHER, REGION, "elsewhere"),
    ] {
        let client = sagemaker(&simulator, account, region).await;
        let list = client.list_notebook_instances().send().await.unwrap();
        let names: Vec<_> = list
            .notebook_instances()
            .iter()
            .map(|it| it.notebook_instance_name().unwrap())
            .collect();
        assert_eq!(names, [name]);
        for other in ["here", "there", "elsewhere"] {
            let answer = client
                .describe_notebook_instance()
                .notebook_instance_name(other)
                .send()
                .await;
            assert_eq!(
                answer.is_ok(),
                other == name,
                "{other} in {account} {region}"
            );
        }
    }
}

#[tokio::test]
async fn arns_carry_the_partition_of_their_region() {
    let (simulator, _) = simulate([
        Notebook::new(ACCOUNT, "cn-north-1", "china"),
        Notebook::new(ACCOUNT, "us-gov-west-1", "gov"),
    ])
    .await;
    for (region, name, partition) in [
        ("cn-north-1", "china", "aws-cn"),
        ("us-gov-west-1", "gov", "aws-us-gov"),
    ] {
        let client = sagemaker(&simulator, ACCOUNT, region).await;
        let answer = client
            .describe_notebook_instance()
            .notebook_instance_name(name)
            .send()
            .await
            .unwrap();
        let arn = format!("arn:{partition}:sagemaker:{region}:{ACCOUNT}:notebook-instance/{name}");
        assert_eq!(answer.notebook_instance_arn(), Some(arn.as_str()));
    }
}

#[tokio::test]
async fn a_missing_notebook_is_a_validation_exception() {
    let (_simulator, client) = simulate([]).await;
    let not_found = || {
        (
            "ValidationException".to_owned(),
            "RecordNotFound".to_owned(),
        )
    };
    let name = "gone";
    assert_eq!(
        refusal(
            client
                .describe_notebook_instance()
                .notebook_instance_name(name)
                .send()
                .await
        ),
        not_found()
    );
    assert_eq!(
        refusal(
            client
                .stop_notebook_instance()
                .notebook_instance_name(name)
                .send()
                .await
        ),
        not_found()
    );
    assert_eq!(
        refusal(
            client
                .start_notebook_instance()
                .notebook_instance_name(name)
                .send()
                .await
        ),
        not_found()
    );
    assert_eq!(
        refusal(
            client
                .update_notebook_instance()
                .notebook_instance_name(name)
                .send()
                .await
        ),
        not_found()
    );
    assert_eq!(
        refusal(
            client
                .delete_notebook_instance()
                .notebook_instance_name(name)
                .send()
                .await
        ),
        not_found()
    );
    let arn = notebook(name).arn();
    assert_eq!(
        refusal(client.list_tags().resource_arn(arn).send().await),
        not_found()
    );
}

#[tokio::test]
async fn an_operation_that_is_not_served_says_so_and_is_counted() {
    let (simulator, client) = simulate([]).await;
    assert_eq!(
        code(client.list_domains().send().await),
        "UnknownOperationException"
    );
    assert_eq!(
        simulator
            .counters()
            .outcome(Operation::Unknown, "UnknownOperationException"),
        1
    );
}

#[tokio::test]
async fn list_regions_tells_which_are_enabled() {
    let fleet = Fleet::new()
        .account(Account::new(ACCOUNT).role("sudoless"))
        .account(
            Account::new(OTHER)
                .role_with_external_id("ops/sudoless", "8f1c")
                .regions(["eu-west-1", "me-south-1"]),
        );
    let simulator = start(fleet);
    let list = async |id: &str, wanted: &[RegionOptStatus]| {
        let client = account(&simulator, assume(&simulator, id).await);
        let wanted = (!wanted.is_empty()).then(|| wanted.to_vec());
        let pages = client
            .list_regions()
            .set_region_opt_status_contains(wanted)
            .max_results(7);
        let pages: Vec<_> = pages
            .into_paginator()
            .items()
            .send()
            .collect::<Result<_, _>>()
            .await
            .unwrap();
        let pages = pages.into_iter();
        pages
            .map(|it| (it.region_name.unwrap(), it.region_opt_status.unwrap()))
            .collect::<Vec<_>>()
    };
    let enabled = [RegionOptStatus::Enabled, RegionOptStatus::EnabledByDefault];
    let names = |list: Vec<(String, RegionOptStatus)>| {
        list.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    let mut default = sagemaker_simulator::regions::DEFAULT
        .map(str::to_owned)
        .to_vec();
    default.sort();
    assert_eq!(names(list(ACCOUNT, &enabled).await), default);
    assert_eq!(list(ACCOUNT, &[]).await.len(), 34);
    let expected = [
        ("eu-west-1".to_owned(), RegionOptStatus::EnabledByDefault),
        ("me-south-1".to_owned(), RegionOptStatus::Enabled),
    ];
    assert_eq!(list(OTHER, &enabled).await, expected);
    assert!(
        list(OTHER, &[RegionOptStatus::Disabled])
            .await
            .iter()
            .any(|(name, _)| name == "us-east-1")
    );
}

#[tokio::test]
async fn another_accounts_regions_are_denied() {
    let simulator = start(fleet([]));
    let client = account(&simulator, home(&simulator));
    assert_eq!(
        code(client.list_regions().account_id(ACCOUNT).send().await),
        "AccessDeniedException"
    );
}

#[tokio::test]
async fn identity_is_that_of_the_key() {
    let simulator = start(fleet([]));
    let own = sts(&simulator, home(&simulator))
        .get_caller_identity()
        .send()
        .await
        .unwrap();
    assert_eq!(own.account(), Some("999900001111"));
    assert_eq!(own.arn(), Some("arn:aws:iam::999900001111:user/operator"));
    let role = sts(&simulator, assume(&simulator, OTHER).await)
        .get_caller_identity()
        .send()
        .await
        .unwrap();
    assert_eq!(role.account(), Some(OTHER));
    assert_eq!(
        role.arn(),
        Some("arn:aws:sts::444455556666:assumed-role/sudoless/test")
    );
}
