//! Deals: opened, moved through the stages, amended, handed over, won, lost and now and then reopened.

use tidemark_schemas::{
    decimal::Decimal6,
    events::{
        Data,
        payload::{
            ActivityCompleted, DealAmended, DealLost, DealOpened, DealReassigned, DealReopened, DealStageChanged, DealWon,
        },
    },
};

use super::{Simulation, next_id};
use crate::simulate::agenda::{Action, OpenDeal};

/// The stages of `schemas/pipelines/default.toml`.
const STAGES: &[&str] = &["prospecting", "qualification", "engaging", "requirement", "proposal", "negotiation", "contract"];
/// Weight, name and usual price of each product.
const PRODUCTS: &[(u32, (&str, i64))] = &[
    (34, ("Atlas", 12_000)),
    (26, ("Borealis", 30_000)),
    (18, ("Cascade", 75_000)),
    (14, ("Delta", 4_500)),
    (8, ("Ember", 260_000)),
];
const CURRENCIES: &[(u32, Option<&str>)] = &[(91, None), (6, Some("USD")), (3, Some("EUR"))];

#[derive(Clone, Copy)]
enum Turn {
    Forward,
    Back,
    Amended,
    Lost,
}

impl Simulation {
    /// More business with a customer, or the first with an account that has been there for long.
    pub(super) fn deal_with_known_account(&mut self, at: i64, rep: usize) {
        let account = self.organisation.any_account(&mut self.chance, rep);
        let account = account.unwrap_or_else(|| self.create_account(at, rep));
        self.open_deal(at, rep, account);
    }

    pub(super) fn open_deal(&mut self, at: i64, rep: usize, account: usize) -> String {
        let id = next_id("D", &mut self.numbers.deals);
        let (product, price) = self.chance.weighted(PRODUCTS);
        let currency = self.chance.weighted(CURRENCIES);
        let in_thousandths = self.chance.between(600, 1_600) * if currency.is_some() { 140 } else { 1_000 };
        let amount = Decimal6::from_int(price * in_thousandths / 1_000_000);
        let kind = match self.organisation.account(account).is_customer {
            false => "new",
            true => self.chance.weighted(&[(60, "renewal"), (40, "expansion")]),
        };
        let stage = self.chance.weighted(&[(70, 0), (20, 1), (10, 2)]);
        let expected = self.chance.between(20, 90) as u64;
        let opened = DealOpened {
            deal_id: id.clone(),
            name: Some(format!("Simulated {product} deal")),
            kind: Some(kind.to_owned()),
            product: Some(product.to_owned()),
            amount: Some(amount),
            currency: currency.map(str::to_owned),
            stage: Some(STAGES[stage].to_owned()),
            expected_close_on: Some(self.calendar.day_number(at, expected)),
            expires_on: Some(self.calendar.day_number(at, expected + 365)),
        };
        self.say(at, Some(account), Some(rep), Data::DealOpened(opened));
        let deal = OpenDeal { id: id.clone(), account, rep, stage, amount, currency, was_reopened: false };
        self.plan_deal(at, deal);
        id
    }

    fn plan_deal(&mut self, at: i64, deal: OpenDeal) {
        let days = 1.0 + self.chance.exponential(4.5);
        let later = self.calendar.days_later(&mut self.chance, at, days);
        self.agenda.plan(later, Action::Deal(Box::new(deal)));
    }

    pub(super) fn deal_goes_on(&mut self, at: i64, mut deal: OpenDeal) {
        self.reassign(at, &mut deal);
        let is_last = deal.stage + 1 == STAGES.len();
        match self.chance.weighted(&[(84, Turn::Forward), (3, Turn::Back), (4, Turn::Amended), (9, Turn::Lost)]) {
            Turn::Forward if is_last => self.win(at, deal),
            Turn::Forward => {
                let skipped = usize::from(self.chance.percent(12));
                deal.stage = (deal.stage + 1 + skipped).min(STAGES.len() - 1);
                self.enter_stage(at, deal);
            }
            Turn::Back if deal.stage > 0 => {
                deal.stage -= 1;
                self.enter_stage(at, deal);
            }
            Turn::Back | Turn::Amended => self.amend(at, deal),
            Turn::Lost => self.lose(at, deal),
        }
    }

    /// A deal of somebody who has left goes to a colleague.
    fn reassign(&mut self, at: i64, deal: &mut OpenDeal) {
        if self.organisation.reps[deal.rep].has_left {
            deal.rep = self.successor(deal.rep);
            let rep_id = self.organisation.reps[deal.rep].id.clone();
            let reassigned = DealReassigned { deal_id: deal.id.clone(), rep_id };
            self.say(at - 1, Some(deal.account), Some(deal.rep), Data::DealReassigned(reassigned));
        }
    }

    fn enter_stage(&mut self, at: i64, deal: OpenDeal) {
        let changed = DealStageChanged { deal_id: deal.id.clone(), stage: STAGES[deal.stage].to_owned() };
        self.say(at, Some(deal.account), Some(deal.rep), Data::DealStageChanged(changed));
        if STAGES[deal.stage] == "contract" {
            let review = ActivityCompleted {
                activity_id: next_id("X", &mut self.numbers.activities),
                kind: "contract_review".to_owned(),
                deal_id: Some(deal.id.clone()),
                outcome: Some(self.chance.weighted(&[(93, "passed"), (7, "failed")]).to_owned()),
                ..ActivityCompleted::default()
            };
            self.plan_days_later(at, 1.0, Some(deal.account), deal.rep, Data::ActivityCompleted(review));
        }
        self.plan_deal(at, deal);
    }

    fn amend(&mut self, at: i64, mut deal: OpenDeal) {
        deal.amount = Decimal6::from_int(deal.amount.0 as i64 / 1_000_000 * self.chance.between(80, 130) / 100);
        let amended = DealAmended { deal_id: deal.id.clone(), amount: Some(deal.amount), ..DealAmended::default() };
        self.say(at, Some(deal.account), Some(deal.rep), Data::DealAmended(amended));
        self.plan_deal(at, deal);
    }

    fn lose(&mut self, at: i64, mut deal: OpenDeal) {
        let reason = self.chance.one_of(&["price", "competitor", "no decision", "timing"]).to_owned();
        let lost = DealLost { deal_id: deal.id.clone(), reason: Some(reason) };
        self.say(at, Some(deal.account), Some(deal.rep), Data::DealLost(lost));
        if !deal.was_reopened && self.chance.percent(5) {
            deal.was_reopened = true;
            let reopened = DealReopened { deal_id: deal.id.clone(), stage: Some(STAGES[deal.stage].to_owned()) };
            let later = self.calendar.days_later(&mut self.chance, at, 14.0);
            let data = Box::new(Data::DealReopened(reopened));
            self.agenda.plan(later, Action::Say { account: Some(deal.account), rep: Some(deal.rep), data });
            self.plan_deal(later, deal);
        }
    }

    fn win(&mut self, at: i64, mut deal: OpenDeal) {
        let is_negotiated = self.chance.percent(40);
        if is_negotiated {
            deal.amount = Decimal6::from_int(deal.amount.0 as i64 / 1_000_000 * self.chance.between(85, 100) / 100);
        }
        let won = DealWon { deal_id: deal.id.clone(), amount: is_negotiated.then_some(deal.amount), currency: None };
        self.say(at, Some(deal.account), Some(deal.rep), Data::DealWon(won));
        self.organisation.account(deal.account).is_customer = true;
        for (kind, percent, days) in [("nps", 35, 20.0), ("handover", 50, 7.0)] {
            if self.chance.percent(percent) {
                let mut answer = self.answer(kind);
                answer.deal_id = Some(deal.id.clone());
                self.plan_days_later(at, days, Some(deal.account), deal.rep, Data::SurveyAnswered(answer));
            }
        }
        self.ask_for_money(at, &deal);
    }
}
