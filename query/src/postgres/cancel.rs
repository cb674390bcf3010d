//! Ending an answer on its reader's request, which comes over a connection of its own.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicI32, Ordering},
    },
};

use async_trait::async_trait;
use datafusion_postgres::pgwire::{
    api::cancel::CancelHandler,
    messages::{ProtocolVersion, cancel::CancelRequest, startup::SecretKey},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What a connection is answering: the newest statement's token.
#[derive(Debug, Default)]
pub(super) struct Running(Mutex<CancellationToken>);

impl Running {
    /// A statement begins; its token.
    pub(super) fn begin(&self) -> CancellationToken {
        let token = CancellationToken::new();
        *locked(&self.0) = token.clone();
        token
    }
}

/// Every connection that is logged in, by the number that it was told, with its secret.
#[derive(Debug, Default)]
pub(super) struct Connections {
    last: AtomicI32,
    by_number: Mutex<HashMap<i32, (SecretKey, Weak<Running>)>>,
}

impl Connections {
    /// Makes a connection known, as long as it lasts; its number and its secret.
    pub(super) fn add(&self, protocol: ProtocolVersion, running: &Arc<Running>) -> (i32, SecretKey) {
        let number = self.last.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let random = Uuid::new_v4().into_bytes();
        let secret = match protocol {
            ProtocolVersion::PROTOCOL3_0 => SecretKey::I32(i32::from_be_bytes([random[0], random[1], random[2], random[3]])),
            _ => SecretKey::Bytes(random.to_vec().into()),
        };
        let mut connections = locked(&self.by_number);
        connections.retain(|_, (_, running)| running.strong_count() > 0);
        connections.insert(number, (secret.clone(), Arc::downgrade(running)));
        (number, secret)
    }
}

#[async_trait]
impl CancelHandler for Connections {
    async fn on_cancel_request(&self, request: CancelRequest) {
        let connections = locked(&self.by_number);
        let Some((secret, running)) = connections.get(&request.pid) else { return };
        if secret.to_bytes() == request.secret_key.to_bytes()
            && let Some(running) = running.upgrade()
        {
            locked(&running.0).cancel();
        }
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
