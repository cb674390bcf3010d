//! Answers that several want at the same time are asked for once. Nothing is ever answered from before: an answer serves those
//! who were waiting when its question began, and nobody who came later.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError},
};

use tokio::{sync::Mutex, time::Instant};

/// Questions that are being answered, by what tells them apart.
pub(crate) struct Shared<T>(StdMutex<Places<T>>);

/// Where those who ask a question wait for each other.
type Places<T> = HashMap<String, Arc<Mutex<Option<Last<T>>>>>;

/// The last answer to a question.
struct Last<T> {
    began: Instant,
    answer: Arc<T>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(StdMutex::default())
    }
}

impl<T> Shared<T> {
    /// An answer whose question began now or later: that of somebody else who waits, or one of our own.
    ///
    /// # Errors
    /// What `ask` says, which is for its caller alone.
    pub(crate) async fn answer<E>(&self, question: &str, ask: impl AsyncFnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        let asked = Instant::now();
        let place = Arc::clone(self.places().entry(question.to_owned()).or_default());
        let _leaves = Leaves { shared: self, question };
        let mut last = place.lock().await;
        if let Some(last) = last.as_ref().filter(|last| last.began >= asked) {
            return Ok(Arc::clone(&last.answer));
        }
        let began = Instant::now();
        let answer = Arc::new(ask().await?);
        *last = Some(Last { began, answer: Arc::clone(&answer) });
        Ok(answer)
    }

    fn places(&self) -> MutexGuard<'_, Places<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets a question with the last who waits for its answer, however the waiting ends.
struct Leaves<'a, T> {
    shared: &'a Shared<T>,
    question: &'a str,
}

impl<T> Drop for Leaves<'_, T> {
    fn drop(&mut self) {
        let mut places = self.shared.places();
        // The map's own, and that of the one who leaves.
        if places.get(self.question).is_some_and(|place| Arc::strong_count(place) <= 2) {
            places.remove(self.question);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicU32, Ordering},
        time::Duration,
    };

    use tokio::{task::JoinSet, time::sleep};

    use super::*;

    #[tokio::test]
    async fn who_waits_shares_and_who_comes_later_does_not() {
        let shared = Arc::new(Shared::<u32>::default());
        let asked = Arc::new(AtomicU32::new(0));
        let ask = |shared: Arc<Shared<u32>>, asked: Arc<AtomicU32>| async move {
            let before = asked.load(Ordering::SeqCst);
            let answer = shared
                .answer("question", async || {
                    let number = asked.fetch_add(1, Ordering::SeqCst);
                    sleep(Duration::from_millis(20)).await;
                    Ok::<_, ()>(number)
                })
                .await;
            // Whatever had begun before is not the answer.
            assert!(*answer.unwrap() >= before);
        };
        let mut all = JoinSet::new();
        for _ in 0..200 {
            all.spawn(ask(Arc::clone(&shared), Arc::clone(&asked)));
            sleep(Duration::from_millis(1)).await;
        }
        all.join_all().await;
        let times = asked.load(Ordering::SeqCst);
        assert!((2..60).contains(&times), "{times} questions for 200 who asked");
        assert!(shared.places().is_empty());
    }

    #[tokio::test]
    async fn a_failure_is_of_one_alone() {
        let shared = Shared::<u32>::default();
        let (failed, answered) = tokio::join!(
            shared.answer("question", async || Err::<u32, _>("no")),
            shared.answer("question", async || Ok::<_, &str>(7)),
        );
        assert_eq!((failed, answered.map(|answer| *answer)), (Err("no"), Ok(7)));
        assert!(shared.places().is_empty());
    }
}
