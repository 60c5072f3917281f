//! How a connection is made: address, login, transport, and what the session is told first.

use std::{borrow::Cow, time::Duration};

use cairn_registry::{Result, store::postgres::PLANNING};
use tokio_postgres::{Client, Config, Socket, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    driver::Stop,
    failure::{Failure, SILENT},
    pgpass::Passwords,
    tls,
};
use crate::config::model::{self, Tls};

/// For the socket, and for the whole of a connection with its login and what is told first.
const CONNECT: Duration = Duration::from_secs(5);

/// After so long without a word from the other machine it is gone: between packets that nobody acknowledges, and on a
/// connection that says nothing, where it is asked so often.
const GONE: Duration = Duration::from_secs(15);
const ASKED: Duration = Duration::from_secs(5);
const ASKED_TIMES: u32 = 2;

/// Longer than a statement may take, for its way there and back.
const GRACE: Duration = Duration::from_secs(1);

/// Makes connections to one server.
pub(super) struct Connector {
    config: Config,
    /// Lookup of a password that is not configured. The file is read for each connection, so that a rotated
    /// password is found.
    passwords: Option<Passwords>,
    tls: MakeRustlsConnect,
    session: String,
    patience: Duration,
}

/// The half of a connection that moves bytes and has to be polled.
pub(super) type Moving = tokio_postgres::Connection<
    Socket,
    <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<Socket>>::Stream,
>;

impl Connector {
    pub(super) fn new(settings: &model::Postgres) -> Result<Self> {
        let mut config = Config::new();
        config
            .host(&settings.host)
            .port(settings.port)
            .user(&settings.login.user)
            .dbname(&settings.database)
            .application_name("cairn")
            .connect_timeout(CONNECT)
            .tcp_user_timeout(GONE)
            .keepalives_idle(ASKED)
            .keepalives_interval(ASKED)
            .keepalives_retries(ASKED_TIMES)
            .ssl_mode(match settings.tls {
                Tls::Disable => SslMode::Disable,
                Tls::Prefer => SslMode::Prefer,
                Tls::Require | Tls::VerifyCa | Tls::VerifyFull => SslMode::Require,
            });
        let passwords = match &settings.login.password {
            Some(password) => {
                config.password(password.expose());
                None
            }
            None => Some(Passwords::of(settings)),
        };
        if let Some(passwords) = &passwords {
            passwords.check()?;
        }
        let timeout = settings.statement_timeout.as_millis();
        Ok(Self {
            config,
            passwords,
            tls: tls::connector(settings.tls, settings.ca_file.as_deref())?,
            session: format!(
                "SET statement_timeout = {timeout}; SET idle_in_transaction_session_timeout = {timeout}"
            ),
            patience: settings.statement_timeout + GRACE,
        })
    }

    /// How long an answer to a statement may take: the server gives one up before that, if it is there.
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    /// A connection that has logged in. Its second half is not running yet.
    pub(super) async fn connect(&self) -> Result<(Client, Moving), Failure> {
        self.in_time(self.log_in()).await
    }

    /// The same without a limit: to be waited for [in time](Self::in_time), with whatever belongs to it.
    pub(super) async fn log_in(&self) -> Result<(Client, Moving), Failure> {
        let mut config = Cow::Borrowed(&self.config);
        let found = self.passwords.as_ref().map(Passwords::find);
        if let Some(Ok(Some(password))) = &found {
            config.to_mut().password(password.expose());
        }
        let connecting = config.connect(self.tls.clone()).await;
        connecting.map_err(|failure| self.unconnected(failure.into()))
    }

    fn unconnected(&self, failure: Failure) -> Failure {
        match &self.passwords {
            Some(passwords) if failure.lacks_password() => {
                Failure::Unconfigured(passwords.missing())
            }
            _ => failure.unconnected(),
        }
    }

    /// All that a connection needs before its first statement.
    pub(super) async fn in_time<T>(
        &self,
        connecting: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        match tokio::time::timeout(CONNECT, connecting).await {
            Ok(done) => done,
            Err(_) => Err(Failure::Unreachable(
                SILENT,
                "timeout while connecting".to_owned(),
            )),
        }
    }

    /// How that client's server is told to stop.
    pub(super) fn stop(&self, client: &Client) -> Stop {
        Stop {
            token: client.cancel_token(),
            tls: self.tls.clone(),
        }
    }

    /// Tells a new session how to behave.
    pub(super) async fn greet(&self, client: &Client) -> Result<(), Failure> {
        client.batch_execute(&self.session).await?;
        // A server that is not Postgres may know fewer of these settings, and then plans by itself.
        if let Err(refusal) = client.batch_execute(PLANNING).await {
            tracing::debug!(error = %refusal, "the server plans in its own way");
        }
        Ok(())
    }
}
