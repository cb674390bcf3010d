//! roster: assignments of reps to units, as disjoint intervals of days.

use std::collections::BTreeMap;

use tidemark_schemas::{
    events::{Data, EntityKind, payload::RosterAssigned},
    fact::{Fact, Scalar},
    table::FactTable,
};

use crate::company::Company;

/// A row per assignment; it lasts until the next begins or the rep leaves.
pub(crate) fn roster(company: &Company) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (rep_id, events) in company.existing(EntityKind::Rep) {
        let mut assignments: BTreeMap<i32, &RosterAssigned> = BTreeMap::new();
        let mut ends = Vec::new();
        for event in events {
            match &event.data {
                Data::RosterAssigned(data) => {
                    assignments.insert(data.valid_from, data);
                }
                Data::RosterLeft(data) => ends.push(data.left_on),
                _ => {}
            }
        }
        // The first day of an assignment ends the one before just as leaving does.
        ends.extend(assignments.keys());
        for (valid_from, assigned) in &assignments {
            let valid_to = ends.iter().copied().filter(|end| end > valid_from).min();
            facts.push(fact(rep_id, *valid_from, valid_to, assigned));
        }
    }
    facts
}

fn fact(rep_id: &str, valid_from: i32, valid_to: Option<i32>, assigned: &RosterAssigned) -> Fact {
    Fact::new(
        FactTable::Roster,
        [
            ("rep_id", rep_id.into()),
            ("valid_from", Scalar::Date(valid_from)),
            ("valid_to", Scalar::maybe(valid_to, Scalar::Date)),
            ("team", Scalar::text(assigned.team.as_deref())),
            ("department", Scalar::text(assigned.department.as_deref())),
            ("region", Scalar::text(assigned.region.as_deref())),
            ("role", Scalar::text(assigned.role.as_deref())),
            ("segment", Scalar::text(assigned.segment.as_deref())),
            ("manager_id", Scalar::text(assigned.manager_id.as_deref())),
        ],
    )
}
