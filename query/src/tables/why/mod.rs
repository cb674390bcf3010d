//! Table functions that say why a number is what it is: `explain_kpi` and `changes_between`.

mod changes_between;
mod explain_kpi;

use std::sync::Arc;

use datafusion::execution::SessionState;

use crate::{
    Error,
    access::Restriction,
    history::{self, Past},
    kpis::{self, Answer, KpiRequest, Scope},
    service::Service,
    trust::Generation,
};

/// What the functions are asked of.
#[derive(Clone)]
pub(crate) struct Numbers {
    pub(crate) service: Arc<Service>,
    pub(crate) live: Arc<Generation>,
    pub(crate) scope: Scope,
    /// As they were then; none for as they are now.
    pub(crate) past: Option<Past>,
}

impl std::fmt::Debug for Numbers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Numbers({:?})", self.scope)
    }
}

impl Numbers {
    /// The values of a KPI.
    ///
    /// # Errors
    /// A KPI that is being measured; ClickHouse.
    pub(crate) async fn answer(&self, request: &KpiRequest) -> Result<Answer, Error> {
        let Self { service, live, scope, past } = self;
        if let Some(past) = past {
            return history::answer(service, request, past).await;
        }
        live.require_measured(&service.clickhouse, &request.kpi.name, scope.partition).await?;
        kpis::answer(service, request, scope).await
    }

    /// The moment that they are of: the past one, or now.
    ///
    /// # Errors
    /// ClickHouse.
    pub(crate) async fn moment(&self) -> Result<Past, Error> {
        match &self.past {
            Some(past) => Ok(past.clone()),
            None => Past::now(&self.service, &self.scope).await,
        }
    }

    /// Whose they are.
    pub(super) fn restriction(&self) -> Restriction {
        Restriction { tenant: Arc::clone(&self.scope.tenant), generation: self.scope.generation }
    }
}

/// Adds the functions to a session.
pub(crate) fn register(session: &mut SessionState, numbers: &Numbers) {
    session.register_udtf(explain_kpi::NAME, Arc::new(explain_kpi::Function(numbers.clone())));
    session.register_udtf(changes_between::NAME, Arc::new(changes_between::Function(numbers.clone())));
}
