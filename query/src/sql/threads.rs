//! Threads for SQL alone: what DataFusion computes keeps no other request waiting, and their stacks are deep enough
//! for the deepest question that `sql_tokens_max` lets through.

use std::io;

use tokio::runtime::{Builder, Runtime};
use tokio_util::task::AbortOnDropHandle;

use crate::Error;

/// Reserved, not used: memory is only touched as deep as a question goes.
const STACK_BYTES: usize = 256 << 20;

/// A pool that ends with its owner.
pub(crate) struct Threads {
    /// Taken when it is dropped.
    runtime: Option<Runtime>,
}

impl Threads {
    /// One thread for each processor.
    ///
    /// # Errors
    /// The system has no more threads.
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().thread_name("sql").thread_stack_size(STACK_BYTES).enable_all().build()?;
        Ok(Self { runtime: Some(runtime) })
    }

    /// Begins `work` on these threads; it ends with its handle.
    ///
    /// # Errors
    /// The threads have ended.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<AbortOnDropHandle<T>, Error> {
        let ended = || Error::Unexpected("the threads for SQL have ended".to_owned());
        Ok(AbortOnDropHandle::new(self.runtime.as_ref().ok_or_else(ended)?.spawn(work)))
    }

    /// Does `work` on these threads, as long as somebody waits for it.
    ///
    /// # Errors
    /// What `work` says; a panic in it.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        self.spawn(work)?.await.map_err(|error| Error::Unexpected(error.to_string()))?
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Waiting for threads is not allowed where the service ends, which is inside another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
