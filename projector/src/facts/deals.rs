//! Deals and their stays in stages. `amended` applies at any time; the last closing event counts unless `reopened`
//! follows; while a deal is closed, stage changes and reassignments are ignored, so the owner at closing keeps the credit.

use tidemark_schemas::{
    decimal::Decimal6,
    events::{Data, Event},
    fact::{Fact, Scalar},
    pipeline::StagePipeline,
    table::FactTable,
};

use super::{
    FoldContext, Folded,
    context::{DAY_MS, duration},
};

/// A deal while its events are applied.
#[derive(Default)]
struct Deal<'a> {
    deal_id: &'a str,
    /// As openings and amendments say.
    account_id: Option<&'a str>,
    /// As its other events say, for a deal whose openings and amendments do not.
    mentioned_account_id: Option<&'a str>,
    rep_id: Option<&'a str>,
    kind: Option<&'a str>,
    product: Option<&'a str>,
    amount: Option<Decimal6>,
    currency: Option<&'a str>,
    expected_close_on: Option<i32>,
    expires_on: Option<i32>,
    opened_at: Option<i64>,
    has_opening_stage: bool,
    closing: Option<Closing>,
    stays: Vec<Stay<'a>>,
}

#[derive(Clone, Copy)]
struct Closing {
    at: i64,
    is_won: bool,
}

struct Stay<'a> {
    stage: &'a str,
    entered_at: i64,
    left_at: Option<i64>,
    advanced: bool,
}

pub fn fold(events: &[Event], context: &FoldContext<'_, '_>, folded: &mut Folded) {
    let mut openings = events.iter().filter(|event| matches!(event.data, Data::DealOpened(_)));
    let rep_id = openings.find_map(|event| event.envelope.rep_id.as_deref());
    let mut deal = Deal { rep_id, ..Deal::default() };
    for event in events {
        deal.apply(event, &context.settings().tenant.pipeline);
    }
    let Some(opened_at) = deal.opened_at else { return };
    folded.add(deal.fact(opened_at, context));
    for (index, stay) in deal.stays.iter().enumerate() {
        folded.add(deal.stage_fact(index, stay, context));
    }
}

impl<'a> Deal<'a> {
    fn apply(&mut self, event: &'a Event, pipeline: &StagePipeline) {
        let at = event.envelope.occurred_at;
        self.account(event);
        match &event.data {
            Data::DealOpened(data) => {
                self.deal_id = &data.deal_id;
                self.opened_at = self.opened_at.or(Some(at));
                self.details(data.kind.as_deref(), data.product.as_deref(), data.expected_close_on, data.expires_on);
                self.money(data.amount, data.currency.as_deref());
                if let (Some(stage), false) = (&data.stage, self.has_opening_stage) {
                    self.has_opening_stage = true;
                    self.enter(stage, at, pipeline);
                }
            }
            Data::DealAmended(data) => {
                self.details(data.kind.as_deref(), data.product.as_deref(), data.expected_close_on, data.expires_on);
                self.money(data.amount, data.currency.as_deref());
            }
            Data::DealStageChanged(data) => self.enter(&data.stage, at, pipeline),
            Data::DealReassigned(data) if self.closing.is_none() => self.rep_id = Some(&data.rep_id),
            Data::DealWon(data) => {
                self.money(data.amount, data.currency.as_deref());
                self.close(Closing { at, is_won: true });
            }
            Data::DealLost(_) => self.close(Closing { at, is_won: false }),
            Data::DealReopened(data) => self.reopen(data.stage.as_deref(), at, pipeline),
            _ => {}
        }
    }

    fn account(&mut self, event: &'a Event) {
        let named = event.envelope.account_id.as_deref();
        let is_stated = matches!(event.data, Data::DealOpened(_) | Data::DealAmended(_));
        let account_id = if is_stated { &mut self.account_id } else { &mut self.mentioned_account_id };
        *account_id = named.or(*account_id);
    }

    /// The customer: the last that an opening or amendment names, else the last that any event names.
    fn account_id(&self) -> Option<&'a str> {
        self.account_id.or(self.mentioned_account_id)
    }

    fn details(
        &mut self,
        kind: Option<&'a str>,
        product: Option<&'a str>,
        expected_close_on: Option<i32>,
        expires_on: Option<i32>,
    ) {
        self.kind = kind.or(self.kind);
        self.product = product.or(self.product);
        self.expected_close_on = expected_close_on.or(self.expected_close_on);
        self.expires_on = expires_on.or(self.expires_on);
    }

    fn money(&mut self, amount: Option<Decimal6>, currency: Option<&'a str>) {
        self.amount = amount.or(self.amount);
        self.currency = currency.or(self.currency);
    }

    fn enter(&mut self, stage: &'a str, at: i64, pipeline: &StagePipeline) {
        if self.closing.is_some() {
            return;
        }
        if let Some(stay) = self.stays.last_mut().filter(|stay| stay.left_at.is_none()) {
            if stay.stage == stage {
                return;
            }
            stay.left_at = Some(at);
            stay.advanced = pipeline.advances(stay.stage, stage);
        }
        self.stays.push(Stay { stage, entered_at: at, left_at: None, advanced: false });
    }

    fn close(&mut self, closing: Closing) {
        // A later closing event takes the place of an earlier one, also as the end of the last stay.
        if let Some(stay) = self.stays.last_mut() {
            stay.left_at = Some(closing.at);
            stay.advanced = closing.is_won;
        }
        self.closing = Some(closing);
    }

    fn reopen(&mut self, stage: Option<&'a str>, at: i64, pipeline: &StagePipeline) {
        let was_closed = self.closing.take().is_some();
        let again = if was_closed { self.stays.last().map(|stay| stay.stage) } else { None };
        if let Some(stage) = stage.or(again) {
            self.enter(stage, at, pipeline);
        }
    }

    fn status(&self) -> &'static str {
        match self.closing {
            None => "open",
            Some(Closing { is_won: true, .. }) => "won",
            Some(Closing { is_won: false, .. }) => "lost",
        }
    }

    fn fact(&self, opened_at: i64, context: &FoldContext<'_, '_>) -> Fact {
        let stay = self.stays.last();
        let closed_at = self.closing.map(|closing| closing.at);
        let cycle_ms = closed_at.map(|closed_at| closed_at - opened_at);
        Fact::new(
            FactTable::Deals,
            [
                ("deal_id", self.deal_id.into()),
                ("account_id", Scalar::text(self.account_id())),
                ("rep_id", Scalar::text(self.rep_id)),
                ("kind", Scalar::from(self.kind.unwrap_or("new"))),
                ("product", Scalar::text(self.product)),
                ("amount", Scalar::maybe(self.amount, Scalar::Decimal)),
                ("currency", context.currency(self.currency)),
                ("status", self.status().into()),
                ("stage", Scalar::text(stay.map(|stay| stay.stage))),
                ("stage_entered_at", Scalar::maybe(stay.map(|stay| stay.entered_at), Scalar::Instant)),
                ("stage_entered_on", Scalar::maybe(stay.map(|stay| stay.entered_at), |at| context.on(at))),
                ("opened_at", Scalar::Instant(opened_at)),
                ("opened_on", context.on(opened_at)),
                ("closed_at", Scalar::maybe(closed_at, Scalar::Instant)),
                ("closed_on", Scalar::maybe(closed_at, |at| context.on(at))),
                ("expected_close_on", Scalar::maybe(self.expected_close_on, Scalar::Date)),
                ("expires_on", Scalar::maybe(self.expires_on, Scalar::Date)),
                ("cycle_ms", Scalar::maybe(cycle_ms, Scalar::Int)),
                ("cycle_days", Scalar::maybe(cycle_ms, |ms| duration(ms, DAY_MS))),
            ],
        )
    }

    fn stage_fact(&self, index: usize, stay: &Stay<'_>, context: &FoldContext<'_, '_>) -> Fact {
        let duration_ms = stay.left_at.map(|left_at| left_at - stay.entered_at);
        Fact::new(
            FactTable::DealStages,
            [
                ("deal_id", self.deal_id.into()),
                ("stay", Scalar::Int(index as i64 + 1)),
                ("account_id", Scalar::text(self.account_id())),
                ("rep_id", Scalar::text(self.rep_id)),
                ("product", Scalar::text(self.product)),
                ("stage", stay.stage.into()),
                ("entered_at", Scalar::Instant(stay.entered_at)),
                ("entered_on", context.on(stay.entered_at)),
                ("left_at", Scalar::maybe(stay.left_at, Scalar::Instant)),
                ("left_on", Scalar::maybe(stay.left_at, |at| context.on(at))),
                ("duration_ms", Scalar::maybe(duration_ms, Scalar::Int)),
                ("days", Scalar::maybe(duration_ms, |ms| duration(ms, DAY_MS))),
                ("advanced", Scalar::Bool(stay.advanced)),
            ],
        )
    }
}
