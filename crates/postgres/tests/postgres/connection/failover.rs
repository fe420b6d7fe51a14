//! Several servers, of which one stops answering.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use dockline::PortErrorKind;
use dockline::ports::{KeyAdmin, KeyStore};
use dockline_postgres::tokio_postgres::NoTls;
use dockline_postgres::{Database, Migrator, PgKeyStore, open_pool, tokio_postgres};

use crate::cluster::Cluster;
use crate::fixtures::key;

/// The time within which calls succeed after a server fell silent, and the deadline of a call.
const FOLLOWED: Duration = Duration::from_secs(5);

fn database(hosts: &[u16], connections: usize) -> Database {
    let hosts: Vec<String> = hosts.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let url = format!("postgres://dockline@{}/postgres?sslmode=prefer", hosts.join(","));
    Database::new(open_pool(&url.into(), connections).unwrap())
}

async fn migrate(cluster: &Cluster) {
    let database = database(&[cluster.port], 1);
    Migrator::new(database.pool().clone(), database.schema().clone()).run().await.unwrap();
}

/// Calls until one call succeeds. Returns the time that it took.
async fn until_found(keys: &PgKeyStore) -> Duration {
    let started = Instant::now();
    let id = key("0123456789ABCDEF", "org_a").id;
    while let Err(error) = keys.find(&id).await {
        assert_eq!(error.kind(), PortErrorKind::Unavailable, "{error:?}");
        assert!(started.elapsed() < 4 * FOLLOWED, "{error:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    started.elapsed()
}

/// With connections open to the server that freezes, and without.
#[tokio::test(flavor = "multi_thread")]
async fn calls_turn_from_a_frozen_server_to_the_next_within_five_seconds() {
    let (first, second) = (Cluster::start(""), Cluster::start(""));
    migrate(&first).await;
    migrate(&second).await;
    let database = database(&[first.port, second.port], 4);
    let keys = PgKeyStore::new(&database);
    let id = key("0123456789ABCDEF", "org_a").id;
    let open = (0..8).map(|_| keys.find(&id));
    for found in futures_util::future::join_all(open).await {
        assert_eq!(found.unwrap(), None);
    }
    first.freeze();
    let took = until_found(&keys).await;
    assert!(took < FOLLOWED, "{took:?}");
    // A process that starts now finds the second server, too, and the running one stays with it.
    let started = self::database(&[first.port, second.port], 4);
    let took = until_found(&PgKeyStore::new(&started)).await;
    assert!(took < FOLLOWED, "{took:?}");
    let at = Instant::now();
    for _ in 0..20 {
        keys.find(&id).await.unwrap();
    }
    assert!(at.elapsed() < Duration::from_secs(1), "{:?}", at.elapsed());
    first.thaw();
}

/// A machine whose kernel accepts connections, or nothing at all, and an address that swallows packets.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_answers_leaves_time_for_the_next() {
    let cluster = Cluster::start("");
    migrate(&cluster).await;
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let keys = PgKeyStore::new(&database(&[silent.local_addr().unwrap().port(), cluster.port], 2));
    let took = until_found(&keys).await;
    assert!(took < FOLLOWED, "{took:?}");
    // The backlog is full, so that the kernel drops further SYNs.
    let full = full_listener();
    let keys = PgKeyStore::new(&database(&[full.0, cluster.port], 2));
    let took = until_found(&keys).await;
    assert!(took < FOLLOWED, "{took:?}");
}

/// Returns the port of a listener that accepts no further connection, and what must live as long.
fn full_listener() -> (u16, Vec<socket2::Socket>) {
    use socket2::{Domain, Socket, Type};
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    listener.bind(&any.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut sockets = vec![listener];
    loop {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        if socket.connect_timeout(&address, Duration::from_millis(300)).is_err() {
            return (address.as_socket().unwrap().port(), sockets);
        }
        sockets.push(socket);
    }
}

/// A standby answers, but only the primary can write; statements that find a server read-only lead on to the next.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_became_read_only_is_left_for_the_one_that_accepts_writes() {
    let (first, second) = (Cluster::start(""), Cluster::start(""));
    migrate(&first).await;
    migrate(&second).await;
    let database = database(&[first.port, second.port], 2);
    let keys = PgKeyStore::new(&database);
    let record = |number: u32| key(&format!("{number:016}"), "org_a");
    assert!(keys.insert(&record(1), "", crate::fixtures::NOON).await.unwrap());
    let url = first.url("sslmode=disable");
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("ALTER SYSTEM SET default_transaction_read_only = on").await.unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    // Open sessions learn of it a moment later.
    let started = Instant::now();
    for number in 2.. {
        match keys.insert(&record(number), "", crate::fixtures::NOON).await {
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.kind(), PortErrorKind::Unavailable);
                break;
            }
        }
        assert!(started.elapsed() < 4 * FOLLOWED);
    }
    assert!(keys.insert(&record(0), "", crate::fixtures::NOON).await.unwrap());
    let rows =
        client.query_one("SELECT count(*) FROM dockline.api_keys WHERE id = '0000000000000000'", &[]).await;
    assert_eq!(rows.unwrap().get::<_, i64>(0), 0, "the first server was written to");
}
