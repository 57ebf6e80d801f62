//! `simulator-load` measures how many requests a simulator with one thread answers. Build it in
//! release mode:
//!
//! ```console
//! $ cargo run --release -p sagemaker-simulator --bin simulator-load
//! ```
//!
//! It uses plain sockets instead of the SDK, so that the client costs little. The second figure is
//! the capacity of one core: answers per second of the serving thread's processor time (Linux
//! only). Other work on the machine does not affect it.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use sagemaker_simulator::{Fleet, Notebook, Options, Simulator};

/// Measures how many requests a simulator with one thread answers.
#[derive(Debug, Parser)]
struct Arguments {
    /// Time for each kind of request, in seconds
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Number of concurrent connections
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Number of notebooks in the fleet
    #[arg(long, default_value_t = 10_000)]
    notebooks: usize,
}

const ACCOUNT: &str = "999900001111";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let notebooks = (0..arguments.notebooks)
        .map(|number| Notebook::new(ACCOUNT, "us-east-1", &format!("notebook-{number:05}")));
    let simulator = Simulator::start(Fleet::new().notebooks(notebooks), Options::default())?;
    let describe = r#"{"NotebookInstanceName":"notebook-00042"}"#;
    measure(&simulator, &arguments, "DescribeNotebookInstance", describe)?;
    let list = r#"{"MaxResults":100}"#;
    measure(&simulator, &arguments, "ListNotebookInstances", list)
}

fn measure(
    simulator: &Simulator,
    arguments: &Arguments,
    operation: &str,
    body: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let address = simulator.url().trim_start_matches("http://");
    let key = &simulator.home().access_key_id;
    let request = format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/x-amz-json-1.1\r\n\
         x-amz-target: SageMaker.{operation}\r\nx-amz-date: 20260101T000000Z\r\n\
         authorization: AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/sagemaker/aws4_request, \
         SignedHeaders=host;x-amz-date;x-amz-target, Signature=0000\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (stop, answers) = (AtomicBool::new(false), AtomicU64::new(0));
    let (started, busy) = (Instant::now(), processor_time());
    let failed = thread::scope(|scope| {
        let send = || {
            let mut connection = BufReader::new(TcpStream::connect(address)?);
            while !stop.load(Ordering::Relaxed) {
                connection.get_mut().write_all(request.as_bytes())?;
                read_answer(&mut connection)?;
                answers.fetch_add(1, Ordering::Relaxed);
            }
            io::Result::Ok(())
        };
        let senders: Vec<_> = (0..arguments.connections)
            .map(|_| scope.spawn(send))
            .collect();
        thread::sleep(Duration::from_secs(arguments.seconds));
        stop.store(true, Ordering::Relaxed);
        let results = senders.into_iter().map(thread::ScopedJoinHandle::join);
        let errors = results.filter_map(|result| result.unwrap_or(Ok(())).err());
        errors.collect::<Vec<_>>()
    });
    if let Some(error) = failed.into_iter().next() {
        return Err(error.into());
    }
    let answers = Duration::from_secs(answers.into_inner()).as_secs_f64();
    let wall = started.elapsed().as_secs_f64();
    write!(io::stdout(), "{operation}: {:.0} a second", answers / wall)?;
    if let (Some(before), Some(after)) = (busy, processor_time()) {
        let spent = after.saturating_sub(before).as_secs_f64();
        write!(
            io::stdout(),
            ", {:.0} a second of one core",
            answers / spent
        )?;
    }
    writeln!(io::stdout())?;
    Ok(())
}

fn read_answer(connection: &mut BufReader<TcpStream>) -> io::Result<()> {
    let (mut line, mut length) = (String::new(), 0);
    connection.read_line(&mut line)?;
    if !line.starts_with("HTTP/1.1 200") {
        return Err(io::Error::other(line));
    }
    loop {
        line.clear();
        connection.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    io::copy(&mut connection.take(length), &mut io::sink())?;
    Ok(())
}

/// Returns the processor time of the simulator's threads so far, or `None` if the system does not
/// report it.
fn processor_time() -> Option<Duration> {
    let threads = fs::read_dir("/proc/self/task").ok()?.flatten();
    let named = |path: &Path| {
        fs::read_to_string(path.join("comm")).is_ok_and(|name| name.trim() == "simulator")
    };
    let serving = threads
        .map(|thread| thread.path())
        .filter(|path| named(path));
    // Nanoseconds on the processor; Documentation/scheduler/sched-stats.
    let spent = serving.filter_map(|path| {
        let stat = fs::read_to_string(path.join("schedstat")).ok()?;
        stat.split(' ').next()?.parse::<u64>().ok()
    });
    Some(Duration::from_nanos(spent.sum())).filter(|spent| !spent.is_zero())
}
