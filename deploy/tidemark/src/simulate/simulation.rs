//! The simulation itself: day by day reps get something to do, what they do leads to more, and the events of it come
//! out in the order of their arrival. Memory holds what is still to happen, not what has happened.

use chrono::NaiveDate;
use tidemark_schemas::events::{Data, Event};

use super::{
    agenda::{Action, Agenda},
    calendar::Calendar,
    chance::Chance,
    organisation::{Organisation, account_id},
    outbox::Outbox,
    settings::Settings,
    story::Numbers,
};

/// Events of one organisation, in the order of their arrival.
pub(super) struct Simulation {
    pub(super) settings: Settings,
    pub(super) chance: Chance,
    pub(super) calendar: Calendar,
    pub(super) organisation: Organisation,
    pub(super) agenda: Agenda,
    pub(super) numbers: Numbers,
    outbox: Outbox,
    /// The next day to be planned; none after the last.
    next_day: Option<NaiveDate>,
    /// Routine actions so far, from which the number needed is reckoned.
    actions: u64,
    given_out: u64,
}

/// Events that come of one routine action in the long run, before there is experience.
const EVENTS_PER_ACTION: f64 = 3.0;
/// Routine actions that this guess is worth.
const GUESS_WEIGHT: f64 = 200.0;

impl Simulation {
    pub(super) fn new(settings: Settings) -> Self {
        let calendar = Calendar::new(settings.time_zone, settings.from, settings.days);
        let mut simulation = Self {
            chance: Chance::new(settings.seed, settings.tenant),
            organisation: Organisation::new(settings.reps),
            agenda: Agenda::default(),
            numbers: Numbers::default(),
            outbox: Outbox::new(calendar.end_ms()),
            next_day: Some(calendar.first()),
            actions: 0,
            given_out: 0,
            calendar,
            settings,
        };
        simulation.found();
        simulation
    }

    /// Something happens and is entered in the CRM as things are: see [`Outbox::send`].
    pub(super) fn say(&mut self, at: i64, account: Option<usize>, rep: Option<usize>, data: Data) {
        let event = self.event(at, account, rep, data);
        self.outbox.send(&mut self.chance, event, self.organisation.accounts());
    }

    /// As [`Self::say`], without anything that goes wrong.
    pub(super) fn state(&mut self, at: i64, account: Option<usize>, rep: Option<usize>, data: Data) {
        let event = self.event(at, account, rep, data);
        self.outbox.send_perfect(event);
    }

    fn event(
        &self,
        at: i64,
        account: Option<usize>,
        rep: Option<usize>,
        data: Data,
    ) -> (Option<String>, Option<String>, i64, Data) {
        (account.map(account_id), rep.map(|rep| self.organisation.reps[rep].id.clone()), at, data)
    }

    /// Gives every rep something to do on a day, so that the number of events comes out in the end.
    fn plan_day(&mut self, date: NaiveDate) {
        self.begin_day(date);
        if !self.calendar.is_working(date) {
            return;
        }
        let missing = self.settings.events.saturating_sub(self.outbox.sent);
        let actions = match self.calendar.working_days_from(date) {
            // Every action makes an event at once, so that none is missing in the end.
            1 => missing,
            days_left => {
                let (sent, done) = (self.outbox.sent as f64, self.actions as f64);
                let expected = (EVENTS_PER_ACTION * GUESS_WEIGHT + sent) / (GUESS_WEIGHT + done);
                self.chance.poisson(missing as f64 / days_left as f64 / expected)
            }
        };
        let sellers: Vec<usize> =
            (0..self.organisation.reps.len()).filter(|rep| !self.organisation.reps[*rep].has_left).collect();
        for _ in 0..actions {
            let rep = self.chance.one_of(&sellers);
            let at = self.calendar.working_time(&mut self.chance, date);
            self.agenda.plan(at, Action::Routine { rep });
        }
        self.actions += actions;
    }

    /// Lets the next thing happen; false when nothing is left.
    fn step(&mut self) -> bool {
        let day_starts_at = self.next_day.map(|day| self.calendar.at(day, 0));
        match (self.agenda.next_at(), day_starts_at) {
            (next_at, Some(starts_at)) if next_at.is_none_or(|at| at >= starts_at) => {
                let day = self.next_day.take();
                self.next_day = day.and_then(|day| day.succ_opt()).filter(|next| *next <= self.calendar.last());
                day.into_iter().for_each(|day| self.plan_day(day));
            }
            (Some(next_at), _) if next_at < self.calendar.end_ms() => {
                if let Some((at, action)) = self.agenda.pop() {
                    self.act(at, action);
                }
            }
            _ => return false,
        }
        true
    }

    /// Nothing that is still to happen arrives before this.
    fn horizon(&self) -> i64 {
        let next_day = self.next_day.map(|day| self.calendar.at(day, 0));
        self.agenda.next_at().into_iter().chain(next_day).min().unwrap_or(i64::MAX).min(self.calendar.end_ms())
    }
}

impl Iterator for Simulation {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        if self.given_out >= self.settings.events {
            return None;
        }
        loop {
            if let Some(event) = self.outbox.next_before(self.horizon()) {
                self.given_out += 1;
                return Some(event);
            }
            if !self.step() {
                return None;
            }
        }
    }
}
