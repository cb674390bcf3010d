//! `tidemark-sim`: runs seeds of the simulator, says how fast, what was hit, and how to replay a seed that failed.
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "a command line speaks on its terminal")]

use std::{process::ExitCode, time::Instant};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use tidemark_projector::sabotage::Sabotage;
use tidemark_simulator::{Company, Hits, Point, simulate};

/// Runs the projector in a simulated world, once per seed: crashes, duplicates, lost disks, paused owners, restored tables.
/// What is read must at every moment be what the naive model folds from the log.
#[derive(Parser)]
#[command(name = "tidemark-sim", bin_name = "cargo xtask sim")]
struct Cli {
    /// How many seeds to run
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Switch one protection of the projector off; the run should then fail
    #[arg(long, value_parser = sabotage)]
    sabotage: Option<Sabotage>,
}

fn sabotage(name: &str) -> Result<Sabotage, String> {
    let names = || Sabotage::ALL.iter().map(|sabotage| sabotage.name()).collect::<Vec<_>>().join(", ");
    let known = Sabotage::ALL.iter().copied().find(|sabotage| sabotage.name() == name);
    known.ok_or_else(|| format!("one of: {}", names()))
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<(), String> {
    let company = Company::new(cli.sabotage)?;
    let style =
        ProgressStyle::with_template("{bar:40} {pos}/{len} seeds  {per_sec}  {eta} left").map_err(|error| error.to_string())?;
    let bar = ProgressBar::new(cli.seeds).with_style(style);
    let (started, mut hits) = (Instant::now(), Hits::default());
    for seed in cli.from..cli.from + cli.seeds {
        match simulate(&company, seed) {
            Ok(of_seed) => hits.add(&of_seed),
            Err(wrong) => {
                bar.abandon();
                let sabotage = cli.sabotage.map(|sabotage| format!(" --sabotage {}", sabotage.name())).unwrap_or_default();
                return Err(format!("seed {seed}: {wrong}\nreplay: cargo xtask sim --seeds 1 --from {seed}{sabotage}"));
            }
        }
        bar.inc(1);
    }
    bar.finish();
    for point in Point::ALL {
        println!("{:>12}  {point:?}", hits.of(*point));
    }
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    println!("{} seeds, {} faults, none wrong; {:.0} seeds a minute", cli.seeds, hits.faults(), cli.seeds as f64 / minutes);
    Ok(())
}
