//! What a projector says of itself: records committed, and how far behind each partition is.

use anyhow::Result;

const EVENTS: &str = "tidemark_projector_events_total";
const BEHIND: &str = "tidemark_projector_behind_events";

/// One look at its metrics.
#[derive(Debug, Default, PartialEq)]
pub struct Said {
    /// Records whose numbers are written and committed since its start.
    pub committed: u64,
    /// Partitions that it has looked at and that are at the end of their log.
    pub caught_up: usize,
}

/// Asks it; nothing where it does not answer yet.
pub async fn ask(client: &reqwest::Client, projector: &str) -> Result<Said> {
    let Ok(answer) = client.get(format!("{projector}/metrics")).send().await else { return Ok(Said::default()) };
    Ok(read(&answer.text().await?))
}

fn read(metrics: &str) -> Said {
    let values = |name: &'static str| {
        let lines = metrics.lines().filter(move |line| line.starts_with(name) && line[name.len()..].starts_with('{'));
        lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
    };
    Said { committed: values(EVENTS).sum::<f64>() as u64, caught_up: values(BEHIND).filter(|behind| *behind <= 0.0).count() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_added_up() {
        let metrics = "# TYPE tidemark_projector_events_total counter\n\
                       tidemark_projector_events_total{partition=\"0\"} 12\n\
                       tidemark_projector_events_total{partition=\"1\"} 30\n\
                       tidemark_projector_behind_events{partition=\"0\"} 0\n\
                       tidemark_projector_behind_events{partition=\"1\"} 7\n";
        assert_eq!(read(metrics), Said { committed: 42, caught_up: 1 });
    }
}
