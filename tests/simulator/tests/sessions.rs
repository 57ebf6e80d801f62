//! Credentials: roles, external ids, tokens, expiry, and where bad ones are told apart from
//! disabled regions.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_account::config::{BehaviorVersion, Region};
use sagemaker_simulator::{Account, Effect, Fault, Operation, Options, Simulator};

use crate::clients::{
    ACCOUNT, OTHER, REGION, account, assume, code, fleet, home, http, keys, notebook, refusal,
    sagemaker, sagemaker_with, start, sts, until,
};

const TIMEOUT: Duration = Duration::from_secs(10);

async fn list(simulator: &Simulator, credentials: Credentials, region: &str) -> Result<(), String> {
    let client = sagemaker_with(simulator, credentials, region, TIMEOUT);
    let answer = client.list_notebook_instances().send().await;
    if answer.is_ok() {
        Ok(())
    } else {
        Err(code(answer))
    }
}

#[tokio::test]
async fn a_role_is_assumed_only_as_it_says() {
    let simulator = start(fleet([]));
    let attempt = async |arn: &str, external_id: Option<&str>| {
        let request = sts(&simulator, home(&simulator))
            .assume_role()
            .role_session_name("test");
        let request = request
            .role_arn(arn)
            .set_external_id(external_id.map(str::to_owned));
        let answer = request.send().await;
        if answer.is_ok() {
            Ok(())
        } else {
            Err(refusal(answer))
        }
    };
    let guarded = "arn:aws:iam::444455556666:role/ops/sudoless";
    let open = "arn:aws:iam::111122223333:role/sudoless";
    for (arn, external_id, accepted) in [
        (open, None, true),
        (open, Some("anything"), true),
        (guarded, Some("8f1c"), true),
        (guarded, Some("8f1d"), false),
        (guarded, None, false),
        (
            "arn:aws:iam::444455556666:role/sudoless",
            Some("8f1c"),
            false,
        ),
        ("arn:aws:iam::111122223333:role/other", None, false),
        ("arn:aws:iam::000000000000:role/sudoless", None, false),
    ] {
        let answer = attempt(arn, external_id).await;
        assert_eq!(answer.is_ok(), accepted, "{arn} {external_id:?}");
        if let Err((code, message)) = answer {
            assert_eq!(code, "AccessDenied");
            let words = "arn:aws:iam::999900001111:user/operator is not authorized to perform: sts:AssumeRole";
            assert!(
                message.contains(words) && message.contains(arn),
                "{message}"
            );
        }
    }
}

#[tokio::test]
async fn only_the_home_account_is_trusted() {
    let simulator = start(fleet([]));
    let chained = sts(&simulator, assume(&simulator, ACCOUNT).await);
    let request = chained.assume_role().role_session_name("test");
    let request = request.role_arn("arn:aws:iam::111122223333:role/sudoless");
    assert_eq!(code(request.send().await), "AccessDenied");
}

#[tokio::test]
async fn requests_that_sts_would_not_read_are_refused() {
    let simulator = start(fleet([]));
    let request = || {
        let request = sts(&simulator, home(&simulator)).assume_role();
        request.role_arn("arn:aws:iam::111122223333:role/sudoless")
    };
    assert_eq!(
        code(request().role_session_name("no spaces").send().await),
        "ValidationError"
    );
    let short = request().role_session_name("test").duration_seconds(60);
    assert_eq!(code(short.send().await), "ValidationError");
}

#[tokio::test]
async fn keys_that_nobody_handed_out_are_refused_everywhere() {
    let simulator = start(fleet([]));
    let good = assume(&simulator, ACCOUNT).await;
    let bad = [
        keys("AKIANOBODY", "x", None),
        keys(good.access_key_id(), good.secret_access_key(), None),
        keys(good.access_key_id(), "x", Some("forged".to_owned())),
        keys(
            &simulator.home().access_key_id,
            "x",
            Some("forged".to_owned()),
        ),
    ];
    for credentials in bad {
        let answer = list(&simulator, credentials.clone(), REGION).await;
        assert_eq!(answer, Err("UnrecognizedClientException".to_owned()));
        let identity = sts(&simulator, credentials.clone())
            .get_caller_identity()
            .send()
            .await;
        assert_eq!(code(identity), "InvalidClientTokenId");
        let regions = account(&simulator, credentials).list_regions().send().await;
        assert_eq!(code(regions), "UnrecognizedClientException");
    }
    assert_eq!(list(&simulator, good, REGION).await, Ok(()));
}

#[tokio::test]
async fn a_disabled_region_looks_like_bad_keys_but_the_identity_is_good() {
    let simulator = start(fleet([]));
    simulator.put_account(Account::new(ACCOUNT).role("sudoless").regions([REGION]));
    let credentials = assume(&simulator, ACCOUNT).await;
    assert_eq!(list(&simulator, credentials.clone(), REGION).await, Ok(()));
    for region in ["eu-west-1", "me-south-1"] {
        let answer = list(&simulator, credentials.clone(), region).await;
        assert_eq!(answer, Err("UnrecognizedClientException".to_owned()));
    }
    let identity = sts(&simulator, credentials.clone())
        .get_caller_identity()
        .send()
        .await;
    assert_eq!(identity.unwrap().account(), Some(ACCOUNT));
    // As a fault, a region goes away at run time.
    simulator.add_fault(
        Fault::new(Effect::DisableRegion)
            .account(ACCOUNT)
            .region(REGION),
    );
    let answer = list(&simulator, credentials.clone(), REGION).await;
    assert_eq!(answer, Err("UnrecognizedClientException".to_owned()));
    assert!(
        sts(&simulator, credentials)
            .get_caller_identity()
            .send()
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn expired_credentials_say_so() {
    let simulator = start(fleet([]));
    let credentials = assume(&simulator, ACCOUNT).await;
    assert_eq!(list(&simulator, credentials.clone(), REGION).await, Ok(()));
    simulator.expire_sessions();
    let answer = list(&simulator, credentials.clone(), REGION).await;
    assert_eq!(answer, Err("ExpiredTokenException".to_owned()));
    let identity = sts(&simulator, credentials)
        .get_caller_identity()
        .send()
        .await;
    assert_eq!(code(identity), "ExpiredToken");
    let fresh = assume(&simulator, ACCOUNT).await;
    assert_eq!(list(&simulator, fresh, REGION).await, Ok(()));
}

#[tokio::test]
async fn short_lived_credentials_say_when_they_end_and_end() {
    let options = Options {
        session_lifetime: Some(Duration::from_millis(300)),
        ..Options::default()
    };
    let simulator = Simulator::start(fleet([]), options).unwrap();
    let now = jiff::Timestamp::now().as_millisecond();
    let request = sts(&simulator, home(&simulator))
        .assume_role()
        .role_session_name("test");
    let answer = request
        .role_arn("arn:aws:iam::111122223333:role/sudoless")
        .send()
        .await
        .unwrap();
    let handed_out = answer.credentials().unwrap();
    let ends = handed_out.expiration().to_millis().unwrap();
    assert!(
        (now..now + 5_000).contains(&ends),
        "{ends} is within seconds of {now}"
    );
    let credentials = crate::clients::credentials(handed_out);
    let error = until("the credentials end", async || {
        list(&simulator, credentials.clone(), REGION).await.err()
    })
    .await;
    assert_eq!(error, "ExpiredTokenException");
}

#[tokio::test]
async fn web_identity_tokens_give_a_session_without_a_signature() {
    let mut irsa = fleet([notebook("churn")]);
    irsa.home.web_identity_token = Some("projected".to_owned());
    let home = irsa.home.account.clone();
    irsa.accounts.push(Account::new(&home).role("operator"));
    let simulator = start(irsa);
    let config = aws_sdk_sts::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(simulator.url());
    let unsigned = aws_sdk_sts::Client::from_conf(config.build());
    let request = |role: &str, token: &str| {
        let request = unsigned
            .assume_role_with_web_identity()
            .role_session_name("pod");
        request
            .role_arn(format!("arn:aws:iam::{home}:role/{role}"))
            .web_identity_token(token)
            .send()
    };
    assert_eq!(
        code(request("operator", "forged").await),
        "InvalidIdentityToken"
    );
    assert_eq!(code(request("nobody", "projected").await), "AccessDenied");
    let session = request("operator", "projected").await.unwrap();
    let session = crate::clients::credentials(session.credentials().unwrap());
    let own = sts(&simulator, session.clone())
        .get_caller_identity()
        .send()
        .await
        .unwrap();
    assert_eq!(
        own.arn(),
        Some(format!("arn:aws:sts::{home}:assumed-role/operator/pod").as_str())
    );
    let chained = sts(&simulator, session)
        .assume_role()
        .role_session_name("test");
    let chained = chained
        .role_arn("arn:aws:iam::444455556666:role/ops/sudoless")
        .external_id("8f1c");
    assert!(
        chained.send().await.is_ok(),
        "the home account's sessions are trusted as its user is"
    );
}

#[tokio::test]
async fn a_containers_agent_hands_out_home_credentials() {
    let simulator = start(fleet([]));
    let (status, answer) = http(&simulator, "GET", "/_admin/credentials", None).await;
    assert_eq!(status, 200);
    let field = |name: &str| answer[name].as_str().unwrap();
    let (key, secret) = (field("AccessKeyId"), field("SecretAccessKey"));
    let credentials = keys(key, secret, Some(field("Token").to_owned()));
    let ends: jiff::Timestamp = field("Expiration").parse().unwrap();
    assert!(ends > jiff::Timestamp::now());
    let own = sts(&simulator, credentials)
        .get_caller_identity()
        .send()
        .await
        .unwrap();
    assert_eq!(own.account(), Some("999900001111"));
}

#[tokio::test]
async fn the_operators_own_account_is_an_account_like_others() {
    let own = sagemaker_simulator::Notebook::new("999900001111", REGION, "own");
    let simulator = start(fleet([own]));
    let client = sagemaker_with(&simulator, home(&simulator), REGION, TIMEOUT);
    let names = client.list_notebook_instances().send().await.unwrap();
    assert_eq!(names.notebook_instances().len(), 1);
    let theirs = sagemaker(&simulator, OTHER, REGION).await;
    assert_eq!(
        theirs
            .list_notebook_instances()
            .send()
            .await
            .unwrap()
            .notebook_instances()
            .len(),
        0
    );
    let regions = account(&simulator, home(&simulator))
        .list_regions()
        .send()
        .await
        .unwrap();
    assert!(!regions.regions().is_empty());
    assert_eq!(simulator.counters().of(Operation::ListRegions), 1);
}
