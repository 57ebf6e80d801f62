//! Throttled, slow and failing targets are tolerated, and do not delay the others.

use super::*;

#[tokio::test]
async fn throttling_is_ridden_out_and_slows_nobody_else() {
    let slow = notebooks(ACCOUNT, REGION, 60);
    let simulator = simulate(
        fleet()
            .notebooks(slow)
            .notebooks(notebooks(OTHER, REGION, 200)),
    );
    let throttle = Effect::Throttle {
        rate: 10.0,
        burst: 10.0,
    };
    simulator.add_fault(
        Fault::new(throttle)
            .account(ACCOUNT)
            .operation(Call::DescribeNotebookInstance),
    );
    let (aws, counted) = observed(&simulator, &Options::default());
    let (throttled, healthy) = (reader(&aws, ACCOUNT, REGION), reader(&aws, OTHER, REGION));
    let read = async |reader: &TargetReader| {
        let listed = reader.list().await.unwrap();
        let began = Instant::now();
        let details = describe_all(reader, &listed, 20).await.unwrap();
        assert!(details.iter().all(Option::is_some));
        (details.len(), began.elapsed())
    };
    let (one, other) = tokio::join!(read(&throttled), read(&healthy));
    assert_eq!((one.0, other.0), (60, 200));
    assert!(one.1 >= Duration::from_secs(4), "{:?}", one.1);
    assert!(other.1 < one.1 / 2, "{:?} against {:?}", other.1, one.1);
    let refused = counted.of(Operation::DescribeNotebookInstance, Outcome::Throttled);
    assert!(refused > 0);
    assert_eq!((throttled.throttled(), healthy.throttled()), (refused, 0));
    assert!(throttled.describes_in_flight() < 20);
    assert_eq!(healthy.describes_in_flight(), 20);
}

#[tokio::test]
async fn a_target_that_hangs_stalls_no_other() {
    let simulator = simulate(
        fleet()
            .notebooks(notebooks(ACCOUNT, REGION, 40))
            .notebooks(notebooks(OTHER, REGION, 100)),
    );
    let hang = Fault::new(Effect::Hang).account(ACCOUNT);
    simulator.add_fault(hang.operation(Call::DescribeNotebookInstance));
    let options = Options {
        describes_overall: 8,
        attempt_timeout: Duration::from_secs(2),
        ..Options::default()
    };
    let aws = aws(&simulator, &options);
    let (hanging, healthy) = (reader(&aws, ACCOUNT, REGION), reader(&aws, OTHER, REGION));
    let listed = hanging.list().await.unwrap();
    let attempts = tokio::spawn({
        let hanging = hanging.clone();
        async move { describe_all(&hanging, &listed, 20).await }
    });
    // All places are taken by requests that hang.
    let deadline = Instant::now() + Duration::from_secs(10);
    while simulator
        .counters()
        .max_in_flight_of(Call::DescribeNotebookInstance)
        < 8
    {
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    let listed = healthy.list().await.unwrap();
    // At worst it waits once, until those requests are given up; then the slow target has one place
    // of eight. Had it all places time and again, a hundred Describes would take half a minute.
    let began = Instant::now();
    assert_eq!(describe_all(&healthy, &listed, 7).await.unwrap().len(), 100);
    let took = began.elapsed();
    assert!(took < options.attempt_timeout * 3, "{took:?}");
    assert!(!attempts.is_finished());
    attempts.abort();
}

#[tokio::test]
async fn describes_are_bounded_over_all_targets() {
    let slow = sagemaker_simulator::Options {
        latency: Duration::from_millis(20),
        ..sagemaker_simulator::Options::default()
    };
    let here = notebooks(ACCOUNT, REGION, 50);
    let there = notebooks(OTHER, REGION, 50);
    let simulator = Simulator::start(fleet().notebooks(here).notebooks(there), slow).unwrap();
    let options = Options {
        describes_overall: 8,
        ..Options::default()
    };
    let aws = aws(&simulator, &options);
    let (one, other) = (reader(&aws, ACCOUNT, REGION), reader(&aws, OTHER, REGION));
    let (listed, listed_there) = tokio::try_join!(one.list(), other.list()).unwrap();
    simulator.reset_counters();
    let both = tokio::try_join!(
        describe_all(&one, &listed, 20),
        describe_all(&other, &listed_there, 20)
    );
    assert!(both.is_ok());
    assert_eq!(simulator.counters().of(Call::DescribeNotebookInstance), 100);
    assert_eq!(simulator.counters().max_in_flight, 8);
}

#[tokio::test]
async fn failures_that_pass_are_ridden_out() {
    let simulator = simulate(fleet().notebooks(notebooks(ACCOUNT, REGION, 60)));
    let failure = Effect::error_with_status("InternalFailure", 500);
    simulator.add_fault(Fault::new(failure).every(4));
    simulator.add_fault(Fault::new(Effect::Reset).every(7));
    let reader = reader(&aws(&simulator, &Options::default()), ACCOUNT, REGION);
    let listed = reader.list().await.unwrap();
    assert_eq!(listed.len(), 60);
    let details = describe_all(&reader, &listed, 10).await.unwrap();
    assert!(details.iter().all(Option::is_some));
}
