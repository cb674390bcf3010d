//! One who listens: first the whole answer to each of its questions, then what is different. It is told the difference to what
//! it was told last, when it takes it: whoever is slow is told less often, not more at once.

use std::{collections::VecDeque, sync::Arc};

use axum::response::sse::Event;
use futures::{
    Stream,
    future::{select_all, try_join_all},
    stream,
};
use serde::Serialize;
use tokio::{sync::watch, time::Instant};

use super::{
    difference::Difference,
    feed::{Feed, News, Question, Told, changed},
    push::Seat,
    seen::Seen,
};
use crate::{Error, http::problem::Problem, kpis::Answer, service::Service};

/// One connection.
pub(crate) struct Listener {
    /// Free for somebody else when this one goes.
    _seat: Seat,
    service: Arc<Service>,
    /// One for each of its questions.
    ears: Vec<Ear>,
    /// Questions whose whole answer it has to be told.
    due: VecDeque<usize>,
    /// There is nothing at all to tell it yet, which it is told.
    is_up_to_date: bool,
    is_over: bool,
}

/// One question of a listener.
struct Ear {
    kpi: String,
    /// Keeps the question being asked.
    _feed: Arc<Feed>,
    news: watch::Receiver<News>,
    /// What it has, or will have when it was told what is due.
    known: Arc<Answer>,
    /// It was told so.
    is_told: bool,
    /// When the first answer was there: nothing that is asked for later is older.
    since: Instant,
    /// It was told that there is no answer.
    is_troubled: bool,
}

/// The data of an event `problem`.
#[derive(Serialize)]
struct KpiProblem<'a> {
    kpi: &'a str,
    #[serde(flatten)]
    problem: &'a Problem,
}

impl Listener {
    /// Asks the questions of somebody who has seen nothing, or everything up to `seen`.
    ///
    /// # Errors
    /// As `/v1/kpis/{name}`; [`Error::Listeners`].
    pub(crate) async fn new(service: &Arc<Service>, questions: Vec<Question>, seen: Option<Seen>) -> Result<Self, Error> {
        let seat = Seat::take(service)?;
        let ears = try_join_all(questions.into_iter().map(|question| Ear::new(service, question, seen))).await?;
        let due: VecDeque<usize> = (0..ears.len()).filter(|index| !ears[*index].is_told).collect();
        let is_up_to_date = due.is_empty();
        Ok(Self { _seat: seat, service: Arc::clone(service), ears, due, is_up_to_date, is_over: false })
    }

    /// Everything that it is told, until it goes or the service ends.
    pub(crate) fn events(self) -> impl Stream<Item = Result<Event, axum::Error>> {
        stream::unfold(self, |mut listener| async { listener.next().await.map(|event| (event, listener)) })
    }

    async fn next(&mut self) -> Option<Result<Event, axum::Error>> {
        if let Some(index) = self.due.pop_front() {
            return Some(self.tell_values(index));
        }
        if std::mem::take(&mut self.is_up_to_date) {
            return Some(Ok(Event::default().comment("nothing has changed since")));
        }
        while !self.is_over {
            let closing = self.service.push.closing.clone();
            let index = closing.run_until_cancelled(heard(&mut self.ears)).await??;
            if let Some(event) = self.tell(index).transpose() {
                return Some(event);
            }
        }
        None
    }

    /// What is to be said about the news of a question.
    fn tell(&mut self, index: usize) -> Result<Option<Event>, axum::Error> {
        let news = self.ears[index].news.borrow_and_update().clone();
        match news {
            News::None => Ok(None),
            News::Problem(trouble) => {
                let ear = &mut self.ears[index];
                (ear.is_troubled, self.is_over) = (true, trouble.is_final);
                let said = KpiProblem { kpi: &ear.kpi, problem: &trouble.problem };
                Event::default().event("problem").json_data(&said).map(Some)
            }
            News::Told(told) => self.tell_answer(index, &told),
        }
    }

    fn tell_answer(&mut self, index: usize, told: &Told) -> Result<Option<Event>, axum::Error> {
        let ear = &mut self.ears[index];
        let goes_on = goes_on(&ear.known, &told.answer);
        if !goes_on && told.began < ear.since {
            return Ok(None);
        }
        let before = std::mem::replace(&mut ear.known, Arc::clone(&told.answer));
        let was_troubled = std::mem::take(&mut ear.is_troubled);
        if !goes_on {
            return self.tell_values(index).map(Some);
        }
        let event = match told.since(&before)? {
            // That it goes on is worth a word.
            None if was_troubled => Some(changed(&Difference::between(&before, &told.answer))?),
            said => said,
        };
        Ok(event.map(|event| self.with_id(event)))
    }

    fn tell_values(&mut self, index: usize) -> Result<Event, axum::Error> {
        let ear = &mut self.ears[index];
        ear.is_told = true;
        let event = Event::default().event("values").json_data(&*ear.known)?;
        Ok(self.with_id(event))
    }

    /// With what the listener has seen of all its questions once it has this.
    fn with_id(&self, event: Event) -> Event {
        match Seen::of_all(self.ears.iter().map(|ear| ear.is_told.then_some(&*ear.known))) {
            Some(seen) => event.id(seen.to_string()),
            None => event,
        }
    }
}

impl Ear {
    async fn new(service: &Arc<Service>, question: Question, seen: Option<Seen>) -> Result<Self, Error> {
        // First it is listened, then asked: what changes in between is heard of.
        let feed = service.push.feed(service, question.clone());
        let news = feed.news();
        let known = question.ask(service).await?;
        let is_told = seen.is_some() && Seen::of(&known) == seen;
        let kpi = question.kpi;
        Ok(Self { kpi, _feed: feed, news, known, is_told, since: Instant::now(), is_troubled: false })
    }
}

/// Waits until there are news of a question; none where there will be no more.
async fn heard(ears: &mut [Ear]) -> Option<usize> {
    let (heard, index, _) = select_all(ears.iter_mut().map(|ear| Box::pin(ear.news.changed()))).await;
    heard.ok().map(|()| index)
}

/// Whether one answer leads to the other by its changes. Otherwise other numbers have become live, or these have gone back
/// to an earlier state and begin from there.
fn goes_on(before: &Answer, now: &Answer) -> bool {
    before.trust.generation == now.trust.generation && before.trust.position <= now.trust.position
}
