//! `session-host cluster`: the machines that share the state, read from PostgreSQL itself. No server is needed.

use super::{Exit, arguments::ListOptions, lists::to_seconds, output};
use crate::{
    cluster::{ClusterListing, LagListing, MachineListing, ProcessorListing, TakeOverListing, look_at},
    config::Settings,
};

/// Lists the machines.
pub(super) fn cluster(settings: &Settings, options: &ListOptions) -> anyhow::Result<Exit> {
    let listed = match settings.state.address() {
        Some(address) => ClusterListing::from(&look_at(address)?),
        None => ClusterListing::default(),
    };
    if options.json {
        output::print_json(&listed)?;
        return Ok(Exit::Done);
    }
    if !listed.shared {
        output::print("this state is in a file: no other host shares it")?;
        return Ok(Exit::Done);
    }
    let lags: Vec<[String; 5]> = listed.longest_waiting().into_iter().map(lag_row).collect();
    let ClusterListing {
        machines,
        processors,
        take_overs,
        ..
    } = listed;
    if machines.is_empty() {
        output::print("no host has this state open")?;
    } else {
        let header = ["machine", "incarnation", "version", "renewed", "seconds ago", "lease"];
        output::print(output::table(header, machines.into_iter().map(machine_row)))?;
    }
    if !processors.is_empty() {
        print_processors(processors)?;
    }
    if !lags.is_empty() {
        let header = ["longest waiting", "bucket", "machine", "backlog", "oldest waiting"];
        output::print(output::table(header, lags))?;
    }
    if !take_overs.is_empty() {
        let header = ["taken over", "machine", "incarnation", "by incarnation"];
        output::print(output::table(header, take_overs.into_iter().map(take_over_row)))?;
    }
    Ok(Exit::Done)
}

fn machine_row(machine: MachineListing) -> [String; 6] {
    [
        machine.name,
        machine.incarnation.to_string(),
        machine.version,
        to_seconds(machine.renewed_at),
        format!("{:.1}", machine.renewed_seconds_ago),
        machine.lease_seconds.to_string(),
    ]
}

fn print_processors(processors: Vec<ProcessorListing>) -> anyhow::Result<()> {
    let header = [
        "processor",
        "machine",
        "buckets",
        "backlog",
        "oldest waiting",
        "running since",
        "plugin",
        "output version",
        "digest",
    ];
    let mut table = output::table(header, processors.into_iter().map(processor_row));
    output::hide_idle_columns(&mut table, &["oldest waiting", "running since"]);
    output::let_columns_give_way(&mut table, &["digest", "output version"]);
    Ok(output::print(table)?)
}

fn processor_row(listed: ProcessorListing) -> [String; 9] {
    let time = |time: Option<String>| to_seconds(time.unwrap_or_default());
    let count = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
    [
        listed.processor,
        listed.machine.unwrap_or_else(|| "(nobody)".to_owned()),
        listed.buckets.to_string(),
        count(listed.backlog),
        time(listed.oldest),
        time(listed.running_since),
        listed.plugin_version.unwrap_or_default(),
        count(listed.output_version.map(u64::from)),
        listed.digest.unwrap_or_default().chars().take(DIGITS).collect(),
    ]
}

fn lag_row((processor, lag): (&ProcessorListing, &LagListing)) -> [String; 5] {
    [
        processor.processor.clone(),
        lag.bucket.to_string(),
        processor.machine.clone().unwrap_or_default(),
        lag.backlog.to_string(),
        to_seconds(lag.oldest.clone()),
    ]
}

/// How many digits of a digest are shown.
const DIGITS: usize = 12;

fn take_over_row(take_over: TakeOverListing) -> [String; 4] {
    [
        to_seconds(take_over.at),
        take_over.dead,
        take_over.dead_incarnation.to_string(),
        take_over.by_incarnation.to_string(),
    ]
}
