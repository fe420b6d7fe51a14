#![doc = include_str!("../README.md")]

mod events;
mod fan_out;
mod metered;
mod names;

pub use events::EventCounters;
pub use fan_out::FanOut;
pub use metered::Metered;
pub use names::{DURATION_BUCKETS, EVENTS, PORT_CALL_DURATION, TOKENS_MINTED, describe};
