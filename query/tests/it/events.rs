//! A reader of server-sent events, as the standard describes one (https://html.spec.whatwg.org/multipage/server-sent-events.html).

use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use serde_json::Value;

/// For what has to come, on a machine that is busy with other tests.
const COMES_WITHIN: Duration = Duration::from_secs(90);

/// One stream.
pub struct Events {
    response: Response,
    unread: Vec<u8>,
}

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Its name; `comment` for a comment.
    pub name: String,
    /// What to send back as `Last-Event-ID`.
    pub id: Option<String>,
    /// What it says.
    pub data: Value,
}

impl Events {
    /// Begins to listen.
    pub async fn open(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, kind) = (response.status(), response.headers()["content-type"].to_str().unwrap().to_owned());
        assert!(status == 200 && kind == "text/event-stream", "{status}: {}", response.text().await.unwrap());
        Self { response, unread: Vec::new() }
    }

    /// The next event with this name; every other that comes first is a failure.
    pub async fn next(&mut self, name: &str) -> Heard {
        loop {
            let heard = self.any().await.unwrap_or_else(|| panic!("the stream ended before {name}"));
            if heard.name == name {
                return heard;
            }
            assert_eq!(heard.name, "comment", "{name} was meant to come, not {heard:?}");
        }
    }

    /// The next event or comment; none at the end of the stream.
    pub async fn any(&mut self) -> Option<Heard> {
        tokio::time::timeout(COMES_WITHIN, self.read()).await.expect("something comes")
    }

    async fn read(&mut self) -> Option<Heard> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.unread.drain(..end + 2).collect();
                return Some(heard(std::str::from_utf8(&block).unwrap()));
            }
            self.unread.extend(self.response.chunk().await.unwrap()?);
        }
    }
}

fn heard(block: &str) -> Heard {
    let mut heard = Heard { name: "comment".to_owned(), id: None, data: Value::Null };
    for (field, value) in block.lines().filter_map(|line| line.split_once(':')) {
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut heard.name),
            "id" => heard.id = Some(value.to_owned()),
            "data" => heard.data = serde_json::from_str(value).unwrap(),
            _ => {}
        }
    }
    heard
}
