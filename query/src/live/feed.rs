//! One question that is listened to: asked again whenever its KPI changed, once for everybody who listens to it.

use std::{sync::Arc, time::Duration};

use axum::response::sse::Event;
use tidemark_schemas::{log::Position, tenant::Access};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::task::AbortOnDropHandle;

use super::difference::Difference;
use crate::{
    Error,
    http::{kpis::current, problem::Problem},
    kpis::Answer,
    service::Service,
};

/// Pauses before a question that found no answer is asked again: doubled from the one to the other.
const RETRY_PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(4));

/// A question about one KPI, as its door takes it.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// Who asks.
    pub(crate) access: Access,
    /// The KPI.
    pub(crate) kpi: String,
    /// Names and values.
    pub(crate) parameters: Vec<(String, String)>,
}

/// What was found when the question was last asked.
#[derive(Clone, Default)]
pub(super) enum News {
    /// It was not asked yet.
    #[default]
    None,
    /// An answer.
    Told(Arc<Told>),
    /// None, and why.
    Problem(Arc<Trouble>),
}

/// An answer.
pub(super) struct Told {
    pub(super) answer: Arc<Answer>,
    /// When it began to be asked for.
    pub(super) began: Instant,
    step: Option<Step>,
}

/// What is said to those who have the answer before, made once for all of them.
struct Step {
    before: Arc<Answer>,
    /// None where there is nothing to say.
    event: Option<Event>,
}

/// Why there is no answer now.
pub(super) struct Trouble {
    pub(super) problem: Problem,
    /// There will never be one: whoever listens has to ask something else.
    pub(super) is_final: bool,
}

/// The question goes on being asked for as long as somebody holds this.
pub(super) struct Feed {
    news: watch::Receiver<News>,
    asking: AbortOnDropHandle<()>,
}

/// The one who asks.
struct Asking {
    service: Arc<Service>,
    question: Question,
    changes: watch::Receiver<i64>,
    news: watch::Sender<News>,
    last: Option<Arc<Answer>>,
}

impl Question {
    /// What tells it from others.
    pub(super) fn text(&self) -> String {
        format!("{} {} {:?}", self.access.tenant, self.kpi, self.parameters)
    }

    /// Asks it.
    ///
    /// # Errors
    /// As [`current`].
    pub(super) async fn ask(&self, service: &Arc<Service>) -> Result<Arc<Answer>, Error> {
        current(service, &self.access, &self.kpi, &self.parameters).await
    }

    /// Asks it so that the answer holds everything up to a position.
    ///
    /// # Errors
    /// As [`current`].
    async fn ask_after(&self, service: &Arc<Service>, offset: i64) -> Result<Arc<Answer>, Error> {
        let answer = self.ask(service).await?;
        if answer.trust.position.unwrap_or(-1) >= offset {
            return Ok(answer);
        }
        // What is said to have changed was written before, but perhaps to a copy of the tables that we did not ask, or to
        // numbers that others have replaced.
        let position = Position { partition: answer.trust.partition, offset };
        let after = ("after".to_owned(), position.to_string());
        let parameters = [self.parameters.as_slice(), &[after]].concat();
        current(service, &self.access, &self.kpi, &parameters).await
    }
}

impl Told {
    /// What is said to somebody who has the answer `before`; none where nothing is different.
    ///
    /// # Errors
    /// An answer that cannot be written as JSON, which there is not.
    pub(super) fn since(&self, before: &Arc<Answer>) -> Result<Option<Event>, axum::Error> {
        match &self.step {
            Some(step) if Arc::ptr_eq(&step.before, before) => Ok(step.event.clone()),
            _ => step(before, &self.answer),
        }
    }
}

fn step(before: &Answer, now: &Answer) -> Result<Option<Event>, axum::Error> {
    let difference = Difference::between(before, now);
    if difference.is_nothing() { Ok(None) } else { changed(&difference).map(Some) }
}

/// An event of this name.
///
/// # Errors
/// As [`Told::since`].
pub(super) fn changed(difference: &Difference<'_>) -> Result<Event, axum::Error> {
    Event::default().event("changed").json_data(difference)
}

impl Feed {
    /// Waits for changes from now on.
    pub(super) fn open(service: &Arc<Service>, question: Question) -> Self {
        let changes = service.push.board.wait_for(&question.access.tenant, &question.kpi);
        let (sender, news) = watch::channel(News::None);
        let asking = Asking { service: Arc::clone(service), question, changes, news: sender, last: None };
        Self { news, asking: AbortOnDropHandle::new(tokio::spawn(asking.run())) }
    }

    /// Everything that is found from now on.
    pub(super) fn news(&self) -> watch::Receiver<News> {
        let mut news = self.news.clone();
        news.mark_unchanged();
        news
    }

    /// Whether the question is still being asked.
    pub(super) fn goes_on(&self) -> bool {
        !self.asking.is_finished()
    }
}

impl Asking {
    async fn run(mut self) {
        let pause = Duration::from_millis(self.service.config.live_pause_ms);
        while self.changes.changed().await.is_ok() {
            let Some(told) = self.find().await else { return };
            // The first who hears of it may come back with the next change; the question is not asked all the time.
            let next = told.began + pause;
            self.last = Some(Arc::clone(&told.answer));
            self.news.send_replace(News::Told(Arc::new(told)));
            sleep_until(next).await;
        }
    }

    /// Asks until there is an answer; none where there will never be one.
    async fn find(&mut self) -> Option<Told> {
        let (mut pause, longest) = RETRY_PAUSES;
        loop {
            let turn = self.service.push.turn().await;
            let offset = *self.changes.borrow_and_update();
            let began = Instant::now();
            match self.question.ask_after(&self.service, offset).await {
                Ok(answer) => return Some(self.told(answer, began)),
                Err(error) => self.complain(&error)?,
            }
            drop(turn);
            sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }

    fn told(&self, answer: Arc<Answer>, began: Instant) -> Told {
        let step = self.last.as_ref().and_then(|before| {
            let event = step(before, &answer).ok()?;
            Some(Step { before: Arc::clone(before), event })
        });
        Told { answer, began, step }
    }

    /// Says once that there is no answer. None where asking again is of no use.
    fn complain(&self, error: &Error) -> Option<()> {
        let is_final = matches!(error, Error::UnknownKpi { .. } | Error::Parameter { .. });
        let is_said = matches!(&*self.news.borrow(), News::Problem(_));
        if is_final || !is_said {
            self.news.send_replace(News::Problem(Arc::new(Trouble { problem: Problem::of(error), is_final })));
        }
        (!is_final).then_some(())
    }
}
