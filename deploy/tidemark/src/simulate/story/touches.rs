//! What reps do all day: calls, visits, activities; and what customers say of it.

use tidemark_schemas::{
    decimal::Decimal6,
    events::{
        Data,
        payload::{ActivityCompleted, CallCompleted, EntityNamed, IncidentRecorded, SurveyAnswered, VisitCompleted},
    },
};

use super::{Simulation, next_id};
use crate::simulate::agenda::Action;

#[derive(Clone, Copy)]
enum Routine {
    Call,
    Visit,
    Lead,
    Deal,
    Activity,
    Incident,
}

const ROUTINES: &[(u32, Routine)] = &[
    (430, Routine::Call),
    (300, Routine::Visit),
    (110, Routine::Lead),
    (60, Routine::Deal),
    (97, Routine::Activity),
    (3, Routine::Incident),
];

impl Simulation {
    pub(super) fn routine(&mut self, at: i64, rep: usize) {
        let rep = if self.organisation.reps[rep].has_left { self.successor(rep) } else { rep };
        match self.chance.weighted(ROUTINES) {
            Routine::Call => self.call(at, rep),
            Routine::Visit => self.visit(at, rep),
            Routine::Lead => self.lead(at, rep),
            Routine::Deal => self.deal_with_known_account(at, rep),
            Routine::Activity => self.activity(at, rep),
            Routine::Incident => self.incident(at, rep),
        }
    }

    fn call(&mut self, at: i64, rep: usize) {
        let connected = self.chance.percent(62);
        let duration_s = if connected { self.chance.exponential(180.0) as i64 + 15 } else { 0 };
        let data = CallCompleted {
            call_id: next_id("C", &mut self.numbers.calls),
            direction: Some(self.chance.weighted(&[(80, "outbound"), (20, "inbound")]).to_owned()),
            duration_s: Some(duration_s),
            connected: Some(connected),
            agent: Some(self.chance.weighted(&[(78, "human"), (22, "ai")]).to_owned()),
            outcome: connected.then(|| self.chance.one_of(&["interested", "call back", "no need"]).to_owned()),
        };
        let account = self.organisation.any_account(&mut self.chance, rep);
        self.say(at, account, Some(rep), Data::CallCompleted(data));
    }

    fn visit(&mut self, at: i64, rep: usize) {
        let account = self.organisation.any_account(&mut self.chance, rep);
        let next_step = self.chance.between(2, 14) as u64;
        let data = VisitCompleted {
            visit_id: next_id("V", &mut self.numbers.visits),
            purpose: Some(self.chance.one_of(&["introduction", "demo", "follow-up", "negotiation", "care"]).to_owned()),
            mode: Some(self.chance.weighted(&[(60, "onsite"), (40, "online")]).to_owned()),
            duration_min: Some(self.chance.between(2, 12) * 10),
            met_decision_maker: Some(self.chance.percent(45)),
            next_step_on: self.chance.percent(70).then(|| self.calendar.day_number(at, next_step)),
        };
        let visit_id = data.visit_id.clone();
        self.say(at, account, Some(rep), Data::VisitCompleted(data));
        if self.chance.percent(8) {
            let answer = SurveyAnswered { visit_id: Some(visit_id), ..self.answer("csat") };
            self.plan_days_later(at, 2.0, account, rep, Data::SurveyAnswered(answer));
        } else if self.chance.per_mille(3) {
            // Entered for the wrong customer, deleted in the CRM, and now and then restored.
            let named = || EntityNamed { kind: "visit".to_owned(), id: visit_id.clone() };
            self.plan_days_later(at, 1.0, account, rep, Data::EntityDeleted(named()));
            if self.chance.percent(20) {
                self.plan_days_later(at, 9.0, account, rep, Data::EntityRestored(named()));
            }
        }
    }

    /// An answer to a survey, the good ones more often.
    pub(super) fn answer(&mut self, kind: &str) -> SurveyAnswered {
        let (score, max_score) = match kind {
            "nps" => (self.chance.weighted(&[(34, 9), (24, 10), (17, 8), (9, 7), (6, 6), (10, 4)]), None),
            "handover" => (self.chance.between(70, 100), Some(100)),
            _ => (self.chance.weighted(&[(40, 5), (35, 4), (15, 3), (10, 1)]), Some(5)),
        };
        SurveyAnswered {
            survey_id: next_id("S", &mut self.numbers.surveys),
            kind: kind.to_owned(),
            score: Decimal6::from_int(score),
            max_score: max_score.map(Decimal6::from_int),
            ..SurveyAnswered::default()
        }
    }

    fn activity(&mut self, at: i64, rep: usize) {
        let kinds =
            [(30, "training"), (20, "product_feedback"), (12, "success_case"), (14, "requirement_doc"), (24, "proposal_review")];
        let kind = self.chance.weighted(&kinds);
        let is_scored = matches!(kind, "requirement_doc" | "proposal_review" | "training");
        let data = ActivityCompleted {
            activity_id: next_id("X", &mut self.numbers.activities),
            kind: kind.to_owned(),
            outcome: Some(if kind == "product_feedback" && self.chance.percent(30) { "adopted" } else { "passed" }.to_owned()),
            score: is_scored.then(|| Decimal6::from_int(self.chance.between(55, 100))),
            max_score: is_scored.then(|| Decimal6::from_int(100)),
            ..ActivityCompleted::default()
        };
        let account = if kind == "training" { None } else { self.organisation.any_account(&mut self.chance, rep) };
        self.say(at, account, Some(rep), Data::ActivityCompleted(data));
    }

    fn incident(&mut self, at: i64, rep: usize) {
        let data = IncidentRecorded {
            incident_id: next_id("I", &mut self.numbers.incidents),
            kind: self.chance.weighted(&[(40, "data_security"), (60, "complaint")]).to_owned(),
            severity: Some(self.chance.one_of(&["low", "medium", "high"]).to_owned()),
        };
        let account = self.organisation.any_account(&mut self.chance, rep);
        self.say(at, account, Some(rep), Data::IncidentRecorded(data));
    }

    /// Plans an event in working hours about so many days later.
    pub(super) fn plan_days_later(&mut self, at: i64, days: f64, account: Option<usize>, rep: usize, data: Data) {
        let later = self.calendar.days_later(&mut self.chance, at, days);
        self.agenda.plan(later, Action::Say { account, rep: Some(rep), data: Box::new(data) });
    }
}
