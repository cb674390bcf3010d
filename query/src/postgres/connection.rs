//! What a socket is served by: one set of handlers for each, so that no two connections share a session.

use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use datafusion::{logical_expr::LogicalPlan, prelude::SessionContext, sql::sqlparser::ast::Statement};
use datafusion_postgres::{
    DfSessionService, Parser, QueryHook,
    hooks::{set_show::SetShowHook, transactions::TransactionStatementHook},
    pgwire::{
        api::{
            ClientInfo, ClientPortalStore, DEFAULT_NAME, ErrorHandler, PgWireConnectionState, PgWireServerHandlers, Type,
            auth::StartupHandler,
            cancel::CancelHandler,
            portal::{Format, Portal, PortalExecutionState},
            query::{ExtendedQueryHandler, SimpleQueryHandler, send_partial_query_response},
            results::{FieldInfo, QueryResponse, Response},
            stmt::QueryParser,
            store::{Entry, PortalStore},
        },
        error::{PgWireError, PgWireResult},
        messages::{PgWireBackendMessage, extendedquery::Execute},
    },
};
use futures::{Sink, stream};

use super::{
    cancel::Connections,
    failure, fields,
    login::Login,
    names,
    parameters::{Declared, with_readable_arrays},
    questions::{Questions, failed},
    reader::Reader,
    settings::OwnSettings,
};
use crate::{Error, service::Service, sql};

/// A statement as it is kept between Parse and Execute.
type Prepared = (String, Option<(Statement, LogicalPlan)>);

/// The handlers of one socket.
pub(super) struct Connection {
    statements: Arc<Statements>,
    login: Arc<Login>,
    connections: Arc<Connections>,
}

impl Connection {
    /// For a socket of which nothing is known yet. Among the `connections` requests to cancel find it.
    pub(super) fn new(service: &Arc<Service>, connections: &Arc<Connections>) -> Self {
        let questions = Arc::new(Questions::new(service));
        // What SET, SHOW, BEGIN and COMMIT say is the library's; everything that reads is ours, so this context has no tables.
        let hooks: Vec<Arc<dyn QueryHook>> = vec![
            Arc::new(OwnSettings),
            Arc::new(SetShowHook),
            Arc::new(TransactionStatementHook),
            Arc::<Questions>::clone(&questions),
        ];
        let context = Arc::new(SessionContext::new());
        let session = DfSessionService::new_with_hooks(Arc::clone(&context), hooks.clone());
        let tokens_max = service.config.sql_tokens_max;
        let parser = BoundedParser { library: session.query_parser(), reader: Reader::default(), hooks, context, tokens_max };
        Self {
            statements: Arc::new(Statements { session, parser: Arc::new(parser) }),
            login: Arc::new(Login::new(service, questions, connections)),
            connections: Arc::clone(connections),
        }
    }
}

impl PgWireServerHandlers for Connection {
    fn simple_query_handler(&self) -> Arc<impl SimpleQueryHandler> {
        Arc::clone(&self.statements)
    }

    fn extended_query_handler(&self) -> Arc<impl ExtendedQueryHandler> {
        Arc::clone(&self.statements)
    }

    fn startup_handler(&self) -> Arc<impl StartupHandler> {
        Arc::clone(&self.login)
    }

    fn cancel_handler(&self) -> Arc<impl CancelHandler> {
        Arc::clone(&self.connections)
    }

    fn error_handler(&self) -> Arc<impl ErrorHandler> {
        Arc::new(Failures)
    }
}

/// Says every error in PostgreSQL's codes.
struct Failures;

impl ErrorHandler for Failures {
    fn on_error<C: ClientInfo>(&self, _: &C, error: &mut PgWireError) {
        failure::translate(error);
    }
}

/// The form that a statement's rows are wanted in, for the hook that makes them and does not see the portal.
pub(super) struct RowFormat(pub(super) Format);

/// The library's handling of statements, as they are read here.
struct Statements {
    session: DfSessionService,
    parser: Arc<BoundedParser>,
}

#[async_trait]
impl SimpleQueryHandler for Statements {
    async fn do_query<C>(&self, client: &mut C, query: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        client.session_extensions().insert(RowFormat(Format::UnifiedText));
        let BoundedParser { hooks, context, .. } = self.parser.as_ref();
        let mut responses = Vec::new();
        'statements: for statement in self.parser.statements(query)? {
            for hook in hooks {
                if let Some(response) = hook.handle_simple_query(&statement, context, client).await {
                    responses.push(response?);
                    continue 'statements;
                }
            }
        }
        Ok(if responses.is_empty() { vec![Response::EmptyQuery] } else { responses })
    }
}

#[async_trait]
impl ExtendedQueryHandler for Statements {
    type Statement = Prepared;
    type QueryParser = BoundedParser;

    fn query_parser(&self) -> Arc<BoundedParser> {
        Arc::clone(&self.parser)
    }

    /// As the library's, which would first put all rows of an answer into one list, and make room for as many as a client says it
    /// can take. Here they go out as they come.
    async fn on_execute<C>(&self, client: &mut C, message: Execute) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Prepared>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let portal = match client.portal_store().get_portal(message.name.as_deref().unwrap_or(DEFAULT_NAME)) {
            Some(Entry::Value(portal)) if has_rows(&portal) => portal,
            _ => return self._on_execute(client, message).await,
        };
        if !matches!(client.state(), PgWireConnectionState::ReadyForQuery) {
            return Err(PgWireError::NotReadyForQuery);
        }
        client.set_state(PgWireConnectionState::QueryInProgress);
        // None and less than none mean all.
        let wanted = usize::try_from(message.max_rows).unwrap_or(0);
        let state = portal.state();
        let mut state = state.lock().await;
        let mut rows = match std::mem::replace(&mut *state, PortalExecutionState::Finished) {
            PortalExecutionState::Initial => match ExtendedQueryHandler::do_query(self, client, &portal, wanted).await? {
                Response::Query(rows) => rows,
                Response::Error(error) => return Err(PgWireError::UserError(error)),
                _ => return Err(PgWireError::ApiError(Box::new(Error::Unexpected("a question without rows".to_owned())))),
            },
            PortalExecutionState::Suspended(rows) => rows,
            PortalExecutionState::Finished => QueryResponse::new(Arc::default(), stream::empty()),
        };
        if send_partial_query_response(client, &mut rows, wanted).await? {
            *state = PortalExecutionState::Suspended(rows);
        }
        client.set_state(PgWireConnectionState::ReadyForQuery);
        Ok(())
    }

    async fn do_query<C>(&self, client: &mut C, portal: &Portal<Prepared>, max_rows: usize) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Prepared>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let types = self.parser.get_parameter_types(&portal.statement.statement)?;
        let portal = &with_readable_arrays(portal, &types)?;
        client.session_extensions().insert(RowFormat(portal.result_column_format.clone()));
        ExtendedQueryHandler::do_query(&self.session, client, portal, max_rows).await
    }
}

/// Texts into statements, behind the bound on their length.
struct BoundedParser {
    library: Arc<Parser>,
    reader: Reader,
    /// Each statement is for the first that has a word on it; the last has one on all.
    hooks: Vec<Arc<dyn QueryHook>>,
    context: Arc<SessionContext>,
    tokens_max: usize,
}

impl BoundedParser {
    fn statements(&self, sql: &str) -> PgWireResult<Vec<Statement>> {
        sql::check_length(sql, self.tokens_max).map_err(failed)?;
        self.reader.statements(sql)
    }
}

#[async_trait]
impl QueryParser for BoundedParser {
    type Statement = Prepared;

    async fn parse_sql<C>(&self, client: &C, sql: &str, types: &[Option<Type>]) -> PgWireResult<Option<Prepared>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        client.session_extensions().insert(Declared(types.to_vec()));
        let mut statements = self.statements(sql)?;
        let Some(statement) = statements.pop() else { return Ok(None) };
        if !statements.is_empty() {
            return Err(failed(Error::Body("a prepared statement is one statement".to_owned())));
        }
        for hook in &self.hooks {
            if let Some(plan) = hook.handle_extended_parse_query(&statement, &self.context, client).await {
                return Ok(Some((statement.to_string(), Some((statement, plan?)))));
            }
        }
        Ok(None)
    }

    fn get_parameter_types(&self, statement: &Prepared) -> PgWireResult<Vec<Type>> {
        self.library.get_parameter_types(statement)
    }

    fn get_result_schema(&self, statement: &Prepared, format: Option<&Format>) -> PgWireResult<Vec<FieldInfo>> {
        match &statement.1 {
            None | Some((Statement::Declare { .. }, _)) => Ok(vec![]),
            Some((statement, plan)) => {
                let columns = names::renamed(plan.schema().inner(), statement);
                fields::described(&columns, format.unwrap_or(&Format::UnifiedText), None)
            }
        }
    }
}

/// Whether a statement is answered by rows that may be many.
fn has_rows(portal: &Portal<Prepared>) -> bool {
    matches!(portal.statement.statement.1, Some((Statement::Query(_) | Statement::Fetch { .. }, _)))
}
