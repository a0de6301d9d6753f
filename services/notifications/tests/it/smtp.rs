//! A mail server: as much of RFC 5321 as a client sees, and moods.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// How it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// 250.
    Accept,
    /// This instead of a greeting.
    RefuseUs(&'static str),
    /// This to the sender.
    RefuseSender(&'static str),
    /// This to the recipient.
    RefuseRecipient(&'static str),
    /// This to the whole mail, which it has read.
    RefuseMail(&'static str),
    /// Hangs up after the whole mail, without a word.
    HangUp,
    /// Says nothing after the whole mail.
    Silence,
}

/// A mail that it read to its end.
#[derive(Clone, Debug)]
pub struct Received {
    pub to: String,
    pub from: String,
    pub content: String,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<String> {
        header(&self.content, name)
    }
}

/// The first header called `name`, unfolded.
pub fn header(content: &str, name: &str) -> Option<String> {
    let head = content.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ").replace("\r\n\t", " ");
    let prefix = format!("{}:", name.to_lowercase());
    head.lines()
        .find(|line| line.to_lowercase().starts_with(&prefix))
        .map(|line| line[prefix.len()..].trim().to_owned())
}

/// A running server.
#[derive(Clone)]
pub struct MailServer {
    pub address: SocketAddr,
    mood: Arc<Mutex<Mood>>,
    received: Arc<Mutex<Vec<Received>>>,
}

impl MailServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            mood: Arc::new(Mutex::new(Mood::Accept)),
            received: Arc::default(),
        };
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = accepting.clone();
                tokio::spawn(async move {
                    // A client that hangs up is its own affair.
                    let _ = server.converse(stream).await;
                });
            }
        });
        server
    }

    pub fn be(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn mood(&self) -> Mood {
        *self.mood.lock().unwrap()
    }

    /// Mails read to their end, in order, whatever was answered.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    async fn converse(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let (read, mut write) = stream.split();
        let mut lines = BufReader::new(read);
        let (mut from, mut to) = (String::new(), String::new());
        if let Mood::RefuseUs(answer) = self.mood() {
            return write.write_all(format!("{answer}\r\n").as_bytes()).await;
        }
        write.write_all(b"220 mail.example.test ESMTP\r\n").await?;
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let line = line.trim_end();
            let mood = self.mood();
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
            let answer = match verb.as_str() {
                "EHLO" => "250-mail.example.test\r\n250-8BITMIME\r\n250 SIZE 10000000".to_owned(),
                "HELO" | "NOOP" | "RSET" => "250 OK".to_owned(),
                "MAIL" => match mood {
                    Mood::RefuseSender(answer) => answer.to_owned(),
                    _ => {
                        from = line.to_owned();
                        "250 OK".to_owned()
                    }
                },
                "RCPT" => match mood {
                    Mood::RefuseRecipient(answer) => answer.to_owned(),
                    _ => {
                        to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                        "250 OK".to_owned()
                    }
                },
                "DATA" => {
                    write.write_all(b"354 go on\r\n").await?;
                    let content = data(&mut lines).await?;
                    let received = Received { to: to.clone(), from: from.clone(), content };
                    self.received.lock().unwrap().push(received);
                    match mood {
                        Mood::HangUp => return Ok(()),
                        Mood::Silence => std::future::pending().await,
                        Mood::RefuseMail(answer) => answer.to_owned(),
                        _ => "250 taken".to_owned(),
                    }
                }
                "QUIT" => {
                    write.write_all(b"221 bye\r\n").await?;
                    return Ok(());
                }
                _ => "502 what?".to_owned(),
            };
            write.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
    }
}

/// The mail up to the lonely dot, without the dots that protect lines.
async fn data(lines: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<String> {
    let mut content = String::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == ".\r\n" {
            return Ok(content);
        }
        content.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
