//! What all listeners of this process share: their seats, the questions that are listened to, and what hears of changes.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use super::{
    board::Board,
    changes,
    feed::{Feed, Question},
    look,
};
use crate::{Config, Error, service::Service};

/// Part of [`Service`].
pub(crate) struct Live {
    /// Who waits for which changes.
    pub(crate) board: Board,
    /// Whether changes are read from Kafka at this moment, so that none is missed.
    pub(crate) is_following: AtomicBool,
    /// Listening ends when the service does.
    pub(crate) closing: CancellationToken,
    /// Whether anybody has listened yet: before, nothing need be heard.
    has_begun: AtomicBool,
    feeds: Mutex<HashMap<String, Weak<Feed>>>,
    seats: Arc<Semaphore>,
    /// Half of all there are, so that many who listen leave room for those who ask.
    turns: Semaphore,
}

/// The right to listen, for as long as it is held.
pub(crate) struct Seat {
    permit: Option<OwnedSemaphorePermit>,
    service: Arc<Service>,
}

impl Live {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            board: Board::default(),
            is_following: AtomicBool::default(),
            closing: CancellationToken::new(),
            has_begun: AtomicBool::default(),
            feeds: Mutex::default(),
            seats: Arc::new(Semaphore::new(config.live_listeners_max)),
            turns: Semaphore::new(config.concurrent_max.div_ceil(2)),
        }
    }

    /// A turn for asking again.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }

    /// The feed of a question, which others may listen to already.
    pub(super) fn feed(&self, service: &Arc<Service>, question: Question) -> Arc<Feed> {
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        let text = question.text();
        if let Some(feed) = feeds.get(&text).and_then(Weak::upgrade).filter(|feed| feed.goes_on()) {
            return feed;
        }
        feeds.retain(|_, feed| feed.strong_count() > 0);
        let feed = Arc::new(Feed::open(service, question));
        feeds.insert(text, Arc::downgrade(&feed));
        feed
    }
}

impl Seat {
    /// Takes one; the first of all begins to hear of changes.
    ///
    /// # Errors
    /// [`Error::Listeners`].
    pub(crate) fn take(service: &Arc<Service>) -> Result<Self, Error> {
        let push = &service.push;
        let permit = Arc::clone(&push.seats).try_acquire_owned();
        let permit = permit.map_err(|_| Error::Listeners(service.config.live_listeners_max))?;
        if !push.has_begun.swap(true, Ordering::AcqRel) {
            let closing = || push.closing.clone();
            tokio::spawn(closing().run_until_cancelled_owned(changes::follow(Arc::clone(service))));
            tokio::spawn(closing().run_until_cancelled_owned(look::look_regularly(Arc::clone(service))));
        }
        let seat = Self { permit: Some(permit), service: Arc::clone(service) };
        seat.count();
        Ok(seat)
    }

    fn count(&self) {
        let Self { service, .. } = self;
        service.metrics.listening(service.config.live_listeners_max - service.push.seats.available_permits());
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.permit = None;
        self.count();
    }
}
