//! Nothing outlasts a write's time, and nothing is sent after it.

use std::time::Instant;

use super::*;

fn short() -> Options {
    Options {
        write_timeout: Duration::from_millis(200),
        ..Options::default()
    }
}

#[tokio::test]
async fn what_is_too_late_is_not_sent() {
    let home = Fleet::new().home.account;
    let own = Notebook::new(&home, REGION, "churn");
    let simulator = simulate(fleet().notebook(own));
    let none = Options {
        write_timeout: Duration::ZERO,
        ..Options::default()
    };
    let (aws, counted) = observed(&simulator, &none);
    let target = key(&home, REGION, access(None, None));
    // With an identity that is verified and credentials that are at hand, nothing comes before the
    // request itself.
    let reader = aws.reader(&target);
    assert_eq!(reader.list().await.unwrap().len(), 1);
    let answer = aws.writer(&target).send(Call::Stop, "churn").await;
    assert_unclear(&answer, "StopNotebookInstance: no answer in time");
    assert_eq!(simulator.counters().writes(), 0);
    let operation = Operation::StopNotebookInstance;
    assert_eq!(counted.of(operation, Outcome::Answered), 0);
}

#[tokio::test]
async fn credentials_count() {
    let simulator = simulate(fleet().notebook(ready(Call::Stop, "churn")));
    let writer = writer(&aws(&simulator, &short()));
    simulator.add_fault(Fault::new(Effect::Hang).operation(Request::AssumeRole));
    let answer = writer.send(Call::Stop, "churn").await;
    assert_unclear(&answer, "StopNotebookInstance: no answer in time");
    assert_eq!(simulator.writes(), []);
}

#[tokio::test]
async fn the_check_of_the_own_identity_counts() {
    let home = Fleet::new().home.account;
    let simulator = simulate(fleet());
    simulator.add_fault(Fault::new(Effect::Hang).operation(Request::GetCallerIdentity));
    let aws = aws(&simulator, &short());
    let writer = aws.writer(&key(&home, REGION, access(None, None)));
    let answer = writer.send(Call::Stop, "churn").await;
    assert_unclear(&answer, "StopNotebookInstance: no answer in time");
    assert_eq!(simulator.writes(), []);
}

#[tokio::test]
async fn the_connection_counts() {
    // Takes no connection: its queue is full.
    let full = tokio::net::TcpSocket::new_v4().unwrap();
    full.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = full.local_addr().unwrap();
    let _listener = full.listen(0).unwrap();
    let _first = tokio::net::TcpStream::connect(address).await.unwrap();
    let url = format!("http://{address}");
    let config = config(&url, Some(("AKIA", "secret")));
    let aws = Aws::new(config, &short(), Arc::new(()));
    let answer = writer(&aws).send(Call::Stop, "churn").await;
    assert_eq!(answer.kind, WriteOutcome::Unclear);
}

#[tokio::test]
async fn a_write_waits_for_no_read() {
    let notebooks = [ready(Call::Stop, "churn"), notebook("other")];
    let simulator = simulate(fleet().notebooks(notebooks));
    let hang = Fault::new(Effect::Hang).operation(Request::DescribeNotebookInstance);
    simulator.add_fault(hang);
    let one_place = Options {
        describes_overall: 1,
        attempt_timeout: Duration::from_mins(10),
        ..patient()
    };
    let aws = aws(&simulator, &one_place);
    let target = key(ACCOUNT, REGION, access(Some(ROLE), None));
    let (reader, writer) = (aws.reader(&target), aws.writer(&target));
    let hanging = tokio::spawn(async move { reader.describe("other").await });
    let deadline = Instant::now() + Duration::from_secs(10);
    while simulator.counters().of(Request::DescribeNotebookInstance) < 1 {
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    let answer = writer.send(Call::Stop, "churn").await;
    assert_eq!(answer.kind, WriteOutcome::Accepted, "{}", answer.words);
    assert!(!hanging.is_finished());
    hanging.abort();
}
