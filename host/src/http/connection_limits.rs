//! Limits the number of connections, and decides which one gives up its place when places run out.
//!
//! An idle connection costs its client nothing, so it must not block other clients either. When places run out, the client
//! with the most connections loses the one that has idled longest. A connection whose request is being answered keeps its
//! place.
//!
//! # Threads
//! One lock guards all seats. It is held only while at most a few hundred seats are searched, and never across an `await`.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::peer::network_of;
use crate::metrics::Connections;

/// The maximum number of connections.
const ALL: usize = 512;

/// The maximum number of connections of one client.
const OF_ONE_CLIENT: usize = 256;

/// How many further connections this machine may have, so that its operator gets through when all others are busy.
const RESERVE: usize = 16;

/// The places of all connections.
pub(super) struct Places {
    seats: Mutex<Seats>,
    counters: Connections,
}

#[derive(Default)]
struct Seats {
    taken: BTreeMap<u64, Seat>,
    /// Counts events. They number the seats and order the idle ones.
    events: u64,
    turned_away: TurnedAway,
}

struct Seat {
    client: Client,
    doing: Doing,
    leave: Arc<Notify>,
}

/// The activity of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    /// It has waited for a request since this event.
    Idles(u64),
    /// A request of it is being answered.
    Works,
}

/// The unit by which connections are counted: an address, or the IPv6 network of one subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Client(IpAddr);

/// The connections closed or refused since the last log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct TurnedAway {
    evicted: u64,
    refused: u64,
}

/// A place, released when it is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    number: u64,
    leave: Arc<Notify>,
}

/// A request is being answered, until this is dropped.
pub(super) struct Working(Arc<Place>);

impl Places {
    pub(super) fn new(counters: Connections) -> Self {
        Self {
            seats: Mutex::default(),
            counters,
        }
    }

    /// A place for a connection of this peer; `None` if there is none, and no idle connection can give one up.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<Arc<Place>> {
        let mut seats = self.lock();
        if !seats.has_room(Client::of(peer)) {
            let may_use_reserve = peer.to_canonical().is_loopback() && seats.taken.len() < ALL + RESERVE;
            if seats.evict_for(Client::of(peer)) {
                self.counters.count_evicted();
            } else if !may_use_reserve {
                seats.turned_away.refused += 1;
                self.counters.count_refused();
                return None;
            }
        }
        let (number, leave) = seats.seat(Client::of(peer));
        self.counters.set_open(seats.taken.len());
        Some(Arc::new(Place {
            places: Arc::clone(self),
            number,
            leave,
        }))
    }

    /// Logs how many connections were closed or refused since the last time, if any.
    pub(super) fn tell(&self) {
        let TurnedAway { evicted, refused } = std::mem::take(&mut self.lock().turned_away);
        if evicted + refused > 0 {
            tracing::warn!(
                evicted,
                refused,
                "too many connections: closed {evicted} idle ones for new ones, refused {refused} new ones"
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seats {
    fn has_room(&self, client: Client) -> bool {
        self.taken.len() < ALL && self.count(client) < OF_ONE_CLIENT
    }

    fn count(&self, client: Client) -> usize {
        self.taken.values().filter(|seat| seat.client == client).count()
    }

    fn seat(&mut self, client: Client) -> (u64, Arc<Notify>) {
        self.events += 1;
        let (number, leave) = (self.events, Arc::new(Notify::new()));
        let seat = Seat {
            client,
            doing: Doing::Idles(number),
            leave: Arc::clone(&leave),
        };
        self.taken.insert(number, seat);
        (number, leave)
    }

    /// Closes the connection that has idled longest: of this client if it has used up its share, else of the client with
    /// the most connections. Returns whether there was one.
    fn evict_for(&mut self, client: Client) -> bool {
        let idlest = match self.count(client) >= OF_ONE_CLIENT {
            true => self.idlest_by_client().remove(&client),
            false => self.idlest_of_largest(),
        };
        let Some(seat) = idlest.and_then(|idlest| self.taken.remove(&idlest.number)) else {
            return false;
        };
        seat.leave.notify_one();
        self.turned_away.evicted += 1;
        true
    }

    fn idlest_of_largest(&self) -> Option<Idlest> {
        let mut by_client: Vec<(Client, Idlest)> = self.idlest_by_client().into_iter().collect();
        by_client.sort_by_key(|(client, idlest)| (std::cmp::Reverse(self.count(*client)), idlest.since));
        by_client.into_iter().map(|(_, idlest)| idlest).next()
    }

    /// The connection of each client that has idled longest.
    fn idlest_by_client(&self) -> BTreeMap<Client, Idlest> {
        let mut idlest = BTreeMap::<Client, Idlest>::new();
        for (number, seat) in &self.taken {
            if let Doing::Idles(since) = seat.doing {
                let found = Idlest { since, number: *number };
                let known = idlest.entry(seat.client).or_insert(found);
                *known = (*known).min(found);
            }
        }
        idlest
    }
}

/// An idle connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Idlest {
    since: u64,
    number: u64,
}

impl Client {
    fn of(peer: IpAddr) -> Self {
        Self(network_of(peer))
    }
}

impl Place {
    /// Marks that a request is being answered.
    pub(super) fn works(self: &Arc<Self>) -> Working {
        self.does(|_| Doing::Works);
        Working(Arc::clone(self))
    }

    /// Returns when another connection needs the place.
    pub(super) async fn is_needed(&self) {
        self.leave.notified().await;
    }

    fn does(&self, doing: impl FnOnce(u64) -> Doing) {
        let mut seats = self.places.lock();
        seats.events += 1;
        let event = seats.events;
        // An evicted connection no longer has a seat.
        if let Some(seat) = seats.taken.get_mut(&self.number) {
            seat.doing = doing(event);
        }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.does(Doing::Idles);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut seats = self.places.lock();
        seats.taken.remove(&self.number);
        self.places.counters.set_open(seats.taken.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn places() -> Arc<Places> {
        Arc::new(Places::new(Metrics::default().connections().clone()))
    }

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(std::net::Ipv4Addr::from_bits(0x0a00_0000 + number))
    }

    fn has_its_place(place: &Place) -> bool {
        place.places.lock().taken.contains_key(&place.number)
    }

    #[test]
    fn a_client_with_its_full_share_gives_up_its_own_places() {
        let places = places();
        let other = places.admit(address(2)).unwrap();
        let held: Vec<_> = (0..2 * OF_ONE_CLIENT)
            .map(|_| places.admit(address(1)).unwrap())
            .collect();
        assert_eq!(held.iter().filter(|place| has_its_place(place)).count(), OF_ONE_CLIENT);
        assert!(has_its_place(held.last().unwrap()) && !has_its_place(&held[0]));
        assert!(has_its_place(&other));
    }

    #[test]
    fn the_largest_client_gives_up_its_longest_idle_connection() {
        let places = places();
        let few: Vec<_> = (0..100).map(|_| places.admit(address(1)).unwrap()).collect();
        let many: Vec<_> = (0..200).map(|_| places.admit(address(2)).unwrap()).collect();
        let rest: Vec<_> = (0..ALL - 300).map(|_| places.admit(address(3)).unwrap()).collect();
        assert_eq!((many.len(), rest.len()), (200, 212));
        // The connection that has just answered has idled for the shortest time.
        drop(rest[0].works());
        let newest = places.admit(address(4)).unwrap();
        assert!(has_its_place(&newest) && has_its_place(&rest[0]) && !has_its_place(&rest[1]));
        assert!(few.iter().chain(&many).all(|place| has_its_place(place)));
    }

    #[test]
    fn a_request_that_is_answered_keeps_its_place_and_this_machine_has_a_reserve() {
        let places = places();
        let clients = (0..ALL as u32).map(|number| places.admit(address(number)).unwrap());
        let working: Vec<_> = clients.map(|place| place.works()).collect();
        assert!(places.admit(address(1_000_000)).is_none());
        let here: Vec<_> = (0..RESERVE).map(|_| places.admit(HERE).unwrap().works()).collect();
        assert!(places.admit(HERE).is_none());
        drop(here);
        assert!(places.admit(HERE).is_some());
        drop(working);
        assert!(places.admit(address(1_000_000)).is_some());
    }

    #[test]
    fn a_network_of_one_subscriber_is_one_client() {
        let client = |text: &str| Client::of(text.parse().unwrap());
        assert_eq!(client("2001:db8::1"), client("2001:db8::ffff:1"));
        assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
        assert_eq!(client("::ffff:10.0.0.1"), client("10.0.0.1"));
        assert_ne!(client("10.0.0.1"), client("10.0.0.2"));
    }
}
