//! How a deal went: open or closed, its owner, and its stays in stages, by its events in fold order.

use tidemark_schemas::{
    events::{Data, Event},
    pipeline::StagePipeline,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closing {
    pub(crate) at: i64,
    pub(crate) is_won: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stay {
    pub(crate) stage: String,
    pub(crate) entered_at: i64,
    pub(crate) left_at: Option<i64>,
    pub(crate) advanced: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Course {
    /// None while the deal is open.
    pub(crate) closing: Option<Closing>,
    /// The last new owner while the deal was open.
    pub(crate) reassigned_to: Option<String>,
    pub(crate) stays: Vec<Stay>,
    /// Whether an opening with a stage was seen; a later one's is ignored.
    opened_with_stage: bool,
}

impl Course {
    pub(crate) fn of(events: &[&Event], stages: &StagePipeline) -> Self {
        let mut course = Self::default();
        for event in events {
            course.apply(event, stages);
        }
        course
    }

    fn apply(&mut self, event: &Event, stages: &StagePipeline) {
        let at = event.envelope.occurred_at;
        let is_open = self.closing.is_none();
        match &event.data {
            Data::DealOpened(data) => {
                if let Some(stage) = &data.stage {
                    if is_open && !self.opened_with_stage {
                        self.change(stage, at, stages);
                    }
                    self.opened_with_stage = true;
                }
            }
            Data::DealStageChanged(data) if is_open => self.change(&data.stage, at, stages),
            Data::DealReassigned(data) if is_open => self.reassigned_to = Some(data.rep_id.clone()),
            Data::DealWon(_) => self.close(Closing { at, is_won: true }),
            Data::DealLost(_) => self.close(Closing { at, is_won: false }),
            Data::DealReopened(data) if is_open => {
                if let Some(stage) = &data.stage {
                    self.change(stage, at, stages);
                }
            }
            Data::DealReopened(data) => self.reopen(data.stage.clone(), at),
            _ => {}
        }
    }

    fn change(&mut self, stage: &str, at: i64, stages: &StagePipeline) {
        if let Some(current) = self.stays.last_mut().filter(|stay| stay.left_at.is_none()) {
            if current.stage == stage {
                return;
            }
            current.left_at = Some(at);
            current.advanced = stages.advances(&current.stage, stage);
        }
        self.enter(stage, at);
    }

    fn enter(&mut self, stage: &str, at: i64) {
        self.stays.push(Stay { stage: stage.to_owned(), entered_at: at, left_at: None, advanced: false });
    }

    /// Of several closings the last counts, also as the end of the last stay.
    fn close(&mut self, closing: Closing) {
        self.closing = Some(closing);
        if let Some(stay) = self.stays.last_mut() {
            stay.left_at = Some(closing.at);
            stay.advanced = closing.is_won;
        }
    }

    fn reopen(&mut self, stage: Option<String>, at: i64) {
        self.closing = None;
        if let Some(stage) = stage.or_else(|| self.stays.last().map(|stay| stay.stage.clone())) {
            self.enter(&stage, at);
        }
    }
}
