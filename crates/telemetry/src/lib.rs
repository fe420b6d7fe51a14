#![doc = include_str!("../README.md")]

mod events;
mod metered;
mod metric_names;
mod ports;
mod record;

pub use events::{EventCounters, FanOut};
pub use metered::Metered;
pub use metric_names::{
    BATCHED_CALLS, BATCHES, BINDINGS, BINDINGS_COUNTED, BUILD_INFO, DELIVERIES_STORED, DURATION_BUCKETS,
    EVENTS, GITHUB_CALL_DURATION, GITHUB_JWT_SIGNATURES, GITHUB_RATE_LIMIT, GITHUB_RATE_LIMIT_REMAINING,
    GITHUB_RATE_LIMIT_RESET, LISTENER_REJECTIONS, MISSING_HELD, POOL_CONNECTIONS, POOL_MAX_CONNECTIONS,
    POOL_WAITING, PORT_CALL_DURATION, START_TIME, SWEEP_LAG, TOKEN_CACHE_HITS, TOKENS_MINTED,
    describe_metrics,
};
pub use record::{
    PoolState, record_batches, record_bindings, record_github_call, record_jwt_signature,
    record_listener_rejection, record_pool, record_process, record_rate_left, record_token_cache_hits,
};
