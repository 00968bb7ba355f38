//! A connection to PostgreSQL whose every step ends in time.
//!
//! # Threads
//! A session has no thread. Its connection makes progress while the thread that uses it waits for an answer.

use std::{future::Future, time::Duration};

use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};
use tokio_postgres::{Client, Config, NoTls, Row, Socket, config::SslMode, tls::MakeTlsConnect, types::ToSql};

use super::{
    SCHEMA,
    address::{PostgresAddress, Tls},
    conninfo::{KEEPALIVE_COUNT, KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, UNCONFIRMED, settings_of_the_server},
    error::PostgresError,
    password, trust,
};

/// What one opening of a connection gives.
type Opened = Result<Client, tokio_postgres::Error>;

/// A connection to PostgreSQL for one thread at a time.
pub struct Session {
    client: Client,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    place: String,
    limit: Duration,
}

/// How long the parts of a session may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A statement, as PostgreSQL measures it.
    pub statement: Duration,
    /// The wait of a statement for a lock.
    pub lock: Duration,
    /// An answer of PostgreSQL, as this machine measures it.
    pub answer: Duration,
}

impl Limits {
    /// The same for each part.
    #[must_use]
    pub const fn each(limit: Duration) -> Self {
        Self {
            statement: limit,
            lock: limit,
            answer: limit,
        }
    }
}

impl Session {
    /// Opens a connection of this name, which people see in `pg_stat_activity`.
    ///
    /// # Errors
    /// When the server cannot be reached, or does not let this host in.
    pub fn open(address: &PostgresAddress, application_name: &str, limits: Limits) -> Result<Self, PostgresError> {
        let config = config(address, application_name, limits)?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(PostgresError::Start)?;
        let opened = match &address.tls {
            Tls::Disabled => connect(&runtime, address, &config, NoTls),
            Tls::VerifyFull(roots) => connect(&runtime, address, &config, trust::connector(roots)?),
        };
        match opened {
            Ok(client) => Ok(Self {
                client,
                runtime: Some(runtime),
                place: address.place(),
                limit: limits.answer,
            }),
            Err(error) => {
                // A look-up of a name may hang, and nothing ends it.
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// Runs a statement and gives its rows. `doing` completes "cannot ..." in an error.
    ///
    /// # Errors
    /// When the server refuses it, or does not answer in time. In the second case, the connection is of no use any more.
    pub fn query(
        &mut self,
        doing: &'static str,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, PostgresError> {
        self.wait(doing, self.client.query(sql, parameters))
    }

    /// Runs a statement that always gives a row, and gives the first one.
    ///
    /// # Errors
    /// As for [`query`](Self::query), and when there is none.
    pub fn row(
        &mut self,
        doing: &'static str,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, PostgresError> {
        let rows = self.query(doing, sql, parameters)?;
        rows.into_iter().next().ok_or_else(|| PostgresError::NoRow {
            doing,
            place: self.place.clone(),
        })
    }

    /// Runs a statement and gives the number of rows that it changed.
    ///
    /// # Errors
    /// As for [`query`](Self::query).
    pub fn execute(
        &mut self,
        doing: &'static str,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, PostgresError> {
        self.wait(doing, self.client.execute(sql, parameters))
    }

    /// Runs several statements without parameters. They are one transaction, unless they say otherwise.
    ///
    /// # Errors
    /// As for [`query`](Self::query).
    pub fn batch(&mut self, doing: &'static str, sql: &str) -> Result<(), PostgresError> {
        self.wait(doing, self.client.batch_execute(sql))
    }

    /// Runs work in a transaction, which ends with it: well or not at all.
    ///
    /// # Errors
    /// Those of the work, and as for [`query`](Self::query).
    pub fn in_transaction<T>(
        &mut self,
        doing: &'static str,
        work: impl FnOnce(&mut Self) -> Result<T, PostgresError>,
    ) -> Result<T, PostgresError> {
        self.batch(doing, "BEGIN")?;
        let done = work(self).and_then(|value| self.batch(doing, "COMMIT").map(|()| value));
        // A server that does not answer would not answer this either. It rolls back when the connection ends.
        if let Err(PostgresError::Statement { .. } | PostgresError::NoRow { .. }) = done {
            drop(self.batch(doing, "ROLLBACK"));
        }
        done
    }

    fn wait<T>(
        &self,
        doing: &'static str,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, PostgresError> {
        let place = || self.place.clone();
        let no_answer = || PostgresError::NoAnswer {
            doing,
            place: place(),
            limit: self.limit,
        };
        let runtime = self.runtime.as_ref().ok_or_else(no_answer)?;
        let answer = runtime.block_on(async { timeout(self.limit, answer).await });
        let answer = answer.map_err(|_| no_answer())?;
        answer.map_err(|error| PostgresError::statement(doing, &self.place, &error))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn config(address: &PostgresAddress, application_name: &str, limits: Limits) -> Result<Config, PostgresError> {
    let mut config = Config::new();
    config
        .user(&address.user)
        .dbname(&address.database)
        .host(address.endpoint.host())
        .port(address.endpoint.port())
        .connect_timeout(address.connect_timeout)
        .application_name(application_name)
        .keepalives(true)
        .keepalives_idle(KEEPALIVE_IDLE)
        .keepalives_interval(KEEPALIVE_INTERVAL)
        .keepalives_retries(KEEPALIVE_COUNT)
        .tcp_user_timeout(UNCONFIRMED)
        .options(format!(
            "{} -c search_path={SCHEMA} -c statement_timeout={} -c lock_timeout={} -c idle_in_transaction_session_timeout={}",
            settings_of_the_server(),
            limits.statement.as_millis(),
            limits.lock.as_millis(),
            limits.answer.as_millis(),
        ))
        .ssl_mode(match address.tls {
            Tls::Disabled => SslMode::Disable,
            Tls::VerifyFull(_) => SslMode::Require,
        });
    if let Some(password) = password::find(address)? {
        config.password(password);
    }
    Ok(config)
}

fn connect<T>(runtime: &Runtime, address: &PostgresAddress, config: &Config, tls: T) -> Result<Client, PostgresError>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let opening = async {
        let (client, connection) = config.connect(tls).await?;
        // The connection ends with the runtime. What is wrong with it, each statement says.
        tokio::spawn(async { drop(connection.await) });
        Opened::Ok(client)
    };
    let limit = address.connect_timeout;
    let opened = runtime.block_on(async { timeout(limit, opening).await });
    let no_answer = |_| PostgresError::NoAnswer {
        doing: "connect",
        place: address.place(),
        limit,
    };
    let opened: Opened = opened.map_err(no_answer)?;
    opened.map_err(|error| PostgresError::connecting(address, &error))
}
