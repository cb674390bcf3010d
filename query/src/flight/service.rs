//! The protocol: what a driver asks for is described first (`get_flight_info_*`) and then fetched (`do_get_*`). Every call
//! carries the key, so a ticket that fell into other hands shows nothing that its finder may not ask for.

use std::{pin::Pin, sync::Arc};

use arrow::{
    array::RecordBatch,
    datatypes::{Schema, SchemaRef},
    ipc::writer::IpcWriteOptions,
};
use arrow_flight::{
    Action, FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest, HandshakeResponse, IpcMessage, SchemaAsIpc, Ticket,
    decode::FlightRecordBatchStream,
    encode::FlightDataEncoderBuilder,
    error::FlightError,
    flight_service_server::FlightService,
    sql::{
        ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult,
        CommandGetCatalogs, CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys, CommandGetImportedKeys,
        CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables, CommandPreparedStatementQuery,
        CommandStatementQuery, CommandStatementUpdate, DoPutPreparedStatementResult, ProstMessageExt, SqlInfo,
        TicketStatementQuery,
        server::{FlightSqlService, PeekableFlightDataStream},
    },
};
use datafusion::{
    catalog::TableProvider,
    common::{ParamValues, ScalarValue},
    error::DataFusionError,
    execution::{SendableRecordBatchStream, SessionState},
    logical_expr::LogicalPlan,
};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use prost::Message;
use tidemark_schemas::tenant::Access;
use tonic::{Request, Response, Status, Streaming};

use super::{
    about::{foreign_keys, primary_keys, remarked, sql_info},
    failure::status,
    places::{numbered, parameter_schema},
    prepared::{Prepared, Statement},
    told::{as_told, told},
};
use crate::{
    access::authenticate_text,
    service::Service,
    session::{self, CATALOG, SCHEMA},
    sql,
};

/// What fetching answers.
type Fetched = Response<<Flight as FlightService>::DoGetStream>;

/// The service of every connection.
pub(super) struct Flight {
    service: Arc<Service>,
    prepared: Prepared,
}

impl Flight {
    pub(super) fn new(service: Arc<Service>) -> Self {
        Self { service, prepared: Prepared::default() }
    }

    /// Whose call it is.
    fn access<T>(&self, request: &Request<T>) -> Result<Access, Status> {
        let header = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        authenticate_text(&self.service.tenants, header).map_err(status)
    }

    /// Does `work` on the threads for SQL, in the time of an answer.
    async fn plan(&self, access: Access, sql: Arc<str>, parameters: Option<ParamValues>) -> Result<Planned, Status> {
        let service = Arc::clone(&self.service);
        sql::check_length(&sql, service.config.sql_tokens_max).map_err(status)?;
        let time = sql::Time::starting(&service, None);
        let planning = async move {
            let session = time.bounds(&service, session::of(&service, &access)).await?;
            let plan = sql::plan(&session, &sql).await?;
            let plan = match parameters {
                Some(parameters) => plan.replace_params_with_values(&parameters)?,
                None => plan,
            };
            Ok(Planned { session, plan, time })
        };
        self.service.sql_threads.run(planning).await.map_err(status)
    }

    async fn answer(&self, access: Access, sql: Arc<str>, parameters: Option<ParamValues>) -> Result<Fetched, Status> {
        let tenant = Arc::clone(&access.tenant);
        let Planned { session, plan, time } = self.plan(access, sql, parameters).await?;
        let columns = Arc::new(told(plan.schema().as_arrow()));
        let service = Arc::clone(&self.service);
        let begun = async move {
            let rows_max = service.config.rows_streamed_max;
            sql::stream((&service, &tenant), &session, &plan, (time, rows_max)).await
        };
        let batches = self.service.sql_threads.run(begun).await.map_err(status)?;
        Ok(encoded(batches, columns))
    }

    fn statement(&self, handle: &[u8], access: &Access) -> Result<Statement, Status> {
        let found = self.prepared.find(handle, &access.tenant);
        found.ok_or_else(|| Status::not_found("there is no such prepared statement; it was closed, or not used for an hour"))
    }

    /// The names of the tenant's tables with their columns, in the order of the names.
    async fn tables(&self, access: &Access) -> Result<Vec<(String, String, SchemaRef)>, Status> {
        let session = self.service.bounded(access, session::of(&self.service, access)).await.map_err(status)?;
        let schema = session.catalog_list().catalog(CATALOG).and_then(|catalog| catalog.schema(SCHEMA));
        let schema = schema.ok_or_else(|| Status::internal("there is no schema"))?;
        let mut names = schema.table_names();
        names.sort();
        let mut tables = Vec::with_capacity(names.len());
        for name in names {
            let found = schema.table(&name).await.map_err(|error| status(error.into()))?;
            // The protocol's words are in capitals.
            let kind_and_columns = |table: Arc<dyn TableProvider>| {
                (name, table.table_type().to_string().to_uppercase(), Arc::new(remarked(&table.schema())))
            };
            tables.extend(found.map(kind_and_columns));
        }
        Ok(tables)
    }
}

/// A question that may be run.
struct Planned {
    session: SessionState,
    plan: LogicalPlan,
    time: sql::Time,
}

/// What is to be fetched, and of what columns it will be.
fn described(ticket: Vec<u8>, schema: &Schema, request: Request<FlightDescriptor>) -> Result<Response<FlightInfo>, Status> {
    let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(ticket));
    let info = FlightInfo::new().try_with_schema(schema).map_err(|error| Status::internal(error.to_string()))?;
    Ok(Response::new(info.with_endpoint(endpoint).with_descriptor(request.into_inner())))
}

fn encoded(batches: SendableRecordBatchStream, schema: SchemaRef) -> Fetched {
    let columns = Arc::clone(&schema);
    let batches = batches.map(move |batch| -> Result<RecordBatch, DataFusionError> { Ok(as_told(&batch?, &columns)?) });
    let batches = batches.map_err(|error| FlightError::Tonic(Box::new(status(error.into()))));
    let encoder = FlightDataEncoderBuilder::new().with_schema(schema).build(batches);
    Response::new(encoder.map_err(Status::from).boxed())
}

fn one_batch(batch: Result<RecordBatch, FlightError>) -> Result<Fetched, Status> {
    let batch = batch.map_err(Status::from)?;
    let encoder = FlightDataEncoderBuilder::new().with_schema(batch.schema()).build(stream::iter([Ok(batch)]));
    Ok(Response::new(encoder.map_err(Status::from).boxed()))
}

fn in_ipc(schema: &Schema) -> Result<bytes::Bytes, Status> {
    let IpcMessage(bytes) = SchemaAsIpc::new(schema, &IpcWriteOptions::default())
        .try_into()
        .map_err(|error: arrow::error::ArrowError| Status::internal(error.to_string()))?;
    Ok(bytes)
}

#[tonic::async_trait]
impl FlightSqlService for Flight {
    type FlightService = Self;

    /// The key as the password of basic authentication is given back as the bearer's, which every later call carries.
    async fn do_handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Pin<Box<dyn Stream<Item = Result<HandshakeResponse, Status>> + Send>>>, Status> {
        let header = request.metadata().get("authorization").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let key = crate::access::key_of(header.as_deref()).map_err(status)?;
        authenticate_text(&self.service.tenants, header.as_deref()).map_err(status)?;
        let said = HandshakeResponse { protocol_version: 0, payload: key.clone().into() };
        let mut response = Response::new(stream::iter([Ok(said)]).boxed());
        let bearer = format!("Bearer {key}").parse().map_err(|_| Status::unauthenticated("the key is no header value"))?;
        response.metadata_mut().insert("authorization", bearer);
        Ok(response)
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let access = self.access(&request)?;
        let planned = self.plan(access, query.query.as_str().into(), None).await?;
        let ticket = TicketStatementQuery { statement_handle: query.query.into() };
        described(ticket.as_any().encode_to_vec(), &told(planned.plan.schema().as_arrow()), request)
    }

    async fn do_get_statement(&self, ticket: TicketStatementQuery, request: Request<Ticket>) -> Result<Fetched, Status> {
        let access = self.access(&request)?;
        let sql = std::str::from_utf8(&ticket.statement_handle).map_err(|_| Status::invalid_argument("no ticket of ours"))?;
        self.answer(access, sql.into(), None).await
    }

    async fn do_action_create_prepared_statement(
        &self,
        query: ActionCreatePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        let access = self.access(&request)?;
        let (tenant, sql): (_, Arc<str>) = (Arc::clone(&access.tenant), numbered(&query.query).into());
        let planned = self.plan(access, Arc::clone(&sql), None).await?;
        let handle = self.prepared.keep(Statement { tenant, sql, parameters: None });
        Ok(ActionCreatePreparedStatementResult {
            prepared_statement_handle: handle.as_bytes().to_vec().into(),
            dataset_schema: in_ipc(&told(planned.plan.schema().as_arrow()))?,
            parameter_schema: in_ipc(&parameter_schema(planned.plan).map_err(|error| status(error.into()))?)?,
        })
    }

    async fn do_action_close_prepared_statement(
        &self,
        query: ActionClosePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<(), Status> {
        let access = self.access(&request)?;
        self.prepared.close(&query.prepared_statement_handle, &access.tenant);
        Ok(())
    }

    /// One row of values; a statement for each of many rows would be a loop that belongs to the caller.
    async fn do_put_prepared_statement_query(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<DoPutPreparedStatementResult, Status> {
        let access = self.access(&request)?;
        let data = request.into_inner().map_err(|error| FlightError::Tonic(Box::new(error)));
        let batches: Vec<RecordBatch> = FlightRecordBatchStream::new_from_flight_data(data).try_collect().await?;
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let (Some(batch), 1) = (batches.iter().find(|batch| batch.num_rows() == 1), rows) else {
            return Err(Status::invalid_argument(format!("a statement takes one row of parameters, not {rows}")));
        };
        let values = batch.columns().iter().map(|column| ScalarValue::try_from_array(column, 0));
        let values = values.collect::<Result<Vec<_>, _>>().map_err(|error| status(error.into()))?;
        if !self.prepared.bind(&query.prepared_statement_handle, &access.tenant, ParamValues::from(values)) {
            self.statement(&query.prepared_statement_handle, &access)?;
        }
        Ok(DoPutPreparedStatementResult { prepared_statement_handle: Some(query.prepared_statement_handle) })
    }

    async fn get_flight_info_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let access = self.access(&request)?;
        let statement = self.statement(&query.prepared_statement_handle, &access)?;
        let planned = self.plan(access, statement.sql, statement.parameters).await?;
        described(query.as_any().encode_to_vec(), &told(planned.plan.schema().as_arrow()), request)
    }

    async fn do_get_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Fetched, Status> {
        let access = self.access(&request)?;
        let statement = self.statement(&query.prepared_statement_handle, &access)?;
        self.answer(access, statement.sql, statement.parameters).await
    }

    async fn do_put_statement_update(
        &self,
        _: CommandStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        self.access(&request)?;
        Err(Status::permission_denied("only a question is answered here: this database changes nothing"))
    }

    async fn get_flight_info_catalogs(
        &self,
        query: CommandGetCatalogs,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.access(&request)?;
        described(query.as_any().encode_to_vec(), &query.into_builder().schema(), request)
    }

    async fn do_get_catalogs(&self, query: CommandGetCatalogs, request: Request<Ticket>) -> Result<Fetched, Status> {
        self.access(&request)?;
        let mut catalogs = query.into_builder();
        catalogs.append(CATALOG);
        one_batch(catalogs.build())
    }

    async fn get_flight_info_schemas(
        &self,
        query: CommandGetDbSchemas,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.access(&request)?;
        described(query.as_any().encode_to_vec(), &query.into_builder().schema(), request)
    }

    async fn do_get_schemas(&self, query: CommandGetDbSchemas, request: Request<Ticket>) -> Result<Fetched, Status> {
        self.access(&request)?;
        let mut schemas = query.into_builder();
        schemas.append(CATALOG, SCHEMA);
        one_batch(schemas.build())
    }

    async fn get_flight_info_tables(
        &self,
        query: CommandGetTables,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.access(&request)?;
        described(query.as_any().encode_to_vec(), &query.into_builder().schema(), request)
    }

    async fn do_get_tables(&self, query: CommandGetTables, request: Request<Ticket>) -> Result<Fetched, Status> {
        let access = self.access(&request)?;
        let mut tables = query.into_builder();
        for (name, kind, schema) in self.tables(&access).await? {
            tables.append(CATALOG, SCHEMA, name, kind, &schema).map_err(Status::from)?;
        }
        one_batch(tables.build())
    }

    async fn get_flight_info_table_types(
        &self,
        query: CommandGetTableTypes,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.access(&request)?;
        described(query.as_any().encode_to_vec(), &query.into_builder().schema(), request)
    }

    async fn do_get_table_types(&self, query: CommandGetTableTypes, request: Request<Ticket>) -> Result<Fetched, Status> {
        self.access(&request)?;
        let mut types = query.into_builder();
        types.append("VIEW");
        one_batch(types.build())
    }

    async fn get_flight_info_sql_info(
        &self,
        query: CommandGetSqlInfo,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.access(&request)?;
        let info = sql_info().map_err(Status::from)?;
        described(query.as_any().encode_to_vec(), &query.into_builder(&info).schema(), request)
    }

    async fn do_get_sql_info(&self, query: CommandGetSqlInfo, request: Request<Ticket>) -> Result<Fetched, Status> {
        self.access(&request)?;
        one_batch(query.into_builder(&sql_info().map_err(Status::from)?).build())
    }

    async fn get_flight_info_primary_keys(
        &self,
        query: CommandGetPrimaryKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.access(&request)?;
        described(query.as_any().encode_to_vec(), &primary_keys(), request)
    }

    async fn do_get_primary_keys(&self, _: CommandGetPrimaryKeys, request: Request<Ticket>) -> Result<Fetched, Status> {
        self.access(&request)?;
        one_batch(Ok(RecordBatch::new_empty(primary_keys().into())))
    }

    async fn get_flight_info_imported_keys(
        &self,
        query: CommandGetImportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.access(&request)?;
        described(query.as_any().encode_to_vec(), &foreign_keys(), request)
    }

    async fn do_get_imported_keys(&self, _: CommandGetImportedKeys, request: Request<Ticket>) -> Result<Fetched, Status> {
        self.access(&request)?;
        one_batch(Ok(RecordBatch::new_empty(foreign_keys().into())))
    }

    async fn get_flight_info_exported_keys(
        &self,
        query: CommandGetExportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.access(&request)?;
        described(query.as_any().encode_to_vec(), &foreign_keys(), request)
    }

    async fn do_get_exported_keys(&self, _: CommandGetExportedKeys, request: Request<Ticket>) -> Result<Fetched, Status> {
        self.access(&request)?;
        one_batch(Ok(RecordBatch::new_empty(foreign_keys().into())))
    }

    async fn get_flight_info_cross_reference(
        &self,
        query: CommandGetCrossReference,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.access(&request)?;
        described(query.as_any().encode_to_vec(), &foreign_keys(), request)
    }

    async fn do_get_cross_reference(&self, _: CommandGetCrossReference, request: Request<Ticket>) -> Result<Fetched, Status> {
        self.access(&request)?;
        one_batch(Ok(RecordBatch::new_empty(foreign_keys().into())))
    }

    async fn register_sql_info(&self, _: i32, _: &SqlInfo) {}
}
