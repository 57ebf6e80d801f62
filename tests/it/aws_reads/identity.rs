//! Who the operator is, and for how long.

use super::*;

#[tokio::test]
async fn the_operators_own_identity_must_be_in_the_account() {
    let home = sagemaker_simulator::Fleet::new().home.account;
    let simulator = simulate(fleet().notebooks(notebooks(&home, REGION, 3)));
    let aws = aws(&simulator, &Options::default());
    let own = aws.reader(&key(&home, REGION, access(None, None)));
    assert_eq!(own.list().await.unwrap().len(), 3);
    assert!(own.describe("notebook-0001").await.unwrap().is_some());
    assert_eq!(simulator.counters().of(Call::GetCallerIdentity), 1);

    let other = aws.reader(&key(ACCOUNT, REGION, access(None, None)));
    let failure = other.list().await.unwrap_err();
    assert_eq!(failure.state, TargetState::InvalidCredentials);
    assert_eq!(
        failure.message,
        format!(
            "sudoless's own identity is in account {home}, not in {ACCOUNT}: write the role to assume there in \
             accounts[].role"
        )
    );
    assert!(other.describe("notebook-0001").await.is_err());
    assert_eq!(simulator.counters().of(Call::ListNotebookInstances), 1);
}

#[tokio::test]
async fn credentials_are_shared_renewed_and_forgotten() {
    let simulator = simulate(fleet());
    let aws = aws(&simulator, &Options::default());
    let assumed = || simulator.counters().of(Call::AssumeRole);
    let regions = ["us-east-1", "us-west-2", REGION, "eu-central-1"];
    let readers = regions.map(|region| reader(&aws, ACCOUNT, region));
    let lists = readers.iter().map(TargetReader::list);
    futures::future::try_join_all(lists).await.unwrap();
    assert_eq!(assumed(), 1);

    // Expired, though by their own word they still hold: all readers notice, and one set of new
    // ones serves all.
    simulator.expire_sessions();
    let lists = readers.iter().map(TargetReader::list);
    futures::future::try_join_all(lists).await.unwrap();
    assert_eq!(assumed(), 2);

    // An account that nobody reads any more keeps no credentials.
    drop(readers);
    assert!(reader(&aws, ACCOUNT, REGION).list().await.is_ok());
    assert_eq!(assumed(), 3);
}

#[tokio::test]
async fn credentials_that_expire_are_renewed_in_time() {
    let short = sagemaker_simulator::Options {
        session_lifetime: Some(Duration::from_secs(20)),
        ..sagemaker_simulator::Options::default()
    };
    let simulator = Simulator::start(fleet(), short).unwrap();
    let reader = reader(&aws(&simulator, &Options::default()), ACCOUNT, REGION);
    // They would hold for twenty seconds, which is less than the margin.
    for times in 1..=3 {
        assert!(reader.list().await.is_ok());
        assert_eq!(simulator.counters().of(Call::AssumeRole), times);
        simulator.expire_sessions();
    }
}

/// What a process with the variables of this one reads, one line for each list.
#[tokio::test]
#[ignore = "run by the tests below, in a process of its own"]
async fn in_this_environment() {
    let options = Options {
        attempt_timeout: Duration::from_secs(1),
        ..hasty()
    };
    let aws = Aws::from_environment(options, Arc::new(())).await;
    let reader = reader(&aws, ACCOUNT, REGION);
    for _ in 0..2 {
        match reader.list().await {
            Ok(notebooks) => println!("read {}", notebooks.len()),
            Err(failure) => println!("read {}: {}", failure.state, failure.message),
        }
    }
}

fn with_environment(simulator: &Simulator, variables: &[(&str, &str)]) -> Vec<String> {
    let test = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "aws_reads::identity::in_this_environment",
            "--ignored",
            "--nocapture",
        ])
        .env_clear()
        .env("AWS_ENDPOINT_URL", simulator.url())
        .env("AWS_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let output = String::from_utf8(test.stdout).unwrap();
    let lines = output.lines().filter_map(|line| line.strip_prefix("read "));
    lines.map(str::to_owned).collect()
}

#[test]
fn the_operators_identity_comes_from_the_environment() {
    let own = Account::new(&Fleet::new().home.account).role("operator");
    let mut fleet = fleet()
        .account(own)
        .notebooks(notebooks(ACCOUNT, REGION, 3));
    fleet.home.web_identity_token = Some("right-token".to_owned());
    let simulator = simulate(fleet);
    let home = simulator.home().clone();
    let keys = [
        ("AWS_ACCESS_KEY_ID", home.access_key_id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", home.secret_access_key.as_str()),
    ];
    assert_eq!(with_environment(&simulator, &keys), ["3", "3"]);

    let agent = format!("{}/_admin/credentials", simulator.url());
    let pod_identity = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent.as_str())];
    assert_eq!(with_environment(&simulator, &pod_identity), ["3", "3"]);

    let role = format!("arn:aws:iam::{}:role/operator", home.account);
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    let irsa = [
        ("AWS_ROLE_ARN", role.as_str()),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
    ];
    std::fs::write(&token, "right-token").unwrap();
    assert_eq!(with_environment(&simulator, &irsa), ["3", "3"]);

    let refused = |lines: Vec<String>, start: &str| {
        assert_eq!(lines.len(), 2);
        // The same failure always reads the same.
        assert_eq!(lines[0], lines[1]);
        assert!(lines[0].starts_with(start), "{}", lines[0]);
    };
    std::fs::write(&token, "wrong-token").unwrap();
    let wrong = "InvalidCredentials: AssumeRole: AssumeRoleWithWebIdentity: ";
    refused(with_environment(&simulator, &irsa), wrong);
    std::fs::remove_file(&token).unwrap();
    let none = "InvalidCredentials: AssumeRole: no credentials: ";
    refused(with_environment(&simulator, &irsa), none);
    refused(with_environment(&simulator, &[]), none);

    std::fs::write(&token, "right-token").unwrap();
    let hang =
        simulator.add_fault(Fault::new(Effect::Hang).operation(Call::AssumeRoleWithWebIdentity));
    refused(
        with_environment(&simulator, &irsa),
        "Unreachable: AssumeRole: no ",
    );
    simulator.remove_fault(hang);
    let never = Effect::Throttle {
        rate: 0.0,
        burst: 0.0,
    };
    simulator.add_fault(Fault::new(never).operation(Call::AssumeRoleWithWebIdentity));
    refused(
        with_environment(&simulator, &irsa),
        "Throttled: AssumeRole: ",
    );
}
