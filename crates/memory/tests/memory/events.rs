//! `MemoryEvents`.

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
fn events_are_returned_in_the_order_of_recording() {
    let events = MemoryEvents::default();
    for number in 1..=3 {
        events.record(&detached(number));
    }
    assert_eq!(events.recorded(), [detached(1), detached(2), detached(3)]);
    assert_eq!(events.dropped(), 0);
}

#[test]
fn the_oldest_events_are_dropped_and_counted_if_the_capacity_is_exceeded() {
    let events = MemoryEvents::new(2);
    for number in 1..=5 {
        events.record(&detached(number));
    }
    assert_eq!(events.recorded(), [detached(4), detached(5)]);
    assert_eq!(events.dropped(), 3);
}

#[test]
fn with_capacity_zero_every_event_is_dropped_and_counted() {
    let events = MemoryEvents::new(0);
    events.record(&detached(1));
    assert_eq!(events.recorded(), []);
    assert_eq!(events.dropped(), 1);
}

#[test]
fn clones_share_their_events() {
    let events = MemoryEvents::default();
    events.clone().record(&detached(1));
    assert_eq!(events.recorded(), [detached(1)]);
}

#[test]
fn concurrent_events_are_all_kept_or_counted() {
    let events = MemoryEvents::new(100);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| (1..=50).for_each(|number| events.record(&detached(number))));
        }
    });
    assert_eq!(events.recorded().len(), 100);
    assert_eq!(events.dropped(), 16 * 50 - 100);
}
