//! How fast the daemon answers: prints the table that `daemon/README.md` shows.
//!
//! ```sh
//! cargo build --release -p framewright-daemon
//! cargo run --release -p framewright-client --example daemon_speed [-- SOAK_SECONDS]
//! ```
//! It starts a daemon of its own in a temporary home. With SOAK_SECONDS, 50
//! clients then make mixed calls for so long, and the memory is watched.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use framewright_client::{Client, ClientError};
use framewright_protocol::{
    DaemonStop, FrameGenerate, GenerateParams, JobList, JobListParams, JobParams, JobShow,
    JobSubmit, Known, Method, Nothing, PictureFormat, Ping, Priority, Status, SubmitParams,
    to_value,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

struct Daemon {
    home: PathBuf,
    process: Child,
}

impl Daemon {
    /// Starts a daemon; gives it with its first connection and the seconds
    /// until that was greeted.
    async fn start(home: &Path) -> Outcome<(Self, Client, f64)> {
        let program = std::env::current_exe()?
            .ancestors()
            .nth(2)
            .map(|folder| folder.join("framewrightd"))
            .filter(|program| program.is_file())
            .ok_or("framewrightd is not built: cargo build --release -p framewright-daemon")?;
        let began = Instant::now();
        let process = Command::new(program)
            .arg("--home")
            .arg(home)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let daemon = Self {
            home: home.to_owned(),
            process,
        };
        loop {
            if let Ok(client) = daemon.connect().await {
                return Ok((daemon, client, began.elapsed().as_secs_f64()));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn connect(&self) -> Outcome<Client> {
        let stream = tokio::net::UnixStream::connect(self.home.join("run/daemon.sock")).await?;
        let (reader, writer) = tokio::io::split(stream);
        Ok(Client::greet(reader, writer, "daemon_speed").await?)
    }

    async fn stop(mut self, client: Client) -> Outcome<()> {
        match client.call::<DaemonStop>(&Nothing {}).await {
            Ok(_) | Err(ClientError::Lost) => {}
            Err(error) => return Err(error.into()),
        }
        drop(client);
        self.process.wait()?;
        Ok(())
    }
}

/// The value that so large a share of them is below.
fn quantile(times: &mut [f64], share: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    times[((times.len() - 1) as f64 * share).round() as usize]
}

async fn pings(client: &Client, count: usize, pause: Duration) -> Outcome<Vec<f64>> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let began = Instant::now();
        client.call::<Ping>(&Nothing {}).await?;
        times.push(began.elapsed().as_secs_f64());
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
    Ok(times)
}

fn job(candidates: u32, steps: u32) -> GenerateParams {
    GenerateParams {
        prompt: "a woman in a red top, in a park, soft daylight".to_owned(),
        width: Some(256),
        height: Some(256),
        candidates: Some(candidates),
        steps: Some(steps),
        ..GenerateParams::default()
    }
}

fn row(what: &str, bar: &str, value: String) {
    println!("| {what} | {bar} | {value} |");
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.1} ms", seconds * 1e3)
}

fn microseconds(seconds: f64) -> String {
    format!("{:.0} µs", seconds * 1e6)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let soak: u64 = std::env::args().nth(1).map_or(Ok(0), |text| text.parse())?;
    let folder = std::env::temp_dir().join(format!("fw-speed-{}", std::process::id()));
    println!("| what | bar | measured |\n|---|---|---|");
    let mut starts = Vec::new();
    for number in 0..10 {
        let (daemon, client, seconds) = Daemon::start(&folder.join(number.to_string())).await?;
        starts.push(seconds);
        daemon.stop(client).await?;
    }
    row(
        "start of the daemon to `hello`, median of 10",
        "< 150 ms",
        milliseconds(quantile(&mut starts, 0.5)),
    );
    let (daemon, client, _) = Daemon::start(&folder.join("home")).await?;
    let memory = async || -> Outcome<f64> {
        let status = client.call::<Status>(&Nothing {}).await?;
        Ok(status.memory_bytes.unwrap_or(0) as f64 / 1e6)
    };
    row(
        "idle memory without a model",
        "< 40 MB",
        format!("{:.1} MB", memory().await?),
    );
    let mut idle = pings(&client, 5_000, Duration::ZERO).await?;
    let idle = quantile(&mut idle, 0.5);
    row("`ping`, idle, p50", "< 150 µs", microseconds(idle));

    let mut there_and_back = Vec::new();
    for number in 0..20_u8 {
        let mut pixels = vec![number; 1024 * 1024 * 4];
        pixels[0] = 255;
        let began = Instant::now();
        let hash = client.put_blob(&pixels).await?;
        let back = client.get_blob(&hash).await?;
        there_and_back.push(began.elapsed().as_secs_f64());
        assert_eq!(back, pixels, "the same bytes come back");
    }
    row(
        "1024×1024 RGBA there and back: stored, synced, hashed on both sides, median of 20",
        "< 30 ms",
        milliseconds(quantile(&mut there_and_back, 0.5)),
    );

    let mut call = client.start::<FrameGenerate>(&job(64, 200)).await?;
    while !matches!(call.event().await, Some(Known::Progress(_))) {}
    let busy_client = daemon.connect().await?;
    let mut busy = pings(&busy_client, 3_000, Duration::from_millis(1)).await?;
    row(
        "`ping` while both cores draw, p50",
        "≤ 3 × idle",
        format!(
            "{} ({:.1} ×)",
            microseconds(quantile(&mut busy, 0.5)),
            quantile(&mut busy, 0.5) / idle
        ),
    );
    row(
        "`ping` while both cores draw, p99",
        "≤ 5 ms",
        milliseconds(quantile(&mut busy, 0.99)),
    );
    let submission = SubmitParams {
        method: FrameGenerate::NAME.to_owned(),
        params: to_value(&job(1, 2))?,
        key: None,
        priority: Some(Priority::Training),
    };
    let began = Instant::now();
    for _ in 0..1_000 {
        busy_client.call::<JobSubmit>(&submission).await?;
    }
    row(
        "one job submitted and synced, while both cores draw, mean of 1,000",
        "",
        milliseconds(began.elapsed().as_secs_f64() / 1e3),
    );
    drop(call);
    drop(busy_client);
    let everything = JobListParams {
        limit: Some(1_000),
        ..JobListParams::default()
    };
    let mut lists = Vec::new();
    for _ in 0..20 {
        let began = Instant::now();
        let list = client.call::<JobList>(&everything).await?;
        lists.push(began.elapsed().as_secs_f64());
        assert_eq!(list.jobs.len(), 1_000);
    }
    row(
        "1,000 jobs listed while both cores draw, median of 20",
        "< 20 ms",
        milliseconds(quantile(&mut lists, 0.5)),
    );
    daemon.stop(client).await?;

    let (daemon, client, _) = Daemon::start(&folder.join("quiet")).await?;
    let mut paused = pings(&client, 3_000, Duration::from_millis(1)).await?;
    row(
        "`ping`, idle, with the pause of 1 ms that the busy figure has, p50",
        "",
        microseconds(quantile(&mut paused, 0.5)),
    );
    if soak > 0 {
        soak_for(&daemon, &client, Duration::from_secs(soak)).await?;
    }
    daemon.stop(client).await?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Fifty clients with mixed calls; prints the memory as time goes by.
async fn soak_for(daemon: &Daemon, watcher: &Client, time: Duration) -> Outcome<()> {
    let began = Instant::now();
    let mut clients = Vec::new();
    for number in 0..50_u64 {
        let client = daemon.connect().await?;
        clients.push(async move {
            let mut calls = 0_u64;
            let mut numbers = number;
            while began.elapsed() < time {
                numbers = numbers
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let failed = match (numbers >> 33) % 10 {
                    0 => {
                        let blob = client.put_blob(&numbers.to_le_bytes().repeat(5_000)).await;
                        match blob {
                            Ok(hash) => client.get_blob(&hash).await.err(),
                            Err(error) => Some(error),
                        }
                    }
                    1 => {
                        let params = GenerateParams {
                            steps: Some(2),
                            format: Some(PictureFormat::Rgba8),
                            width: None,
                            height: None,
                            ..job(1, 2)
                        };
                        client.call::<FrameGenerate>(&params).await.err()
                    }
                    2 => client
                        .call::<JobList>(&JobListParams::default())
                        .await
                        .err(),
                    3 => {
                        let job = format!("j{}", (numbers >> 40) % 100 + 1);
                        // Many were never made: that is an answer too.
                        match client.call::<JobShow>(&JobParams { job }).await {
                            Err(ClientError::Refused(_)) | Ok(_) => None,
                            Err(error) => Some(error),
                        }
                    }
                    4 => client.call::<Status>(&Nothing {}).await.err(),
                    _ => client.call::<Ping>(&Nothing {}).await.err(),
                };
                if let Some(error) = failed {
                    return Err(error);
                }
                calls += 1;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok(calls)
        });
    }
    let watch = async {
        let mut seen = Vec::new();
        while began.elapsed() < time {
            tokio::time::sleep(time / 10).await;
            let status = watcher.call::<Status>(&Nothing {}).await?;
            seen.push(format!(
                "{:.0}",
                status.memory_bytes.unwrap_or(0) as f64 / 1e6
            ));
        }
        Ok::<_, ClientError>(seen)
    };
    let calls = async {
        let mut set = tokio::task::JoinSet::new();
        for client in clients {
            set.spawn(client);
        }
        let mut sum = 0;
        while let Some(done) = set.join_next().await {
            sum += done??;
        }
        Ok::<u64, Box<dyn Error>>(sum)
    };
    let (seen, calls) = tokio::join!(watch, calls);
    row(
        &format!(
            "50 clients, {} s of mixed calls ({} calls, none failed): memory at each tenth, MB",
            time.as_secs(),
            calls?
        ),
        "no leak",
        seen?.join(", "),
    );
    Ok(())
}
