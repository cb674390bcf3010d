//! Targets: the last value set for a unit, KPI and period.

use tidemark_schemas::{
    events::{Data, Entity, Event},
    fact::{Fact, Scalar},
    period::Period,
    table::FactTable,
};

use super::{Folded, context::last};

pub fn fold(entity: &Entity, events: &[Event], folded: &mut Folded) {
    let report = last(events, |data| if let Data::TargetSet(data) = data { Some(data) } else { None });
    let Some((_, data)) = report else { return };
    // Ingest refuses periods that are none; a record from elsewhere makes no fact.
    let Some(period) = Period::parse(&data.period) else { return };
    folded.add(Fact::new(
        FactTable::Targets,
        [
            ("target_id", entity.id.as_str().into()),
            ("unit", data.unit.as_str().into()),
            ("unit_id", Scalar::text(data.id.as_deref())),
            ("period", data.period.as_str().into()),
            ("kpi", data.kpi.as_str().into()),
            ("value", Scalar::Decimal(data.value)),
            ("valid_from", Scalar::Date(period.first)),
            ("valid_to", Scalar::Date(period.end)),
        ],
    ));
}
