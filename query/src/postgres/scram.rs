//! Logging in by SCRAM-SHA-256 (RFC 5802): the key never travels, and what the server keeps of it is no key.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion_postgres::pgwire::{
    api::{
        ClientInfo, METADATA_USER,
        auth::{
            AuthSource, LoginInfo, Password,
            sasl::{
                SASLState, SCRAM_SHA_256_METHOD,
                scram::{SCRAM_ITERATIONS, ScramAuth, gen_salted_password},
            },
        },
    },
    error::{PgWireError, PgWireResult},
    messages::startup::{Authentication, PasswordMessageFamily},
};
use sha2::{Digest, Sha256};
use tidemark_schemas::tenant::{Access, Tenants};
use tokio::sync::Mutex;

/// What is kept of a key for such a login, as `tenants.toml` has it.
#[must_use]
pub fn scram_of(key: &str) -> String {
    let salt = uuid::Uuid::new_v4().into_bytes();
    format!("{}:{}", hex::encode(salt), hex::encode(gen_salted_password(key, &salt, SCRAM_ITERATIONS)))
}

/// The login of one connection.
pub(super) struct Exchange {
    keys: Arc<Keys>,
    scram: ScramAuth,
    state: Mutex<SASLState>,
}

impl Exchange {
    pub(super) fn new(tenants: &Arc<Tenants>) -> Self {
        let keys = Arc::new(Keys(Arc::clone(tenants)));
        let source: Arc<dyn AuthSource> = Arc::<Keys>::clone(&keys);
        Self { keys, scram: ScramAuth::new(source), state: Mutex::new(SASLState::Initial) }
    }

    /// What a client may choose from.
    pub(super) fn mechanisms() -> Authentication {
        Authentication::SASL(vec![SCRAM_SHA_256_METHOD.to_owned()])
    }

    /// What to say to a client's message, and whose it is once it has shown that it knows the key.
    ///
    /// # Errors
    /// Another mechanism, a message that is none, a proof that is none.
    pub(super) async fn reply<C>(
        &self,
        client: &C,
        message: PasswordMessageFamily,
    ) -> PgWireResult<(Authentication, Option<Access>)>
    where
        C: ClientInfo + Unpin + Send,
    {
        let mut state = self.state.lock().await;
        let message = if matches!(*state, SASLState::Initial) {
            let first = message.into_sasl_initial_response()?;
            if first.auth_method != SCRAM_SHA_256_METHOD {
                return Err(PgWireError::UnsupportedSASLAuthMethod(first.auth_method));
            }
            *state = SASLState::ScramClientFirstReceived;
            PasswordMessageFamily::SASLInitialResponse(first)
        } else {
            PasswordMessageFamily::SASLResponse(message.into_sasl_response()?)
        };
        let (reply, next) = self.scram.process_scram_message(client, message, &state).await?;
        let is_shown = matches!(next, SASLState::Finished);
        *state = next;
        let user = client.metadata().get(METADATA_USER).map_or("", String::as_str);
        Ok((reply, self.keys.of(user).map(|(_, access)| access.clone()).filter(|_| is_shown)))
    }
}

/// The keys of all companies.
#[derive(Debug)]
struct Keys(Arc<Tenants>);

impl Keys {
    /// The key of the user `company` or `company/source`.
    fn of(&self, user: &str) -> Option<(&str, &Access)> {
        match user.split_once('/') {
            Some((tenant, source)) => self.0.scram(tenant, Some(source)),
            None => self.0.scram(user, None),
        }
    }
}

#[async_trait]
impl AuthSource for Keys {
    /// A user that there is not has a salt too, always the same, and a key that nobody knows: trying teaches nothing.
    async fn get_password(&self, login: &LoginInfo) -> PgWireResult<Password> {
        let user = login.user().unwrap_or_default();
        let known = self.of(user).and_then(|(scram, _)| {
            let (salt, salted) = scram.split_once(':')?;
            Some((hex::decode(salt).ok()?, hex::decode(salted).ok()?))
        });
        let (salt, salted) = known.unwrap_or_else(|| {
            let salt = Sha256::digest(format!("no such user: {user}"))[..16].to_vec();
            (salt, [uuid::Uuid::new_v4().into_bytes(), uuid::Uuid::new_v4().into_bytes()].concat())
        });
        Ok(Password::new(Some(salt), salted))
    }
}
