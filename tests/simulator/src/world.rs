//! State behind the endpoint: accounts, notebooks, credentials, faults, counters. One short lock
//! guards it, and so gives all writes one order.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use crate::{
    Assumptions, Fleet, Notebook, Platforms, Status, Timings,
    fault::active::Faults,
    fleet::Account,
    instance::{Changes, Clock, Course, End, Instance, Settled, Transition},
    ledger::Ledger,
    regions,
    sessions::Sessions,
};

/// Notebooks of one account and region.
#[derive(Debug, Default)]
pub(crate) struct Holding {
    pub(crate) instances: BTreeMap<String, Instance>,
    /// Names of the notebooks with a transition in progress or a lag. Only these need to be
    /// settled.
    moving: BTreeSet<String>,
}

#[derive(Debug)]
struct Tenant {
    account: Account,
    holdings: HashMap<String, Holding>,
}

#[derive(Debug)]
pub(crate) struct World {
    tenants: HashMap<String, Tenant>,
    pub(crate) clock: Clock,
    pub(crate) timings: Timings,
    pub(crate) platforms: Platforms,
    pub(crate) assumptions: Assumptions,
    speed: f64,
    pub(crate) sessions: Sessions,
    pub(crate) faults: Faults,
    pub(crate) ledger: Ledger,
}

impl World {
    pub(crate) fn new(fleet: Fleet, options: &crate::Options) -> Self {
        let mut world = Self {
            tenants: HashMap::new(),
            clock: Clock::start(),
            timings: fleet.timings,
            platforms: fleet.platforms,
            assumptions: fleet.assumptions,
            speed: options.speed,
            sessions: Sessions::new(fleet.home, options.session_lifetime),
            faults: Faults::default(),
            ledger: Ledger::new(options.request_log),
        };
        let home = world.sessions.home().account.clone();
        world.put_account(Account::new(&home));
        for account in fleet.accounts {
            world.put_account(account);
        }
        for notebook in fleet.notebooks {
            world.put_notebook(notebook);
        }
        for fault in fleet.faults {
            world.faults.add(fault);
        }
        world
    }

    /// Adds an account, or replaces its roles and regions. Its notebooks stay.
    pub(crate) fn put_account(&mut self, account: Account) {
        let id = account.id.clone();
        let holdings = self.tenants.remove(&id).map(|tenant| tenant.holdings);
        let holdings = holdings.unwrap_or_default();
        self.tenants.insert(id, Tenant { account, holdings });
    }

    pub(crate) fn account(&self, id: &str) -> Option<&Account> {
        self.tenants.get(id).map(|tenant| &tenant.account)
    }

    pub(crate) fn region_enabled(&self, account: &str, region: &str) -> bool {
        let regions = self
            .account(account)
            .and_then(|account| account.regions.as_ref());
        match regions {
            Some(enabled) => enabled.iter().any(|name| name == region),
            None => regions::enabled_by_default(region),
        }
    }

    /// Adds or replaces a notebook, and adds its account if it is missing.
    pub(crate) fn put_notebook(&mut self, notebook: Notebook) {
        if !self.tenants.contains_key(&notebook.account) {
            self.put_account(Account::new(&notebook.account));
        }
        let Some(tenant) = self.tenants.get_mut(&notebook.account) else {
            return;
        };
        let holding = tenant.holdings.entry(notebook.region.clone()).or_default();
        holding.moving.remove(&notebook.name);
        let name = notebook.name.clone();
        holding.instances.insert(name, Instance::new(notebook));
    }

    pub(crate) fn remove_notebook(&mut self, account: &str, region: &str, name: &str) -> bool {
        self.holding(account, region, Instant::now())
            .is_some_and(|holding| holding.instances.remove(name).is_some())
    }

    /// Returns the present notebooks of an account and region, or `None` if there was never one.
    pub(crate) fn holding(
        &mut self,
        account: &str,
        region: &str,
        now: Instant,
    ) -> Option<&mut Holding> {
        let holding = self.tenants.get_mut(account)?.holdings.get_mut(region)?;
        let Holding { instances, moving } = holding;
        moving.retain(|name| {
            let Some(instance) = instances.get_mut(name) else {
                return false;
            };
            match instance.settle(now, &self.clock, &self.assumptions) {
                Settled::Still => instance.is_stale(),
                Settled::Moving => true,
                Settled::Vanished => {
                    instances.remove(name);
                    false
                }
            }
        });
        Some(holding)
    }

    pub(crate) fn instance(
        &mut self,
        account: &str,
        region: &str,
        name: &str,
        now: Instant,
    ) -> Option<&mut Instance> {
        self.holding(account, region, now)?.instances.get_mut(name)
    }

    /// Begins an accepted call or an owner's act.
    pub(crate) fn begin(
        &mut self,
        (account, region, name): (&str, &str, &str),
        transition: Transition,
        end: Option<End>,
        now: Instant,
    ) {
        let course = self.course(transition, end);
        let (clock, assumptions) = (self.clock, self.assumptions.clone());
        let Some(holding) = self.holding(account, region, now) else {
            return;
        };
        if let Some(instance) = holding.instances.get_mut(name) {
            instance.begin(transition, course, now, &clock, &assumptions);
            holding.moving.insert(name.to_owned());
        }
    }

    /// Returns all present notebooks, sorted by account, region and name.
    pub(crate) fn notebooks(&mut self) -> Vec<Notebook> {
        let now = Instant::now();
        let places = self.tenants.iter().flat_map(|(account, tenant)| {
            let regions = tenant.holdings.keys();
            regions.map(move |region| (account.clone(), region.clone()))
        });
        let places: BTreeSet<(String, String)> = places.collect();
        let mut notebooks = Vec::new();
        for (account, region) in places {
            if let Some(holding) = self.holding(&account, &region, now) {
                notebooks.extend(holding.instances.values().map(|it| it.record.clone()));
            }
        }
        notebooks
    }

    pub(crate) fn timestamp(&self, now: Instant) -> Timestamp {
        self.clock.timestamp(now)
    }

    fn course(&self, transition: Transition, end: Option<End>) -> Course {
        let timings = &self.timings;
        let (takes, lag, usual) = match transition {
            Transition::Stop => (timings.stop, timings.lag, End::Reach(Status::Stopped)),
            Transition::Start => (timings.start, timings.lag, End::Reach(Status::InService)),
            Transition::Update => (
                timings.update,
                timings.update_lag,
                End::Apply(Changes::default()),
            ),
            Transition::Delete => (timings.delete, timings.lag, End::Vanish),
        };
        Course {
            takes: self.scaled(takes),
            lag: self.scaled(lag),
            end: end.unwrap_or(usual),
        }
    }

    fn scaled(&self, duration: Duration) -> Duration {
        let scaled = Duration::try_from_secs_f64(duration.as_secs_f64() / self.speed);
        scaled.unwrap_or(duration)
    }
}
