//! A TCP proxy inside a test: it may lead elsewhere, take its time, hold everything back, or cut. With several targets it
//! takes them in turn, and passes over one that refuses the connection, as a load balancer does.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// How long a target may take to accept.
const CONNECT: Duration = Duration::from_secs(2);

/// A proxy that lives as long as the value.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    way: Mutex<Way>,
    changed: Condvar,
    turn: AtomicUsize,
    over: AtomicBool,
}

/// What becomes of connections and bytes.
#[derive(Default)]
struct Way {
    targets: Vec<String>,
    /// Before each piece is passed on.
    delay: Duration,
    held: bool,
    /// Connections up to this number pass nothing any more.
    stranded: u64,
    /// Both ends of each connection.
    open: HashMap<u64, [TcpStream; 2]>,
    taken: u64,
}

impl Proxy {
    /// A proxy to one of these, each given as host and port.
    #[must_use]
    pub fn to(targets: &[String]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::<State>::default();
        state.way().targets = targets.to_vec();
        let taken = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if taken.over.load(Ordering::Acquire) {
                    return;
                }
                let state = Arc::clone(&taken);
                thread::spawn(move || state.join(&stream));
            }
        });
        Self { address, state }
    }

    /// A proxy to a server on this machine.
    #[must_use]
    pub fn to_port(port: u16) -> Self {
        Self::to(&[format!("127.0.0.1:{port}")])
    }

    #[must_use]
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on it leads there; connections that are open stay as they are.
    pub fn lead_to(&self, targets: &[String]) {
        self.state.way().targets = targets.to_vec();
    }

    /// Each piece of bytes takes so much longer, in either direction.
    pub fn delay(&self, delay: Duration) {
        self.state.way().delay = delay;
    }

    /// Nothing passes any more, and nobody is told.
    pub fn hold(&self) {
        self.state.way().held = true;
    }

    /// The connections that are open pass nothing any more, and nobody is told; new ones do.
    pub fn strand(&self) {
        let mut way = self.state.way();
        way.stranded = way.taken;
    }

    /// What was held back passes.
    pub fn release(&self) {
        let mut way = self.state.way();
        (way.held, way.stranded) = (false, 0);
        drop(way);
        self.state.changed.notify_all();
    }

    /// Ends all connections that are open.
    pub fn cut(&self) {
        for (_, ends) in self.state.way().open.drain() {
            for end in ends {
                let _ = end.shutdown(Shutdown::Both);
            }
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::Release);
        self.release();
        self.cut();
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

impl Way {
    fn keep(&mut self, ends: [TcpStream; 2]) -> u64 {
        self.taken += 1;
        self.open.insert(self.taken, ends);
        self.taken
    }
}

impl State {
    fn way(&self) -> MutexGuard<'_, Way> {
        self.way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits as long as nothing of that connection may pass, then as long as it takes.
    fn pass(&self, number: u64) {
        let held = |way: &mut Way| {
            (way.held || number <= way.stranded) && !self.over.load(Ordering::Acquire)
        };
        let way = self
            .changed
            .wait_while(self.way(), held)
            .unwrap_or_else(PoisonError::into_inner);
        let delay = way.delay;
        drop(way);
        thread::sleep(delay);
    }

    fn join(self: &Arc<Self>, client: &TcpStream) {
        self.pass(u64::MAX);
        // Dropped without a target, the connection is closed: nobody is there.
        let Some(server) = self.connect() else {
            return;
        };
        let both = || Some([client.try_clone().ok()?, server.try_clone().ok()?]);
        let (Some(ends), Some([from, to])) = (both(), both()) else {
            return;
        };
        let number = self.way().keep(ends);
        let state = Arc::clone(self);
        let back = thread::spawn(move || state.pump(number, to, from));
        if let Some([from, to]) = both() {
            self.pump(number, from, to);
        }
        let _ = back.join();
        self.way().open.remove(&number);
    }

    fn connect(&self) -> Option<TcpStream> {
        let targets = self.way().targets.clone();
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let in_turn = (0..targets.len()).map(|at| &targets[(first + at) % targets.len()]);
        let connect = |target: &String| {
            let stream = TcpStream::connect_timeout(&target.parse().ok()?, CONNECT).ok()?;
            stream.set_nodelay(true).ok()?;
            Some(stream)
        };
        in_turn.into_iter().find_map(connect)
    }

    /// Passes bytes on until there are no more.
    fn pump(&self, number: u64, mut from: TcpStream, mut to: TcpStream) {
        let _ = from.set_nodelay(true);
        let mut piece = vec![0; 16 << 10];
        loop {
            match from.read(&mut piece) {
                Ok(0) => break drop(to.shutdown(Shutdown::Write)),
                Ok(size) => {
                    self.pass(number);
                    if to.write_all(&piece[..size]).is_err() {
                        break drop(from.shutdown(Shutdown::Both));
                    }
                }
                // One that was reset is cut on the other side too.
                Err(_) => break drop(to.shutdown(Shutdown::Both)),
            }
        }
    }
}
