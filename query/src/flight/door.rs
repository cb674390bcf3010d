//! Listening, with or without encryption.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use arrow_flight::flight_service_server::FlightServiceServer;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Identity, Server, ServerTlsConfig, server::TcpIncoming};

use super::service::Flight;
use crate::{Error, service::Service};

/// Connections that say nothing are asked whether they live.
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(30);

/// The door, listening.
pub(crate) struct Door {
    incoming: TcpIncoming,
    address: SocketAddr,
    server: Server,
    service: Arc<Service>,
}

impl Door {
    /// Takes the address.
    ///
    /// # Errors
    /// An address that cannot be taken; a certificate that cannot be read.
    pub(crate) async fn listen(address: SocketAddr, service: Arc<Service>) -> Result<Self, Error> {
        let listen_error = |source| Error::Listen { address, setting: "flight_listen", source };
        let mut server = Server::builder().http2_keepalive_interval(Some(KEEP_ALIVE_EVERY));
        if let Some(tls) = &service.config.tls {
            let (certificate, key) = tls.read()?;
            let identity = ServerTlsConfig::new().identity(Identity::from_pem(certificate, key));
            server = server.tls_config(identity).map_err(|error| tls.unusable(&error))?;
        }
        let listener = TcpListener::bind(address).await.map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        Ok(Self { incoming, address, server, service })
    }

    /// Where it listens, with the port that was taken.
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown`.
    ///
    /// # Errors
    /// When the server fails.
    pub(crate) async fn serve(self, shutdown: CancellationToken) -> Result<(), Error> {
        let Self { incoming, mut server, service, .. } = self;
        let body_bytes_max = service.config.body_bytes_max;
        let flight = FlightServiceServer::new(Flight::new(service)).max_decoding_message_size(body_bytes_max);
        let served = server.add_service(flight).serve_with_incoming_shutdown(incoming, shutdown.cancelled_owned()).await;
        served.map_err(|error| Error::Serve(std::io::Error::other(error)))
    }
}
