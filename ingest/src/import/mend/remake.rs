//! What is sent in the place of a letter: its row mapped again, or its body edited. On a thread of its own, as in an import:
//! a program is somebody's own, and one that cannot be called off must not take the command with it.

use std::thread;

use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::{
    super::{bounds::STACK_BYTES, columns::Columns, mapping::Mapping, record::Record},
    Letter, MendOptions, Mending,
};
use crate::{
    Error,
    accept::{row::ROW_TYPE, validate::Code},
};

const EVENTS_TYPE: &str = "application/json";
const CLOUD_EVENTS_TYPE: &str = "application/cloudevents-batch+json";

/// A letter, and the line that replays it; or why the mapping makes nothing of it.
pub(super) struct Remade {
    pub(super) letter: Letter,
    pub(super) line: Result<String, String>,
}

/// Where letters are remade.
pub(super) struct Workshop {
    letters: mpsc::Sender<Vec<Letter>>,
    remade: mpsc::Receiver<Result<Vec<Remade>, Error>>,
    /// What a mapping reads of rows.
    columns: Option<Columns>,
}

impl Workshop {
    /// # Errors
    /// A mapping or program that is not valid jq, a lookup that cannot be read, no room for another thread.
    pub(super) fn open(options: &MendOptions) -> Result<Self, Error> {
        let remaker = Remaker::new(options)?;
        let (letters, mut orders) = mpsc::channel::<Vec<Letter>>(1);
        let (done, remade) = mpsc::channel(1);
        if let Some(mapping) = &remaker.mapping {
            let stuck = done.clone();
            mapping.watch.when_stuck(Box::new(move |error| drop(stuck.blocking_send(Err(error)))));
        }
        let columns = remaker.mapping.as_ref().filter(|_| !remaker.edits).map(|mapping| mapping.columns.clone());
        let work = move || {
            while let Some(letters) = orders.blocking_recv() {
                let remade = letters.into_iter().map(|letter| Ok(Remade { line: remaker.line(&letter)?, letter })).collect();
                if done.blocking_send(remade).is_err() {
                    return;
                }
            }
        };
        let failed = |source| Error::Io { path: options.import.mapping.clone().into(), source };
        thread::Builder::new().stack_size(STACK_BYTES).spawn(work).map_err(failed)?;
        Ok(Self { letters, remade, columns })
    }

    /// What the mapping reads of the letters' rows; none where it is no mapping.
    pub(super) fn columns(&self) -> Option<Columns> {
        self.columns.clone()
    }

    /// # Errors
    /// A lookup is missing, or the program cannot be called off.
    pub(super) async fn remake(&mut self, letters: Vec<Letter>) -> Result<Vec<Remade>, Error> {
        let ended = || Error::MappingStuck { line: 0, reason: "the mapping ended by itself".to_owned() };
        self.letters.send(letters).await.map_err(|_| ended())?;
        self.remade.recv().await.unwrap_or_else(|| Err(ended()))
    }
}

/// Makes the line that replays a letter.
struct Remaker {
    /// None: letters go as they are.
    mapping: Option<Mapping>,
    /// The program is for bodies, not for rows.
    edits: bool,
}

impl Remaker {
    fn new(options: &MendOptions) -> Result<Self, Error> {
        let mapping = match &options.mending {
            Mending::AsKept => None,
            Mending::Mapped => Some(Mapping::load(&options.import)?),
            Mending::Edited(program) => Some(Mapping::of_program(program, &options.import)?),
        };
        Ok(Self { mapping, edits: matches!(options.mending, Mending::Edited(_)) })
    }

    fn line(&self, letter: &Letter) -> Result<Result<String, String>, Error> {
        #[derive(Serialize)]
        struct Line<'a> {
            id: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            events: Option<Vec<Box<RawValue>>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            content_type: Option<&'static str>,
        }
        let line = |events: Option<Vec<Box<RawValue>>>, content_type| {
            serde_json::to_string(&Line { id: &letter.id, events, content_type }).map_err(|error| error.to_string())
        };
        let Some(mapping) = &self.mapping else { return Ok(line(None, None)) };
        mapping.watch.at_line(letter.row.as_ref().map_or(0, |row| row.line));
        let events = mapping.events(&Record::Object(self.input(letter)))?;
        let events = events.map_err(|reason| letter.told(reason));
        Ok(events.and_then(|events| {
            let events = events.into_iter().map(RawValue::from_string).collect::<Result<Vec<_>, _>>();
            line(Some(events.map_err(|error| format!("the program made what is no JSON: {error}"))?), Some(self.type_of(letter)))
        }))
    }

    /// What the program is given: the row, or the body; JSON as it is, anything else as a text.
    fn input(&self, letter: &Letter) -> String {
        let row = letter.row.as_ref().and_then(|row| row.content.as_ref()).filter(|_| !self.edits);
        let body = || match serde_json::from_str::<&RawValue>(&letter.body) {
            Ok(json) => json.get().to_owned(),
            Err(_) => serde_json::Value::from(letter.body.as_str()).to_string(),
        };
        row.map_or_else(body, |row| row.get().to_owned())
    }

    /// An edited CloudEvent is still one; what a mapping makes is not.
    fn type_of(&self, letter: &Letter) -> &'static str {
        let is_cloud_event = letter.content_type.as_deref().is_some_and(|sent| sent.starts_with("application/cloudevents"));
        if self.edits && is_cloud_event { CLOUD_EVENTS_TYPE } else { EVENTS_TYPE }
    }
}

impl Letter {
    /// Whether it is a row of which no event was made.
    #[must_use]
    pub fn is_row(&self) -> bool {
        self.content_type.as_deref() == Some(ROW_TYPE)
    }

    /// Why a program makes nothing of it: of a row that could not be read it gets the text, which has no columns.
    fn told(&self, reason: String) -> String {
        match self.reasons.first().filter(|first| self.is_row() && first.code == Code::BrokenRow.name()) {
            Some(broken) => format!("{}, so that a mapping gets it as one text ({reason})", broken.message),
            None => reason,
        }
    }
}
