//! What is read, and what is not taken for an answer.

use super::*;

#[tokio::test]
async fn a_list_is_complete_and_sorted() {
    let simulator = simulate(fleet().notebooks(notebooks(ACCOUNT, REGION, 250)));
    simulator.add_fault(Effect::EmptyPages { pages: 2 });
    let (aws, counted) = observed(&simulator, &Options::default());

    let reader_here = reader(&aws, ACCOUNT, REGION);
    let listed = reader_here.list().await.unwrap();
    assert_eq!(listed.len(), 250);
    assert!(listed.is_sorted_by(|a, b| a.name < b.name));
    assert_eq!(listed[7].arn.as_str(), simulator.notebooks()[7].arn());
    assert!(listed[7].last_modified.is_some());
    assert_eq!(listed[7].status, NotebookStatus::InService);

    let elsewhere = reader(&aws, ACCOUNT, "us-east-1").list().await.unwrap();
    assert_eq!(elsewhere, []);
    let pages = counted.of(Operation::ListNotebookInstances, Outcome::Answered);
    assert_eq!(pages, simulator.counters().of(Call::ListNotebookInstances));
    assert_eq!(counted.of(Operation::AssumeRole, Outcome::Answered), 1);
    assert_eq!(simulator.counters().writes(), 0);
}

#[tokio::test]
async fn a_list_without_end_is_unreachable() {
    let simulator = simulate(fleet().notebooks(notebooks(ACCOUNT, REGION, 250)));
    simulator.add_fault(Effect::RepeatToken);
    let failure = reader(&aws(&simulator, &Options::default()), ACCOUNT, REGION)
        .list()
        .await
        .unwrap_err();
    assert_eq!(failure.state, TargetState::Unreachable);
    assert_eq!(
        failure.message,
        "ListNotebookInstances: repeated page token"
    );
}

#[tokio::test]
async fn a_describe_tells_what_aws_tells() {
    let at = |name| Notebook::new(ACCOUNT, REGION, name);
    let simulator = simulate(
        fleet().notebooks([
            at("enabled"),
            at("disabled")
                .root_access("Disabled")
                .lifecycle_config("setup"),
            at("absent").root_access(SimulatedRootAccess::Absent),
            at("odd").root_access("Maybe").status("InMaintenance"),
        ]),
    );
    let reader = reader(&aws(&simulator, &Options::default()), ACCOUNT, REGION);
    for (name, root_access, status, lifecycle_config) in [
        (
            "enabled",
            RootAccess::Enabled,
            NotebookStatus::InService,
            None,
        ),
        (
            "disabled",
            RootAccess::Disabled,
            NotebookStatus::InService,
            Some("setup"),
        ),
        (
            "absent",
            RootAccess::Unknown,
            NotebookStatus::InService,
            None,
        ),
        (
            "odd",
            RootAccess::Unknown,
            NotebookStatus::Other("InMaintenance".into()),
            None,
        ),
    ] {
        let details = reader.describe(name).await.unwrap().unwrap();
        let lifecycle_config = lifecycle_config.map(str::to_owned);
        let (created_at, last_modified) = (details.created_at, details.last_modified);
        assert!(created_at.is_some() && created_at <= last_modified);
        assert_eq!(
            details,
            NotebookDetails {
                root_access,
                status,
                lifecycle_config,
                platform: Some("notebook-al2023-v1".to_owned()),
                accelerators: Vec::new(),
                failure_reason: None,
                created_at,
                last_modified,
            }
        );
    }
    assert_eq!(reader.describe("gone").await, Ok(None));
}

#[tokio::test]
async fn tags_are_read_to_the_last_page() {
    let tagged = (0..7).fold(Notebook::new(ACCOUNT, REGION, "tagged"), |notebook, n| {
        notebook.tag(&format!("key-{n}"), "value")
    });
    let arn = tagged.arn();
    let mut fleet = fleet().notebook(tagged);
    fleet.assumptions.tags_per_page = 3;
    let simulator = simulate(fleet);
    let reader = reader(&aws(&simulator, &Options::default()), ACCOUNT, REGION);
    let tags = reader.tags(&arn.as_str().into()).await.unwrap().unwrap();
    assert_eq!(tags.len(), 7);
    assert_eq!(tags["key-6"], "value");
    assert_eq!(simulator.counters().of(Call::ListTags), 3);
    let gone = arn.replace("tagged", "gone");
    assert_eq!(reader.tags(&gone.as_str().into()).await, Ok(None));
}

#[tokio::test]
async fn enabled_regions_are_read_to_the_last_page() {
    let regions = [REGION, "us-east-1", "af-south-1", "ap-south-1", "sa-east-1"];
    let account = Account::new(ACCOUNT).role(ROLE).regions(regions);
    let mut fleet = Fleet::new().account(account);
    fleet.assumptions.regions_per_page = 2;
    let simulator = simulate(fleet);
    let aws = aws(&simulator, &hasty());
    let (account, access) = (ACCOUNT.parse().unwrap(), access(Some(ROLE), None));
    let enabled = aws.enabled_regions(&account, &access).await.unwrap();
    let mut expected = regions.map(str::to_owned);
    expected.sort();
    let enabled: Vec<String> = enabled.iter().map(ToString::to_string).collect();
    assert_eq!(enabled, expected);
    assert!(simulator.counters().of(Call::ListRegions) >= 3);

    for (effect, state) in [
        (Effect::Deny, TargetState::AccessDenied),
        // Not RegionDisabled, which would count as read.
        (
            Effect::error("UnrecognizedClientException"),
            TargetState::Unreachable,
        ),
        (
            Effect::Throttle {
                rate: 0.0,
                burst: 0.0,
            },
            TargetState::Throttled,
        ),
    ] {
        simulator.add_fault(Fault::new(effect).operation(Call::ListRegions));
        let failure = aws.enabled_regions(&account, &access).await.unwrap_err();
        assert_eq!(failure.state, state);
        assert!(failure.message.starts_with("ListRegions: "));
        simulator.clear_faults();
    }
}

/// Answers every request to SageMaker with this body, and STS's with what STS says.
async fn answering(body: &'static str) -> String {
    let identity = "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111122223333</Account>\
                    </GetCallerIdentityResult></GetCallerIdentityResponse>";
    let answer = move |headers: axum::http::HeaderMap| async move {
        if headers.contains_key("x-amz-target") {
            body
        } else {
            identity
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = axum::Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test]
async fn an_answer_that_says_too_little_is_none() {
    let own = key(ACCOUNT, REGION, access(None, None));
    let at = async |body| {
        let config = config(&answering(body).await, Some(("AKIA", "secret")));
        Aws::new(config, &hasty(), Arc::new(())).reader(&own)
    };
    for (body, message) in [
        ("", "an answer without a list"),
        ("{}", "an answer without a list"),
        (
            r#"{"NotebookInstances": [{}]}"#,
            "a notebook without a name or ARN",
        ),
        (
            r#"{"NotebookInstances": [{"NotebookInstanceName": "x"}]}"#,
            "a notebook without a name or ARN",
        ),
        ("<html>", "HTTP 200, unreadable answer"),
    ] {
        let failure = at(body).await.list().await.unwrap_err();
        assert_eq!(failure.state, TargetState::Unreachable, "{body}");
        assert_eq!(failure.message, format!("ListNotebookInstances: {message}"));
    }
    let reader = at("{}").await;
    let details = reader.describe("x").await.unwrap().unwrap();
    assert_eq!(details.root_access, RootAccess::Unknown);
    let failure = reader.tags(&"arn:x".into()).await.unwrap_err();
    assert_eq!(failure.message, "ListTags: an answer without tags");
    assert_eq!(
        at(r#"{"NotebookInstances": []}"#).await.list().await,
        Ok(vec![])
    );
}
