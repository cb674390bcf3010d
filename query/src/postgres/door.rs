//! Listening, and one task for each connection.

use std::{net::SocketAddr, sync::Arc};

use datafusion_postgres::pgwire::tokio::process_socket;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{cancel::Connections, connection::Connection};
use crate::{Error, service::Service, tls};

/// The door, listening.
pub(crate) struct Door {
    listener: TcpListener,
    encryption: Option<tls::Acceptor>,
    service: Arc<Service>,
}

impl Door {
    /// Takes the address.
    ///
    /// # Errors
    /// An address that cannot be taken; a certificate that cannot be read.
    pub(crate) async fn listen(address: SocketAddr, service: Arc<Service>) -> Result<Self, Error> {
        let listen_error = |source| Error::Listen { address, setting: "postgres_listen", source };
        let encryption = service.config.tls.as_ref().map(tls::acceptor).transpose()?;
        Ok(Self { listener: TcpListener::bind(address).await.map_err(listen_error)?, encryption, service })
    }

    /// Where it listens, with the port that was taken.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until `shutdown`, then closes all connections.
    pub(crate) async fn serve(self, shutdown: CancellationToken) {
        let Self { listener, encryption, service } = self;
        let known = Arc::new(Connections::default());
        let places = Arc::new(Semaphore::new(service.config.postgres_connections_max));
        let mut connections = JoinSet::new();
        loop {
            let taken = tokio::select! {
                () = shutdown.cancelled() => return,
                Some(_) = connections.join_next() => continue,
                taken = listener.accept() => taken,
            };
            let socket = match taken {
                Ok((socket, _)) => socket,
                Err(error) => {
                    tracing::warn!(%error, "a connection was not taken");
                    continue;
                }
            };
            // Whoever finds no place is told nothing, as the wire has no word before the start-up message; drivers try again.
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                tracing::warn!(max = service.config.postgres_connections_max, "no place for another connection");
                continue;
            };
            let connection = Arc::new(Connection::new(&service, &known));
            let (service, encryption) = (Arc::clone(&service), encryption.clone());
            connections.spawn(async move {
                let _place = place;
                converse(&service, socket, encryption, connection).await;
            });
        }
    }
}

/// On the threads for SQL, whose stacks are deep enough for what a question may be.
async fn converse(service: &Service, socket: TcpStream, encryption: Option<tls::Acceptor>, connection: Arc<Connection>) {
    let conversation = async move {
        socket.set_nodelay(true).map_err(Error::Serve)?;
        process_socket(socket, encryption, connection).await.map_err(Error::Serve)
    };
    if let Err(error) = service.sql_threads.run(conversation).await {
        tracing::debug!(%error, "a connection broke");
    }
}
