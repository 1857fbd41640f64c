//! A phone and its registrar in virtual time, with a stranger on the wire.

use graceline::phone::{Output, Phone, Status};
use graceline::registrar::{self, Registrar};
use graceline::time::Instant;
use graceline_kit::{START, UUID, account};

pub const NOW: Instant = START;
/// The one connection between the two.
const CONNECTION: u32 = 1;

/// The wire between a phone and its registrar.
pub struct Line {
    pub phone: Phone,
    registrar: Registrar,
    /// Slot and generation of the phone's socket.
    socket: (u32, u32),
    /// The REGISTER that the registrar has not got yet.
    pub question: String,
}

impl Line {
    /// A phone that is registered.
    pub fn registered() -> Self {
        let mut line = Self::asking();
        line.go_on();
        line.check_alive();
        line
    }

    /// A phone that waits for the answer to its first REGISTER.
    pub fn asking() -> Self {
        let registrar = registrar::Config::default().with_user("2001", "secret");
        let mut line = Self {
            phone: Phone::new(account(UUID), [1; 32]).expect("the options are good"),
            registrar: Registrar::new(registrar, [2; 32]),
            socket: (0, 0),
            question: String::new(),
        };
        line.registrar.handle_opened(NOW, CONNECTION);
        line.phone.register(NOW, 1, false);
        let register = line.sent().concat();
        line.question = String::from_utf8(register).expect("UTF-8");
        line
    }

    /// The registrar gets the REGISTER, and the login takes its course.
    pub fn go_on(&mut self) {
        let mut sent = vec![std::mem::take(&mut self.question).into_bytes()];
        while !sent.is_empty() {
            for message in sent {
                self.registrar.handle_message(NOW, CONNECTION, &message);
            }
            while let Some(output) = self.registrar.poll_output() {
                if let registrar::Output::Send { data, .. } = output {
                    self.hear(&data);
                }
            }
            sent = self.sent();
        }
        assert_eq!(self.phone.status(), Status::Ready);
    }

    /// Hands `message` to the phone: what the phone sends upon it.
    pub fn receive(&mut self, message: &[u8]) -> Vec<Vec<u8>> {
        self.hear(message);
        self.sent()
    }

    /// The phone is registered, and answers.
    pub fn check_alive(&mut self) {
        assert_eq!(self.phone.status(), Status::Ready);
        let options = "OPTIONS sip:2001@example.com SIP/2.0\r\n\
                       Via: SIP/2.0/WS a.invalid;branch=z9hG4bKalive\r\n\
                       From: <sip:a@example.com>;tag=1\r\nTo: <sip:2001@example.com>\r\n\
                       Call-ID: alive\r\nCSeq: 1 OPTIONS\r\n\r\n";
        let answer = self.receive(options.as_bytes()).concat();
        let answer = String::from_utf8(answer).expect("UTF-8");
        assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
    }

    fn hear(&mut self, message: &[u8]) {
        let (slot, generation) = self.socket;
        self.phone.handle_message(NOW, slot, generation, message);
    }

    fn sent(&mut self) -> Vec<Vec<u8>> {
        let mut sent = Vec::new();
        while let Some(output) = self.phone.poll_output() {
            match output {
                Output::Open {
                    slot, generation, ..
                } => {
                    self.socket = (slot, generation);
                    self.phone.handle_open(NOW, slot, generation, "sip");
                }
                Output::Send { data, .. } => sent.push(data),
                Output::CloseSocket { .. } => panic!("the phone gave its socket up"),
                _ => {}
            }
        }
        sent
    }
}
