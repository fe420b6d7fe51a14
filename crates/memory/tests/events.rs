//! What `Events` promises, kept by `MemoryEvents`.

#![expect(clippy::unwrap_used, reason = "fixtures are valid")]

use std::thread;

use dockline::ports::{Event, Events};
use dockline::{InstallationId, OrganizationId};
use dockline_memory::MemoryEvents;

fn detached(number: u64) -> Event {
    Event::Detached {
        actor: "user:ann".parse().unwrap(),
        organization: OrganizationId::new("org_acme").unwrap(),
        installation: InstallationId::new(number).unwrap(),
        uninstalled: false,
    }
}

#[test]
fn events_come_back_in_the_order_in_which_they_were_told() {
    let events = MemoryEvents::default();
    for number in 1..=3 {
        events.record(&detached(number));
    }
    assert_eq!(events.recorded(), [detached(1), detached(2), detached(3)]);
    assert_eq!(events.dropped(), 0);
}

#[test]
fn a_full_ring_drops_the_oldest_and_counts_it() {
    let events = MemoryEvents::new(2);
    for number in 1..=5 {
        events.record(&detached(number));
    }
    assert_eq!(events.recorded(), [detached(4), detached(5)]);
    assert_eq!(events.dropped(), 3);
}

#[test]
fn a_ring_without_room_keeps_nothing_and_does_not_fail() {
    let events = MemoryEvents::new(0);
    events.record(&detached(1));
    assert_eq!(events.recorded(), []);
    assert_eq!(events.dropped(), 1);
}

#[test]
fn a_clone_tells_what_the_original_was_told() {
    let events = MemoryEvents::default();
    events.clone().record(&detached(1));
    assert_eq!(events.recorded(), [detached(1)]);
}

#[test]
fn no_event_of_concurrent_callers_is_lost_uncounted() {
    let events = MemoryEvents::new(100);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| (1..=50).for_each(|number| events.record(&detached(number))));
        }
    });
    assert_eq!(events.recorded().len(), 100);
    assert_eq!(events.dropped(), 16 * 50 - 100);
}
