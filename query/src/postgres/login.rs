//! Whose a connection is: the user is the tenant, the password one of its API keys.

use std::{fmt::Debug, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use datafusion_postgres::pgwire::{
    api::{
        ClientInfo, METADATA_DATABASE, METADATA_USER, PgWireConnectionState,
        auth::{
            DefaultServerParameterProvider, StartupHandler, finish_authentication, protocol_negotiation,
            save_startup_parameters_to_metadata,
        },
    },
    error::{ErrorInfo, PgWireError, PgWireResult},
    messages::{PgWireBackendMessage, PgWireFrontendMessage, startup::Authentication},
};
use futures::{Sink, SinkExt};

use tidemark_schemas::tenant::Access;

use super::{cancel::Connections, catalog::SERVER_VERSION, questions::Questions, scram::Exchange, settings::from_start_up};
use crate::{access::access_of, config, service::Service, session::CATALOG};

/// Asks for the password and opens the connection's questions to its tenant.
pub(super) struct Login {
    service: Arc<Service>,
    questions: Arc<Questions>,
    connections: Arc<Connections>,
    /// Where the key is not to travel.
    scram: Option<Exchange>,
}

impl Login {
    /// For one connection.
    pub(super) fn new(service: &Arc<Service>, questions: Arc<Questions>, connections: &Arc<Connections>) -> Self {
        let scram = (service.config.postgres_login == config::Login::Scram).then(|| Exchange::new(&service.tenants));
        Self { service: Arc::clone(service), questions, connections: Arc::clone(connections), scram }
    }

    /// A key is not shown to whoever listens on the network.
    fn is_private(&self, is_encrypted: bool, peer: SocketAddr) -> bool {
        is_encrypted || peer.ip().is_loopback() || self.service.config.postgres_unencrypted
    }
}

#[async_trait]
impl StartupHandler for Login {
    async fn on_startup<C>(&self, client: &mut C, message: PgWireFrontendMessage) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        match message {
            PgWireFrontendMessage::Startup(startup) => {
                protocol_negotiation(client, &startup).await?;
                save_startup_parameters_to_metadata(client, &startup);
                if !self.is_private(client.is_secure(), client.socket_addr()) {
                    let reason = "this connection is not encrypted, and the password would be read on its way: \
                                  connect with sslmode=require";
                    return Err(fatal("28000", reason.to_owned()));
                }
                client.set_state(PgWireConnectionState::AuthenticationInProgress);
                let asked = self.scram.as_ref().map_or(Authentication::CleartextPassword, |_| Exchange::mechanisms());
                client.send(PgWireBackendMessage::Authentication(asked)).await?;
                Ok(())
            }
            PgWireFrontendMessage::PasswordMessageFamily(message) => {
                let access = match &self.scram {
                    Some(scram) => {
                        let replied = scram.reply(client, message).await;
                        let (reply, access) = replied.map_err(|error| match error {
                            PgWireError::InvalidPassword(_) => refused(client),
                            other => other,
                        })?;
                        client.send(PgWireBackendMessage::Authentication(reply)).await?;
                        let Some(access) = access else { return Ok(()) };
                        access
                    }
                    None => self.of_password(client, &message.into_password()?.password)?,
                };
                self.admit(client, access)?;
                finish_authentication(client, &parameters()).await
            }
            _ => Ok(()),
        }
    }
}

/// Everything that is wrong about a key is said in the same words, so that nothing can be learned by trying.
fn refused<C: ClientInfo>(client: &C) -> PgWireError {
    let user = client.metadata().get(METADATA_USER).map_or("", String::as_str);
    let reason =
        format!("password authentication failed for user {user:?}: the user is the company's name, the password its API key");
    fatal("28P01", reason)
}

impl Login {
    fn of_password<C: ClientInfo>(&self, client: &C, password: &str) -> PgWireResult<Access> {
        let user = client.metadata().get(METADATA_USER).map_or("", String::as_str);
        let access = access_of(&self.service.tenants, password).filter(|access| *access.tenant == *user);
        access.ok_or_else(|| refused(client))
    }

    fn admit<C: ClientInfo>(&self, client: &mut C, access: Access) -> PgWireResult<()> {
        let user = client.metadata().get(METADATA_USER).map_or("", String::as_str);
        let database = client.metadata().get(METADATA_DATABASE).map_or(CATALOG, String::as_str);
        if database != CATALOG && database != user {
            return Err(fatal("3D000", format!("there is no database {database:?}; there is {CATALOG:?}")));
        }
        self.questions.open(access);
        from_start_up(client)?;
        let (number, secret) = self.connections.add(client.protocol_version(), self.questions.running());
        client.set_pid_and_secret_key(number, secret);
        Ok(())
    }
}

/// What the server says of itself.
fn parameters() -> DefaultServerParameterProvider {
    let mut parameters = DefaultServerParameterProvider::default();
    SERVER_VERSION.clone_into(&mut parameters.server_version);
    parameters.is_superuser = false;
    parameters.default_transaction_read_only = true;
    parameters
}

fn fatal(code: &str, message: String) -> PgWireError {
    PgWireError::UserError(Box::new(ErrorInfo::new("FATAL".to_owned(), code.to_owned(), message)))
}
