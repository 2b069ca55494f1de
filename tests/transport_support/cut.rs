//! A wire that breaks, or changes a byte, on the way to the client.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::thread;

use socket2::Socket;

use super::listen::{Place, Server};

/// What happens to the bytes for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// The connection ends in front of the byte with this number.
    Cut(usize),
    /// All bits of this byte are the other way round.
    Flip(usize),
}

/// The running wire to a server.
pub struct Wire {
    server: Server,
}

impl Wire {
    /// A wire to the server at `port`; each connection suffers the same.
    pub fn start(port: u16, damage: Damage) -> Wire {
        let server = Server::start(Place::V4, move |socket| drop(serve(socket, port, damage)));
        Wire { server }
    }

    pub fn port(&self) -> u16 {
        self.server.port()
    }
}

fn serve(client: Socket, port: u16, damage: Damage) -> io::Result<()> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    server.set_nodelay(true)?;
    client.set_read_timeout(None)?;
    let (client, server) = (&client, &server);
    thread::scope(|scope| {
        scope.spawn(move || {
            let _ = io::copy(&mut &*client, &mut &*server);
            let _ = server.shutdown(Shutdown::Write);
        });
        let _ = deliver(server, client, damage);
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
    });
    Ok(())
}

fn deliver(mut server: &TcpStream, mut client: &Socket, damage: Damage) -> io::Result<()> {
    let mut at = 0;
    let mut chunk = [0; 4096];
    loop {
        let count = server.read(&mut chunk)?;
        let mut chunk = &mut chunk[..count];
        if chunk.is_empty() {
            return Ok(());
        }
        let here = |place: usize| place.checked_sub(at).filter(|&place| place < count);
        match damage {
            Damage::Cut(place) => {
                if let Some(place) = here(place) {
                    chunk = &mut chunk[..place];
                }
            }
            Damage::Flip(place) => {
                if let Some(place) = here(place) {
                    chunk[place] ^= 0xFF;
                }
            }
        }
        client.write_all(chunk)?;
        at += count;
        if matches!(damage, Damage::Cut(place) if place < at) {
            return Ok(());
        }
    }
}
