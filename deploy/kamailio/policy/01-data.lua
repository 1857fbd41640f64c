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
--   20-register   REGISTER
--   21-questions  the other calls
--
-- Data: one key per address-of-record (`graceline:user@domain`) with
--   version   of the record, see load()
--   bindings  who is registered; field names see bind()
--   forces    times of the takeovers within the last minute
--   outcasts  Call-IDs of clients that were ousted (policy duplicate)
--   watchers  who has subscribed to its registrations; field names see subscribe()
-- one list per node (`graceline:ousted:NAME`) of clients that were ousted there,
-- and one key per node (`graceline:node:NAME`), alive as long as the node renews it. A binding whose
-- node is not alive, or was started anew, is dead: its connection is gone.
--
-- Times are milliseconds of Redis' clock, the only one that all nodes share.
--
-- Load it once, and again after an upgrade: cat policy/*.lua | redis-cli -x FUNCTION LOAD REPLACE

local REQUEST_VERSION = "1" -- of what nodes ask with: POLICY_VERSION in kamailio.cfg
local RECORD_VERSION = 1 -- of what is stored

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
local MAX_SUBSCRIPTION = 3761 -- seconds, and the default (RFC 3680 §4.4)
local MAX_SUBSCRIBE = 4300 -- bytes kept of a SUBSCRIBE, 4 KiB, and the names of the fields
local MAX_BRANCHES = 30 -- places that one request is sent to: Kamailio's max_branches, in common.cfg
local MAX_DOCUMENT = 16384 -- bytes of a NOTIFY's body: with its headers it must fit MAX_MESSAGE of another node
local UNTOLD = 300 -- an ousted client that its node does not know to be told by now is closed
local MAX_UNTOLD = 1000 -- ousted clients noted for a node that does not ask

local function now()
  local time = redis.call("TIME")
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
