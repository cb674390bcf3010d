//! Statements that read: planned and run in a session of the connection's tenant, on the numbers that are live at that moment.

use std::sync::{Arc, OnceLock};

use arrow::{
    datatypes::DataType,
    record_batch::{RecordBatch, RecordBatchOptions},
};
use async_trait::async_trait;
use datafusion::{
    common::{DFSchema, ParamValues, TableReference},
    error::DataFusionError,
    execution::{SendableRecordBatchStream, SessionState},
    logical_expr::{EmptyRelation, Expr, LogicalPlan, LogicalPlanBuilder, cast},
    physical_plan::stream::RecordBatchStreamAdapter,
    prelude::SessionContext,
    sql::sqlparser::ast::{CloseCursor, Statement},
};
use datafusion_postgres::{
    QueryHook,
    arrow_pg::datatypes::encode_recordbatch,
    hooks::HookClient,
    pgwire::{
        api::{
            ClientInfo,
            portal::{Format, Portal},
            results::{QueryResponse, Response, Tag},
            stmt::StoredStatement,
            store::PortalStore,
        },
        error::{PgWireError, PgWireResult},
        messages::data::DataRow,
        types::format::FormatOptions,
    },
};
use futures::{StreamExt, stream};
use tidemark_schemas::tenant::Access;
use tokio::sync::Mutex;

use super::{
    cancel::Running,
    catalog::{self, Settings},
    connection::RowFormat,
    cursors::{Cursors, declaration},
    dialect::understood,
    fields::described,
    names::renamed,
    parameters::{Declared, with_types},
    settings::{AS_OF, statement_timeout},
};
use crate::{
    Error,
    history::AsOf,
    service::Service,
    session, sql,
    trust::{Generation, LiveStamp},
};

/// The questions of one connection.
pub(super) struct Questions {
    service: Arc<Service>,
    /// Set by the login.
    access: OnceLock<Access>,
    session: Mutex<Option<Open>>,
    settings: Settings,
    cursors: Cursors,
    running: Arc<Running>,
}

/// The session that a connection asks in.
struct Open {
    live: Arc<Generation>,
    /// As it was SET.
    as_of: Option<String>,
    context: SessionContext,
}

impl Drop for Open {
    fn drop(&mut self) {
        catalog::forget(&self.context);
    }
}

impl Questions {
    /// Of a connection whose tenant is not known yet.
    pub(super) fn new(service: &Arc<Service>) -> Self {
        Self {
            service: Arc::clone(service),
            access: OnceLock::new(),
            session: Mutex::new(None),
            settings: Settings::default(),
            cursors: Cursors::default(),
            running: Arc::default(),
        }
    }

    /// What can be cancelled.
    pub(super) fn running(&self) -> &Arc<Running> {
        &self.running
    }

    /// From now on the tables are those of this tenant.
    pub(super) fn open(&self, access: Access) {
        let _only_once = self.access.set(access);
    }

    /// The session on the numbers that are live now.
    async fn session(&self) -> Result<SessionContext, Error> {
        let access = self.access.get().ok_or(Error::MissingKey)?;
        let live = self.service.live.read(&self.service.clickhouse).await?;
        let as_of = self.settings.get(AS_OF).filter(|moment| !moment.is_empty());
        let mut session = self.session.lock().await;
        if let Some(open) = session.as_ref()
            && Arc::ptr_eq(&open.live, &live)
            && open.as_of == as_of
        {
            return Ok(open.context.clone());
        }
        let past = match &as_of {
            None => None,
            Some(moment) => {
                let scope = session::scope(&self.service, access, &live);
                Some(moment.parse::<AsOf>()?.find(&self.service, &scope).await?)
            }
        };
        let stamp = Arc::new(LiveStamp { service: Arc::clone(&self.service), access: access.clone() });
        let context = SessionContext::new_with_state(session::on(&self.service, access, &live, (stamp, past))?);
        let open = Open { live, as_of, context: context.clone() };
        catalog::add(&context, &access.tenant, &self.settings).await?;
        *session = Some(open);
        Ok(context)
    }

    async fn plan(&self, statement: &Statement) -> Result<LogicalPlan, Error> {
        let session = self.service.unless_silent(self.session()).await?;
        Ok(planned(&session.state(), statement).await?)
    }

    /// Planned anew for each answer, as other numbers may have become live since the statement was prepared.
    async fn answer(
        &self,
        statement: &Statement,
        parameters: Option<&ParamValues>,
        client: &dyn HookClient,
    ) -> Result<SendableRecordBatchStream, Error> {
        let service = &self.service;
        self.settings.replace(client.metadata());
        let time = sql::Time::starting(service, statement_timeout(client)).until(self.running.begin());
        let question = async {
            let session = self.session().await?.state();
            let mut plan = planned(&session, statement).await?;
            if let Some(parameters) = parameters {
                plan = plan.replace_params_with_values(parameters)?;
            }
            Ok((plan, session))
        };
        let (plan, session) = time.bounds(service, question).await?;
        let tenant = self.access.get().map_or("", |access| access.tenant.as_ref());
        let batches = sql::stream((service, tenant), &session, &plan, (time, service.config.rows_streamed_max)).await?;
        let columns = renamed(&batches.schema(), statement);
        let as_renamed = Arc::clone(&columns);
        let batches = batches.map(move |batch| {
            let batch = batch?;
            let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            Ok(RecordBatch::try_new_with_options(Arc::clone(&as_renamed), batch.columns().to_vec(), &rows)?)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(columns, batches)))
    }

    async fn respond(
        &self,
        statement: &Statement,
        parameters: Option<&ParamValues>,
        client: &dyn HookClient,
    ) -> Result<Response, Error> {
        Ok(match statement {
            Statement::Query(_) => {
                let batches = self.answer(statement, parameters, client).await?;
                Response::Query(encoded(batches, client)?)
            }
            // A cursor is a question whose answer stays open, as long as an answer may take.
            Statement::Declare { .. } => {
                let Some((name, question)) = declaration(statement) else { return Err(read_only(statement)) };
                self.cursors.open(name.clone(), self.answer(&question, parameters, client).await?).await?;
                // Among the portals drivers look for its columns.
                let described = (question.to_string(), Some((question.clone(), self.plan(&question).await?)));
                let portal = Portal::new_cursor(name.clone(), Arc::new(StoredStatement::new(name, described, vec![])));
                client.portal_store().put_portal(Arc::new(portal));
                done("DECLARE CURSOR")
            }
            Statement::Fetch { name, direction, .. } => {
                let mut rows = encoded(self.cursors.fetch(&name.value, direction).await?, client)?;
                rows.set_command_tag("FETCH");
                Response::Query(rows)
            }
            Statement::Close { cursor } => {
                self.cursors.close(cursor).await?;
                if let CloseCursor::Specific { name } = cursor {
                    client.portal_store().rm_portal(&name.value);
                }
                done("CLOSE CURSOR")
            }
            // Granted, as there is nothing of what they would end or forget.
            Statement::Discard { .. } => done("DISCARD ALL"),
            Statement::Deallocate { .. } => done("DEALLOCATE"),
            Statement::Reset(_) => done("RESET"),
            Statement::UNLISTEN { .. } => done("UNLISTEN"),
            Statement::Savepoint { .. } => done("SAVEPOINT"),
            Statement::ReleaseSavepoint { .. } => done("RELEASE"),
            _ => return Err(read_only(statement)),
        })
    }

    /// What a statement is described by: its parameters and its columns.
    async fn described(&self, statement: &Statement, declared: &Declared) -> Result<LogicalPlan, Error> {
        let without_rows =
            |schema| LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema: Arc::new(schema) });
        Ok(match statement {
            Statement::Query(_) => with_types(self.plan(statement).await?, statement, declared)?,
            Statement::Declare { .. } => match declaration(statement) {
                Some((_, question)) => with_types(self.plan(&question).await?, &question, declared)?,
                None => return Err(read_only(statement)),
            },
            Statement::Fetch { name, .. } => {
                let columns = self.cursors.columns(&name.value).await?;
                // Columns may be called the same.
                let places = (0..columns.fields().len()).map(|place| Some(TableReference::bare(place.to_string())));
                without_rows(DFSchema::from_field_specific_qualified_schema(places.collect(), &columns)?)
            }
            _ => without_rows(DFSchema::empty()),
        })
    }
}

#[async_trait]
impl QueryHook for Questions {
    async fn handle_simple_query(
        &self,
        statement: &Statement,
        _: &SessionContext,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        Some(self.respond(statement, None, client).await.map_err(failed))
    }

    async fn handle_extended_parse_query(
        &self,
        statement: &Statement,
        _: &SessionContext,
        client: &(dyn ClientInfo + Send + Sync),
    ) -> Option<PgWireResult<LogicalPlan>> {
        let declared = client.session_extensions().get::<Declared>().unwrap_or_default();
        Some(self.described(statement, &declared).await.map_err(failed))
    }

    async fn handle_extended_query(
        &self,
        statement: &Statement,
        _: &LogicalPlan,
        parameters: &ParamValues,
        _: &SessionContext,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        Some(self.respond(statement, Some(parameters), client).await.map_err(failed))
    }
}

/// Counts of DataFusion's, as those of `row_number()`, have no sign; PostgreSQL's are `bigint`, and its `numeric` is no number to count by.
async fn planned(session: &SessionState, statement: &Statement) -> Result<LogicalPlan, DataFusionError> {
    let plan = sql::plan_statement(session, understood(statement)).await?;
    if plan.schema().fields().iter().all(|field| *field.data_type() != DataType::UInt64) {
        return Ok(plan);
    }
    let columns = plan.schema().iter().map(|(table, field)| {
        let column = Expr::from((table, field));
        match field.data_type() {
            DataType::UInt64 => cast(column, DataType::Int64).alias_qualified(table.cloned(), field.name()),
            _ => column,
        }
    });
    let columns = columns.collect::<Vec<_>>();
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

fn done(tag: &str) -> Response {
    Response::Execution(Tag::new(tag))
}

/// Rows in the form that the client wants.
fn encoded(batches: SendableRecordBatchStream, client: &dyn HookClient) -> Result<QueryResponse, Error> {
    let format = client.session_extensions().get::<RowFormat>();
    let format = format.as_ref().map_or(&Format::UnifiedText, |format| &format.0);
    let options = Arc::new(FormatOptions::from_client_metadata(client.metadata()));
    let fields = described(&batches.schema(), format, Some(options));
    let fields = Arc::new(fields.map_err(|error| Error::Unexpected(error.to_string()))?);
    let of_rows = Arc::clone(&fields);
    let rows = batches.map(move |batch| match batch {
        Ok(batch) => stream::iter(encode_recordbatch(Arc::clone(&of_rows), batch) as EncodedRows),
        Err(error) => stream::iter(Box::new(std::iter::once(Err(PgWireError::ApiError(Box::new(error))))) as EncodedRows),
    });
    Ok(QueryResponse::new(fields, rows.flatten()))
}

type EncodedRows = Box<dyn Iterator<Item = PgWireResult<DataRow>> + Send + Sync>;

pub(super) fn failed(error: Error) -> PgWireError {
    PgWireError::ApiError(Box::new(error))
}

fn read_only(statement: &Statement) -> Error {
    let text = statement.to_string();
    Error::ReadOnly(text.split_whitespace().next().unwrap_or("this").to_owned())
}
