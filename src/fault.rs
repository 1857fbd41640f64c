//! What went wrong, as a fact: a situation, and what others said of it. The
//! sentences for people, with the remedy, stand in `js/errors/catalogue.js`, one for
//! each [`Situation`], and nowhere else.

use crate::prelude::*;

/// What kind of fault it is: stable, and meant for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Something that the app gave cannot be used.
    InvalidArgument,
    /// Not possible at the moment.
    InvalidState,
    /// Another client holds the device.
    DeviceAlreadyRegistered,
    /// Too many devices of this user are registered.
    DeviceLimitReached,
    /// The device may not log in, or not any more.
    DeviceNotAuthorised,
    /// User name, password or token are wrong, or missing.
    CredentialsRejected,
    /// No server could be reached.
    CouldNotConnect,
    /// The server does not want it.
    ServerRejected,
    /// Nobody answered.
    Timeout,
    /// Given up.
    Aborted,
    /// What is spoken to does not offer that.
    NotSupported,
    /// It, or the way to it, is out of service.
    OutOfService,
    /// The call did not come about, or not as wanted.
    CallFailed,
    /// Microphone, camera or what they are connected by.
    MediaFailed,
    /// A mistake of ours.
    Internal,
}

impl Code {
    /// The name in the JavaScript API.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::InvalidArgument => "eInvalidArgument",
            Code::InvalidState => "eInvalidState",
            Code::DeviceAlreadyRegistered => "eDeviceAlreadyRegistered",
            Code::DeviceLimitReached => "eDeviceLimitReached",
            Code::DeviceNotAuthorised => "eDeviceNotAuthorised",
            Code::CredentialsRejected => "eCredentialsRejected",
            Code::CouldNotConnect => "eCouldNotConnect",
            Code::ServerRejected => "eServerRejected",
            Code::Timeout => "eTimeout",
            Code::Aborted => "eAborted",
            Code::NotSupported => "eNotSupported",
            Code::OutOfService => "eOutOfService",
            Code::CallFailed => "eCallFailed",
            Code::MediaFailed => "eMediaFailed",
            Code::Internal => "eInternal",
        }
    }
}

macro_rules! situations {
    ($($(#[$doc:meta])* $situation:ident $name:literal $code:ident,)*) => {
        /// Which fault it is. Its number is the place of its sentence in the catalogue.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Situation {
            $($(#[$doc])* $situation,)*
        }

        impl Situation {
            /// All of them, in the order of the catalogue.
            pub const ALL: &[Situation] = &[$(Situation::$situation,)*];

            /// The key of its sentence.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Situation::$situation => $name,)*
                }
            }

            /// What kind of fault it is.
            pub fn code(self) -> Code {
                match self {
                    $(Situation::$situation => Code::$code,)*
                }
            }
        }
    };
}

situations! {
    /// The target is nothing that can be called.
    BadTarget "badTarget" InvalidArgument,
    /// The phone is not registered.
    NotRegistered "notRegistered" InvalidState,
    /// There are as many calls as there may be.
    TooManyCalls "tooManyCalls" InvalidState,
    /// It does not ring here.
    NotRinging "notRinging" InvalidState,
    /// It is not connected.
    NotConnected "notConnected" InvalidState,
    /// The one that should be joined is not connected.
    OtherNotConnected "otherNotConnected" InvalidState,
    /// It is being transferred already.
    Transferring "transferring" InvalidState,
    /// It has ended.
    CallOver "callOver" InvalidState,
    /// Another client is logged in with this device.
    DeviceHeld "deviceHeld" DeviceAlreadyRegistered,
    /// The registrar has enough of this user's devices.
    DeviceLimit "deviceLimit" DeviceLimitReached,
    /// The registrar does not know this device, or its user cut it off.
    NotAuthorised "notAuthorised" DeviceNotAuthorised,
    /// The registrar refuses user name or password.
    CredentialsRefused "credentialsRefused" CredentialsRejected,
    /// The registrar says something that some say to a wrong password.
    LoginForbidden "loginForbidden" CredentialsRejected,
    /// The app had none for this server.
    NoCredentials "noCredentials" CredentialsRejected,
    /// The server asks for them without end.
    ChallengedForEver "challengedForEver" CredentialsRejected,
    /// Its challenge is one that we may not, or cannot answer.
    ChallengeUnanswerable "challengeUnanswerable" CredentialsRejected,
    /// No connection could be opened.
    NoConnection "noConnection" CouldNotConnect,
    /// The registrar refused.
    LoginRefused "loginRefused" ServerRejected,
    /// Its challenge is none that we know.
    ChallengeUnknown "challengeUnknown" ServerRejected,
    /// Its `rspauth` is wrong (RFC 7616 §3.5).
    ServerUnproven "serverUnproven" ServerRejected,
    /// It accepted the login, and does not list it.
    NotListed "notListed" ServerRejected,
    /// It granted no time.
    NothingGranted "nothingGranted" ServerRejected,
    /// It removed us, and does not want us back (RFC 3680 §4.1, `rejected`).
    Removed "removed" ServerRejected,
    /// Nobody answered the login.
    LoginUnanswered "loginUnanswered" Timeout,
    /// The far end did not answer a request.
    Unanswered "unanswered" Timeout,
    /// The far end told nothing of the transfer.
    TransferSilent "transferSilent" Timeout,
    /// The far end, or a server, refused.
    Refused "refused" CallFailed,
    /// It ended before it was answered.
    EndedUnanswered "endedUnanswered" CallFailed,
    /// It ended before what was asked for was done.
    EndedMeanwhile "endedMeanwhile" CallFailed,
    /// The far end told nothing of the transfer, and will not.
    TransferUntold "transferUntold" CallFailed,
    /// Nobody answered it.
    NobodyAnswered "nobodyAnswered" CallFailed,
    /// No ACK (RFC 3261 §13.3.1.4).
    Unacknowledged "unacknowledged" CallFailed,
    /// The flow was lost before it was answered.
    FlowLost "flowLost" CallFailed,
    /// The flow did not come back.
    FlowStayedAway "flowStayedAway" CallFailed,
    /// The flow came back, but led to nobody.
    FarEndLost "farEndLost" CallFailed,
    /// The far end knows it no more.
    Forgotten "forgotten" CallFailed,
    /// No session description where there must be one.
    NoDescription "noDescription" CallFailed,
    /// Redirected to a place that is not followed.
    Redirected "redirected" CallFailed,
    /// The session expired (RFC 4028).
    NotRefreshed "notRefreshed" CallFailed,
    /// No media have come for some time.
    NothingHeard "nothingHeard" CallFailed,
    /// It was transferred.
    Transferred "transferred" CallFailed,
    /// Another one took its place (RFC 3891).
    Replaced "replaced" CallFailed,
    /// Another client took the device over.
    TakenOver "takenOver" CallFailed,
    /// The phone was logged out.
    LoggedOut "loggedOut" CallFailed,
    /// The page was left.
    PageLeft "pageLeft" CallFailed,
    /// The phone lost its registration.
    Unregistered "unregistered" CallFailed,
    /// The media handler failed.
    Media "media" MediaFailed,
    /// The REGISTER cannot be written, because of this header.
    Unwritable "unwritable" Internal,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which fault it is.
    pub at: Situation,
    /// SIP status.
    pub status: Option<u16>,
    /// What others said of it, cleaned: reason phrase, Warning, where to.
    pub said: Option<String>,
    /// Why a message was of no use that came while an answer was waited for.
    pub dropped: Option<&'static str>,
    /// User parts of Contacts of ours that may still be bound.
    pub left: Option<String>,
}

impl Fault {
    /// Nothing but the situation.
    #[inline(never)] // in many places: it is smaller
    pub fn new(at: Situation) -> Self {
        Self {
            at,
            status: None,
            said: None,
            dropped: None,
            left: None,
        }
    }

    /// An answer of this status was the reason.
    pub fn with_status(at: Situation, status: u16) -> Self {
        Self {
            status: Some(status),
            ..Self::new(at)
        }
    }

    /// An answer, and its words.
    pub fn answered(at: Situation, status: u16, said: String) -> Self {
        Self {
            said: Some(said),
            ..Self::with_status(at, status)
        }
    }

    /// What kind of fault it is.
    pub fn code(&self) -> Code {
        self.at.code()
    }
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} ({})", self.code().as_str(), self.at.as_str())?;
        if let Some(status) = self.status {
            write!(f, " {status}")?;
        }
        match &self.said {
            Some(said) => write!(f, " {said}"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name and code of the core's sentences: `eCode: {` begins those of a code,
    /// `name: [` is one of them.
    fn catalogue() -> Vec<(&'static str, &'static str)> {
        let text = include_str!("../js/errors/catalogue.js");
        let (_, text) = text.split_once("export const core").unwrap();
        let (text, _) = text.split_once("\n};").unwrap();
        let mut code = "";
        let mut found = Vec::new();
        for (name, rest) in text.lines().filter_map(|line| line.split_once(": ")) {
            match rest {
                "{" => code = name.trim(),
                _ if rest.starts_with('[') => found.push((name.trim(), code)),
                _ => {}
            }
        }
        found
    }

    #[test]
    fn situations_and_their_sentences_stand_in_the_same_order_under_the_same_codes() {
        let names = |at: &Situation| (at.as_str(), at.code().as_str());
        let ours: Vec<_> = Situation::ALL.iter().map(names).collect();
        assert_eq!(ours, catalogue());
        let numbers = Situation::ALL.iter().map(|at| *at as usize);
        assert!(numbers.eq(0..ours.len()));
    }

    #[test]
    fn a_fault_says_what_it_is() {
        let refused = Fault::answered(Situation::Refused, 486, "Busy Here".to_owned());
        assert_eq!(refused.to_string(), "eCallFailed (refused) 486 Busy Here");
        let silent = Fault::new(Situation::LoginUnanswered);
        assert_eq!(silent.to_string(), "eTimeout (loginUnanswered)");
    }
}
