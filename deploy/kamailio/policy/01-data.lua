#!lua name=graceline

-- The bindings, and the graceful policy on them.
--
-- Redis runs a function from its first line to its last before it looks at the next call,
-- whichever node that comes from. So "is the device taken?" and "it is mine now" are one step for
-- all workers of all nodes, without a lock that could be held too long or lost.
--
-- The parts are one program, in the order of their names, which leave room between:
--   01-data       what is stored, limits, time
--   02-text       reading requests and header fields
--   03-contacts   Contact headers
--   04-records    the record of an address-of-record in Redis
--   05-notify     the way to a client, and what it is told there
--   06-reg-event  who watches, and what they are shown
--   07-clients    which client and device a Contact is of, and what the policy says of two
--   08-errands    what nodes are asked to do
--   10-arguments  reading JSON
--   11-accounts   what is known of a user beside the bindings
--   12-devices    the devices of a user, and where it rings
--   13-identities credentials of devices, public ids
--   13-rules      where calls go that are not taken; what a user says by hand; the mailbox
--   14-admission  which device a REGISTER is of
--   14-pns        how a device is woken that says so at REGISTER
--   14-calls      one record a call: the history of users
--   14-routing    where a call goes by the rules of who is called
--   15-ringing    who rings, and who joins while it rings
--   15-trunk      numbers outside
--   16-messages   messages for devices that are away
--   17-watching   who is available, what waits in a mailbox, and who is told of that and of calls
--   18-publishing what devices say of their users, and the voicemail server
--   19-dialogs    calls of a user's devices, as the others are told of them
--   20-register   REGISTER
--   21-questions  the other calls
--
-- Data: one key per address-of-record (`graceline:user@domain`) with
--   version   of the record, see load()
--   bindings  who is registered; field names see bind()
--   forces    times of the takeovers within the last minute
--   outcasts  Call-IDs of clients that were ousted (policy duplicate)
--   watchers  who has subscribed to its registrations; field names see subscribe()
--   visits    connections of its devices that have none of these, and have reached a gateway; see visit()
-- one list per node (`graceline:ousted:NAME`) of clients that were ousted there, one of what it is
-- asked to do (`graceline:errands:NAME`), one of clients that join its calls (`graceline:joins:NAME`),
-- one key per user whose phones ring (`graceline:ringing:user@domain`), see ring(),
-- and one key per node (`graceline:node:NAME`), alive as long as the node renews it. A binding whose
-- node is not alive, or was started anew, is dead: its connection is gone.
--
-- Of users whose devices are authorised there is a key each (`graceline:account:user@domain`) with
--   version      of the account, see load_account()
--   devices      see authorise in 12-devices
--   rings        "auto", or the ids of the devices that ring
--   public_ids   see public_id_add in 13-identities
--   credentials  names that its devices log in with, and when they end
--   rules, manual, mailbox  see 13-rules
-- one for each device that messages are kept for (`graceline:messages:user@domain:DEVICE`), see keep(),
-- one for each of these names (`graceline:credential:NAME`), and one for each public id that is confirmed
-- (`graceline:id:ID`): whose it is. What changes is published in `graceline:account`, as JSON: who, kind;
-- who is to be woken by a push stands in the list `graceline:wakes`, and `graceline:wake` says so (see wake()).
-- What is known of calls (`graceline:call:ID` and more) 14-calls has; which of them are outside at a user's cost
-- `graceline:outside:user@domain` lists.
--
-- Times are milliseconds of Redis' clock, the only one that all nodes share.
--
-- Load it once, and again after an upgrade: cat policy/*.lua | redis-cli -x FUNCTION LOAD REPLACE

local REQUEST_VERSION = "4" -- of what nodes ask with: POLICY_VERSION in kamailio.cfg
local RECORD_VERSION = 1 -- of what is stored of a user's bindings
local ACCOUNT_VERSION = 1 -- and of the rest

local SLOT = "slot" -- the one device that all browsers and desktops of a user are, to each other
local CONFLICT = "Registration is active for another client"
local GRACE = 12000 -- a lost client may come back to its call for this long
local FORCE_WINDOW = 60000 -- forces are counted over this long
local MAX_OUTCASTS = 32 -- Call-IDs remembered: ousted clients that may still refresh
local MAX_CONTACTS = 32 -- in one REGISTER
local MAX_DEVICES = 64 -- of one address-of-record, whatever its limit: each is read with every question
local MAX_URI = 512 -- bytes of a Contact's URI
local MAX_PARAMS = 1024 -- bytes of its parameters: two gruus, an instance, a device, a few more
local MAX_LISTING = 32768 -- bytes of all Contacts of an address-of-record: they go into one answer
local MAX_NAME = 128 -- bytes of an instance or a device
local MAX_CALL_ID = 256 -- bytes
local MAX_TEXT = 128 -- characters of a text that is shown to people
local MAX_WATCHERS = 32 -- subscriptions to one address-of-record: its user's own clients
local MAX_VISITS = 64 -- of one address-of-record at the gateways
local VISIT = 43200000 -- a session with a gateway is known for no longer: `calls` in kamailio.cfg
local MAX_SUBSCRIPTION = 3761 -- seconds, and the default (RFC 3680 §4.4)
local MAX_SUBSCRIBE = 4300 -- bytes kept of a SUBSCRIBE, 4 KiB, and the names of the fields
local RINGING = 190000 -- an INVITE may ring for this long: Kamailio's timers end it sooner
local SETTLED = 20 -- after this long a node has done with an INVITE what it was answered
local MAX_CALLS = 32 -- noted as ringing for one user
local MAX_BRANCHES = 30 -- places that one request is sent to: Kamailio's max_branches, in common.cfg
local MAX_DOCUMENT = 16384 -- bytes of a NOTIFY's body: with its headers it must fit MAX_MESSAGE of another node
local UNTOLD = 300 -- an ousted client that its node does not know to be told by now is closed
local MAX_UNTOLD = 1000 -- ousted clients, and errands, noted for a node that does not ask
local MAX_ERRANDS = 100 -- handed to a node at a time

local IDLE = 30 * 24 * 3600000 -- a device that nobody has used for so long is gone
local SEEN = 60000 -- how exactly it is known when a device was last there
local MAX_BROWSERS = 16 -- devices of the classes web and desktop, which no limit counts
local MAX_PUBLIC_IDS = 32 -- of one user
local MAX_CREDENTIALS = 4 -- of one device: new ones are given before the old ones end
local MAX_TRIES = 5 -- at one code
local MAX_KEY = 512 -- bytes of a key
local MAX_ADDRESS = 256 -- bytes of an address that a rule sends calls to
local MAX_DIGITS = 40 -- of a number that it does
local MAX_COUNT = 65535 -- messages in a mailbox
local MAX_HISTORY = 500 -- calls that a user can look back on
local LISTED = 90 * 24 * 3600000 -- and for how long
local PAGE = 50 -- of them, where nobody says how many are to be told
local MAX_PAGE = 100 -- told at once
local LONGEST = 12 * 3600000 -- no call takes longer: one whose end nobody told is over then
local GIVEN_UP = 2000 -- an INVITE whose caller took it back is over then, if nobody has told
local LOOK = 15000 -- so often somebody looks whether a call still has its parties
local AGAIN = 32000 -- who is refused because of how it asked asks again at once, under the same Call-ID
local KEPT = 7 * 24 * 3600000 -- messages are kept for a device that is away for this long
local MAX_MESSAGES = 100 -- of these, for one device
local MAX_BODY = 4096 -- bytes of one
local MAX_WAKES = 1000 -- pushes that wait for an account service
local MAX_ARGUMENT = 16384 -- bytes of what an account service asks with

local function now()
  local time = redis.call("TIME")
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
