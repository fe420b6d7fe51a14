//! What `doctor` says about the database.

use secrecy::ExposeSecret;

use super::doctor::{Change, Setup, UNCHANGED};
use crate::api::Backend;
use crate::server::{Server, dockline};

#[tokio::test(flavor = "multi_thread")]
async fn problems_of_the_database_are_reported() {
    let setup = Setup::complete().await;
    let unreachable: Change<'_> =
        &[("DOCKLINE_DATABASE_URL", "postgres://u:canary@127.0.0.1:1/d?connect_timeout=2")];
    setup.expect(unreachable, "database", "fail", "onnect");
    let empty: Change<'_> = &[("DOCKLINE_DATABASE_SCHEMA", "not_there")];
    setup.expect(empty, "database schema not_there", "warn", "has version 0; serve will migrate it to");
    let checked: Change<'_> = &[("DOCKLINE_DATABASE_SCHEMA", "not_there"), ("DOCKLINE_MIGRATIONS", "check")];
    setup.expect(checked, "database schema not_there", "fail", "has version 0");
    let many: Change<'_> = &[("DOCKLINE_DATABASE_CONNECTIONS", "100000")];
    setup.expect(many, "database connections", "warn", "100000 per node");
    let never: Change<'_> = &[("DOCKLINE_RECONCILE_EVERY", "0")];
    setup.expect(never, "sweep", "warn", "turned off");
}

#[tokio::test(flavor = "multi_thread")]
async fn late_sweep_is_reported() {
    let setup = Setup::complete().await;
    let Setup { schema, github } = &setup;
    let server = Server::start(schema, github, "127.0.0.1:0");
    let backend = Backend::new(schema.key("org_1").await);
    let installation = github.install("olga");
    let state = backend.state(&server.api).await;
    assert_eq!(backend.register(&server.api, installation, &state).await.unwrap().status, 201);
    setup.expect(UNCHANGED, "sweep", "ok", "the first look at a binding is due at");
    schema.execute("update $schema.installations set next_look_at = next_look_at - interval '2 hours'").await;
    setup.expect(UNCHANGED, "sweep", "warn", "more than 1980 s ago");
}

#[tokio::test(flavor = "multi_thread")]
async fn database_in_another_encoding_is_refused_by_migrate_and_reported_by_doctor() {
    let setup = Setup::complete().await;
    let latin = format!("{}_latin1", setup.schema.name);
    let create =
        format!("create database {latin} encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0");
    setup.schema.execute(&create).await;
    let mut url = reqwest::Url::parse(setup.schema.url.expose_secret()).unwrap();
    url.set_path(&latin);
    let url = url.to_string();
    let mut migrate = dockline(&setup.schema, &["migrate"]);
    let ended = migrate.env("DOCKLINE_DATABASE_URL", &url).output().unwrap();
    let stderr = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.code() == Some(1) && stderr.contains("has the encoding LATIN1"), "{stderr}");
    let change: Change<'_> = &[("DOCKLINE_DATABASE_URL", &url)];
    setup.expect(change, "database encoding", "fail", "LATIN1");
    setup.expect(UNCHANGED, "database encoding", "ok", "UTF8");
    setup.schema.execute(&format!("drop database {latin} with (force)")).await;
}

/// The process behind a connection is not the one that the login named.
#[tokio::test(flavor = "multi_thread")]
async fn prepared_statements_behind_a_pooler_are_reported() {
    let setup = Setup::complete().await;
    setup.expect(UNCHANGED, "database statements", "ok", "prepared, without a pooler");
    let url = behind_a_pooler(setup.schema.url.expose_secret()).await;
    let pooled: Change<'_> = &[("DOCKLINE_DATABASE_URL", &url)];
    setup.expect(pooled, "database statements", "ok", "unnamed, behind a pooler");
    let prepared: Change<'_> =
        &[("DOCKLINE_DATABASE_URL", &url), ("DOCKLINE_DATABASE_STATEMENTS", "prepared")];
    setup.expect(prepared, "database statements", "warn", "prepared, behind a pooler");
}

/// Returns the URL of a proxy that, like a pooler, gives each connection a cancel key of its own.
async fn behind_a_pooler(url: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    let mut url = reqwest::Url::parse(url).unwrap();
    let database = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
    url.set_query(Some("sslmode=disable"));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&database).await.unwrap();
            let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
                (client.into_split(), server.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
            tokio::spawn(async move {
                loop {
                    let mut header = [0; 5];
                    from_server.read_exact(&mut header).await?;
                    let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]);
                    let mut message = vec![0; length as usize - 4];
                    from_server.read_exact(&mut message).await?;
                    if header[0] == b'K' {
                        message[3] ^= 1;
                    }
                    to_client.write_all(&[&header[..], &message].concat()).await?;
                    if header[0] == b'K' {
                        break;
                    }
                }
                tokio::io::copy(&mut from_server, &mut to_client).await
            });
        }
    });
    url.into()
}
