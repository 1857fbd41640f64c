#!lua name=graceline

-- The bindings, and the graceful policy on them.
--
-- Redis runs a function from its first line to its last before it looks at the next call,
-- whichever node that comes from. So "is the device taken?" and "it is mine now" are one step for
-- all workers of all nodes, without a lock that could be held too long or lost.
--
-- Data: one key per address-of-record (`graceline:user@domain`) with
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
-- Load it once, and again after an upgrade: redis-cli -x FUNCTION LOAD REPLACE < policy.lua

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
local MAX_SUBSCRIBE = 4096 -- bytes kept of a SUBSCRIBE
local MAX_BRANCHES = 30 -- places that one request is sent to: Kamailio's max_branches, in common.cfg
local MAX_DOCUMENT = 16384 -- bytes of a NOTIFY's body: with its headers it must fit MAX_MESSAGE of another node
local UNTOLD = 300 -- an ousted client that its node does not know to be told by now is closed
local MAX_UNTOLD = 1000 -- ousted clients noted for a node that does not ask

local function now()
  local time = redis.call("TIME")
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- Text -------------------------------------------------------------------------------------------

--- Splits a request into its lines. Their number is fixed, so a line break smuggled into a value
--- makes the request unreadable rather than meaning something else.
local function read(text, names)
  local values, count = {}, 0
  for line in (text .. "\n"):gmatch("(.-)\n") do
    count = count + 1
    if names[count] then values[names[count]] = (line:gsub("%c", " ")) end
  end
  if count == #names then return values end
end

--- What may stand inside quotes without escapes, for people to read.
local function plain(text)
  return text:gsub('["\\]', ""):sub(1, MAX_TEXT)
end

local function unquote(text)
  local inner = text:match('^"(.*)"$')
  return inner and inner:gsub("\\(.)", "%1") or text
end

--- The position of the first `stop` outside quotes and angle brackets.
local function find_outside(text, stop, from)
  local quoted, bracketed, at = false, false, from
  while at <= #text do
    local char = text:sub(at, at)
    if quoted then
      if char == "\\" then at = at + 1 elseif char == '"' then quoted = false end
    elseif bracketed then bracketed = char ~= ">"
    elseif char == stop then return at
    elseif char == '"' then quoted = true
    elseif char == "<" then bracketed = true
    end
    at = at + 1
  end
end

local function split(text, separator)
  local parts, from = {}, 1
  while true do
    local stop = find_outside(text, separator, from)
    parts[#parts + 1] = text:sub(from, (stop or 0) - 1):match("^%s*(.-)%s*$")
    if not stop then return parts end
    from = stop + 1
  end
end

local function refusal(status, reason, headers)
  return { status, reason, headers or "" }
end

-- Contacts (RFC 3261 §20.10) ---------------------------------------------------------------------

--- The instance, without quotes and brackets. Zeros count as none: Cisco's clients send them to
--- say that they claim nothing.
local function instance_of(value)
  local urn = unquote(value or ""):match("^%s*<?(.-)>?%s*$")
  if urn:match("[^:]*$"):find("[^0-]") then return urn end
end

local function read_contact(text)
  local open = find_outside(text, "<", 1)
  local uri, rest = text:match(open and "^<([^<>%s]+)>(.*)$" or "^([^;]+)(.*)$", open or 1)
  if not uri or not uri:lower():match("^sips?:[^%s]+$") then return nil end
  local contact = { uri = uri, params = "", user = uri:match("^[^:]+:([^@;?]*)@") or "" }
  for index, param in ipairs(split(rest, ";")) do
    local name, value = param:match("^([^=%s]+)%s*=?%s*(.*)$")
    if index == 1 then
      if param ~= "" then return nil end
    elseif name and name:lower() == "expires" then
      contact.expires = tonumber(value:match("^%d+$"))
    elseif name then
      contact.params = contact.params .. ";" .. param
      if name:lower() == "+sip.instance" then contact.instance = instance_of(value) end
    end
  end
  return contact
end

--- All Contacts of a REGISTER: a list, or "*", or nothing if they cannot be read.
local function read_contacts(text)
  if text == "" then return {} end
  if text == "*" then return "*" end
  local list = split(text, ",")
  if #list > MAX_CONTACTS then return nil end
  for index, part in ipairs(list) do
    list[index] = read_contact(part)
    if not list[index] then return nil end
  end
  return list
end

-- Storage ----------------------------------------------------------------------------------------

--- Knows which nodes are alive, asking once for each.
local function node_addresses()
  local known = {}
  return function(binding)
    local node = binding.node
    if known[node] == nil then
      known[node] = redis.call("HMGET", "graceline:node:" .. node, "boot", "address")
    end
    return known[node][1] == binding.boot and known[node][2]
  end
end

--- The live bindings of a key, and what else is remembered there. `before` is what was bound when
--- the record was saved, `lapsed` why some of it is dead now.
local function load(key, time, address_of)
  local text = redis.call("GET", key)
  local stored = text and cjson.decode(text) or { bindings = {}, forces = {}, outcasts = {} }
  local record = {
    aor = "sip:" .. key:gsub("^graceline:", ""),
    bindings = {}, before = stored.bindings, lapsed = {}, watchers = {}, ended = {},
    forces = stored.forces, outcasts = stored.outcasts,
  }
  for _, binding in ipairs(stored.bindings) do
    if binding.expires <= time then
      record.lapsed[binding] = "expired"
    elseif binding.held and binding.held <= time or not address_of(binding) then
      record.lapsed[binding] = "deactivated"
    else
      table.insert(record.bindings, binding)
    end
  end
  for _, watcher in ipairs(stored.watchers or {}) do
    local list = watcher.expires > time and record.watchers or record.ended
    if address_of(watcher) then list[#list + 1] = watcher end
  end
  return record
end

local function save(key, record, time)
  local last = 0
  for _, binding in ipairs(record.bindings) do last = math.max(last, binding.expires) end
  for _, watcher in ipairs(record.watchers) do last = math.max(last, watcher.expires) end
  for _, at in ipairs(record.forces) do last = math.max(last, at + FORCE_WINDOW) end
  if #record.bindings > 0 and #record.outcasts > 0 then last = math.max(last, time + FORCE_WINDOW) end
  if last > time then
    local text = cjson.encode({
      bindings = record.bindings, forces = record.forces, outcasts = record.outcasts,
      watchers = record.watchers,
    })
    redis.call("SET", key, text, "PXAT", last)
  else
    redis.call("DEL", key)
  end
end

local function same_text(a, b)
  return a ~= nil and b ~= nil and a:lower() == b:lower()
end

local function on_flow(binding, login)
  return binding.flow == login.flow and binding.node == login.node and binding.boot == login.boot
end

--- A URI as the value of a parameter of another one.
local function escape(uri)
  return (uri:gsub("[^%w.-]", function(char) return string.format("%%%02X", char:byte()) end))
end

--- Next hop, Request-URI and sending socket for a binding, seen from a node: its connection, or the
--- node that has it, which is told of the connection in `to` (see PROVE): nothing that a client may
--- write into a URI of its own leads anywhere. The connection is named by its number, too: its port
--- may be another client's by now.
local function route_to(binding, login, address_of)
  local connection = binding.received .. ";connection=" .. binding.flow:match("%d+$")
  if binding.node == login.node then return connection, binding.uri, binding.socket end
  return address_of(binding) .. ";to=" .. escape(connection), binding.uri, login.cluster_socket
end

-- NOTIFY -----------------------------------------------------------------------------------------
--
-- Who is told what is decided together with what happens. Kamailio is handed the command that sends
-- it (its RPC tm.t_uac_start), because only that sends requests within a dialog.

local function notify(receiver, login, address_of, headers, body)
  local next_hop, uri, socket = route_to(receiver, login, address_of)
  local lines = table.concat(headers, "\r\n") .. "\r\n"
  return cjson.encode({
    jsonrpc = "2.0", id = 1, method = "tm.t_uac_start",
    params = { "NOTIFY", uri, next_hop, socket, lines, body },
  })
end

--- The NOTIFY with which Cisco's registrar resets a client. It stands outside any subscription; what
--- vouches for it is the Call-ID of the registration.
local function service_control(ousted, login, address_of)
  local no_stamp = "{00000000-0000-0000-0000-000000000000}\r\n"
  return notify(ousted, login, address_of, {
    "From: <sip:" .. login.domain .. ">",
    "To: <sip:" .. login.user .. "@" .. login.domain .. ">",
    "Contact: <sip:" .. login.domain .. ">",
    "Event: service-control", "Subscription-State: active", "Content-Type: text/plain",
  }, "action=reset\r\nRegisterCallId={" .. ousted.call_id .. "}\r\n"
    .. "ConfigVersionStamp=" .. no_stamp .. "DialplanVersionStamp=" .. no_stamp
    .. "SoftkeyVersionStamp=" .. no_stamp)
end

-- Registration event package (RFC 3680) ----------------------------------------------------------

--- What has become of the bindings since the record was saved; what was removed, was for `cause`.
local function changes_of(record, cause)
  local list, before, now_bound = {}, {}, {}
  for _, binding in ipairs(record.bindings) do now_bound[binding.uri] = true end
  for _, binding in ipairs(record.before) do
    before[binding.uri] = true
    if not now_bound[binding.uri] then
      local event = record.lapsed[binding] or cause
      list[#list + 1] = { binding = binding, state = "terminated", event = event }
    end
  end
  for _, binding in ipairs(record.bindings) do
    if not before[binding.uri] then
      list[#list + 1] = { binding = binding, state = "active", event = "registered" }
    end
  end
  return list
end

--- A value for XML. What is no ASCII has no place in a URI or a parameter; a stray byte of it would
--- make the whole document unreadable.
local function xml(text)
  local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }
  return (text:gsub("[\128-\255]", "?"):gsub('[&<>"]', entities))
end

--- One contact of a document. Its Call-ID is left out: by that a REGISTER shows that a binding is
--- its own, so it is nobody else's business.
local function contact_element(change, time)
  local binding = change.binding
  local parts = {
    '<contact id="', redis.sha1hex(binding.uri):sub(1, 16),
    '" state="', change.state, '" event="', change.event, '"',
  }
  local function add(...) for _, part in ipairs({ ... }) do parts[#parts + 1] = part end end
  if change.state == "active" then
    add(' expires="', math.ceil((binding.expires - time) / 1000), '"')
  end
  add("><uri>", xml(binding.uri), "</uri>")
  for name, value in binding.params:gmatch(';([^=;]+)=("[^"]*")') do
    if name:lower() == "+sip.instance" or name:lower() == "+u.sip!devicename.ccm.cisco.com" then
      add('<unknown-param name="', xml(name), '">', xml(unquote(value)), "</unknown-param>")
    end
  end
  add("</contact>")
  return table.concat(parts)
end

--- The document: all that is bound, and what has just gone. Always the full state, so that one that
--- is lost, or is overtaken by the next, leaves nobody with a wrong picture. What would make it too
--- long is left out, and then it is no full one.
local function reginfo(record, changes, version, time)
  local contacts, told, size, state = {}, {}, 0, "full"
  local function add(change)
    if told[change.binding.uri] then return end
    told[change.binding.uri] = true
    local element = contact_element(change, time)
    size = size + #element + 1
    if size > MAX_DOCUMENT - 1024 then state = "partial" else contacts[#contacts + 1] = element end
  end
  for _, change in ipairs(changes) do add(change) end
  for _, binding in ipairs(record.bindings) do
    add({ binding = binding, state = "active", event = "registered" })
  end
  local bound = #record.bindings > 0 and "active" or #changes > 0 and "terminated" or "init"
  return table.concat({
    '<?xml version="1.0"?>\n<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="', version,
    '" state="', state, '">\n<registration aor="', xml(record.aor),
    '" id="', redis.sha1hex(record.aor):sub(1, 16), '" state="', bound, '">\n',
    table.concat(contacts, "\n"), "\n</registration>\n</reginfo>\n",
  })
end

--- The next NOTIFY of a subscription; with `over`, the last.
local function notify_watcher(watcher, record, changes, login, address_of, time, over)
  local state = "terminated;reason=timeout"
  if not over then state = "active;expires=" .. math.ceil((watcher.expires - time) / 1000) end
  local body = reginfo(record, changes, watcher.version, time)
  watcher.version, watcher.cseq = watcher.version + 1, watcher.cseq + 1
  return notify(watcher, login, address_of, {
    "From: <" .. watcher.local_uri .. ">;tag=" .. watcher.tag,
    "To: <" .. watcher.remote_uri .. ">;tag=" .. watcher.remote_tag,
    "Call-ID: " .. watcher.call_id, "CSeq: " .. watcher.cseq .. " NOTIFY",
    "Contact: <sip:" .. watcher.domain .. ">",
    "Event: " .. watcher.event, "Subscription-State: " .. state,
    "Content-Type: application/reginfo+xml",
  }, body)
end

--- What everybody who watches is to be told of what has become of the bindings.
local function tell_watchers(record, cause, login, address_of, time)
  local commands, changes = {}, changes_of(record, cause)
  for _, watcher in ipairs(#changes > 0 and record.watchers or {}) do
    commands[#commands + 1] = notify_watcher(watcher, record, changes, login, address_of, time)
  end
  for _, watcher in ipairs(record.ended) do
    commands[#commands + 1] = notify_watcher(watcher, record, changes, login, address_of, time, true)
  end
  return commands
end

local SUBSCRIBE = {
  "node", "boot", "flow", "received", "socket", "cluster_socket",
  "domain", "local_uri", "remote_uri", "contact", "expires",
  "call_id", "cseq", "remote_tag", "to_tag", "tag", "event",
}

--- A SUBSCRIBE of the user to its own address-of-record, who is authenticated. Returns
---   status, reason, headers, tag for the answer, commands that send NOTIFYs.
local function subscribe(keys, args)
  local login = #args[1] <= MAX_SUBSCRIBE and read(args[1], SUBSCRIBE)
  if not login then return refusal("400", "SUBSCRIBE Too Long") end
  login.cseq = tonumber(login.cseq) or 0
  -- Kamailio puts addresses in place of two exclamation marks.
  if login.event:find("[^%w;=._ -]") then return refusal("400", "Malformed Event") end
  local contacts = read_contacts(login.contact)
  local contact = contacts ~= "*" and contacts and contacts[1]
  if not contact then return refusal("400", "Malformed Contact") end
  local wish = tonumber(login.expires:match("^%d+$")) or MAX_SUBSCRIPTION
  local seconds = math.min(wish, MAX_SUBSCRIPTION)

  local time, address_of = now(), node_addresses()
  if not address_of(login) then return refusal("503", "Node Not Ready", "Retry-After: 1\r\n") end
  local record = load(keys[1], time, address_of)
  local index
  for at, one in ipairs(record.watchers) do
    local same = one.call_id == login.call_id and one.remote_tag == login.remote_tag
    if same and (login.to_tag == "" or login.to_tag == one.tag) then index = at end
  end
  if not index and login.to_tag ~= "" then return refusal("481", "Subscription Does Not Exist") end
  if not index and #record.watchers >= MAX_WATCHERS then
    return refusal("503", "Too Many Subscriptions", "Retry-After: 60\r\n")
  end
  local watcher = record.watchers[index] or {
    call_id = login.call_id, tag = login.tag, remote_tag = login.remote_tag,
    local_uri = login.local_uri, remote_uri = login.remote_uri, domain = login.domain,
    event = login.event, heard = 0, cseq = 0, version = 0,
  }
  if login.cseq <= watcher.heard then return refusal("500", "CSeq Out Of Order") end

  -- What has lapsed is seen here first, perhaps.
  local commands = tell_watchers(record, "expired", login, address_of, time)
  watcher.heard, watcher.uri, watcher.expires = login.cseq, contact.uri, time + seconds * 1000
  for _, name in ipairs({ "node", "boot", "flow", "received", "socket" }) do
    watcher[name] = login[name]
  end
  if index then table.remove(record.watchers, index) end
  if seconds > 0 then table.insert(record.watchers, watcher) end
  table.insert(commands, notify_watcher(watcher, record, {}, login, address_of, time, seconds == 0))
  save(keys[1], record, time)
  local headers = "Expires: " .. seconds .. "\r\nContact: <sip:" .. login.domain .. ">\r\n"
  return { "200", "OK", headers, watcher.tag, unpack(commands) }
end

-- Policy -----------------------------------------------------------------------------------------

--- The device that a Contact is for: what its sender says, else the tag in a contact user of the
--- form `g1-TAG-…` (the SDK's generic profile), else the user itself.
local function set_device(login, contact)
  local tag = contact.user:match("^g1%-(%x%x%x%x%x%x%x%x%x%x%x%x)%-")
  login.tag = login.device_tag
  if login.device ~= "" then return end
  login.device = login.user
  if tag and tag ~= login.device_tag then
    login.device, login.tag = tag, tag
  elseif not tag and login.unnamed == "instance" and contact.instance then
    login.device, login.tag = contact.instance, contact.instance:lower()
  end
end

--- The name of a line, for the Contacts of calls: the address-of-record, and a hash of the device.
--- It leads to the device wherever that is registered, on whichever node, and outlives all of them.
local function line_of(login)
  local aor = login.user .. "@" .. login.domain
  local hex = aor:gsub(".", function(char) return string.format("%02x", char:byte()) end)
  return hex .. "." .. redis.sha1hex("line\n" .. aor .. "\n" .. login.tag):sub(1, 16)
end

--- Whether a binding belongs to the client that sends `contact`: equal instances, else an equal
--- contact, else the same connection. A contact user that is just the user of the
--- address-of-record identifies nobody: every desk phone has it.
local function owns(login, contact, binding)
  if on_flow(binding, login) then return true end
  if contact.instance and binding.instance then
    return same_text(contact.instance, binding.instance)
  end
  local telling = contact.user ~= "" and contact.user ~= login.user
  return telling and contact.user == binding.contact_user or contact.uri == binding.uri
end

--- Whether a binding is the sender's by what every REGISTER shows.
local function is_own(login, binding)
  return on_flow(binding, login) or binding.call_id == login.call_id
end

--- RFC 3261 §10.3 step 7: an update that is older than what it would change.
local function is_late(login, binding)
  return binding.call_id == login.call_id and login.cseq <= binding.cseq
end

local function contains(list, value)
  for _, one in ipairs(list) do if one == value then return true end end
  return false
end

--- Seconds until the next force is allowed, if not now.
local function force_again_in(login, record, time)
  local recent = {}
  for _, at in ipairs(record.forces) do
    if at + FORCE_WINDOW > time then recent[#recent + 1] = at end
  end
  record.forces = recent
  local limit = login.force_limit
  if limit > 0 and #recent >= limit then
    return math.max(1, math.ceil((recent[#recent - limit + 1] + FORCE_WINDOW - time) / 1000))
  end
end

--- Moves the bindings or watchers that `goes` says from the record to a list.
local function take(record, which, goes)
  local kept, taken = {}, {}
  for _, one in ipairs(record[which]) do
    local list = goes(one) and taken or kept
    list[#list + 1] = one
  end
  record[which] = kept
  return taken
end

--- Names the holder, so that a client can tell a rival from a remnant of itself. The contact's
--- user part only: its host is nobody's business.
local function conflict(login, holder)
  return refusal("403", "Forbidden", table.concat({
    'Warning: 399 ', login.node, ' "', CONFLICT, '"\r\n',
    'X-Graceline-Holder: "', plain(holder.instance or ""),
    '";contact="', plain(holder.contact_user),
    '";since=', string.format("%d", holder.since / 1000),
    ';agent="', plain(holder.agent), '"\r\n',
  }))
end

--- What of a login would take too much room, if anything does.
local function too_long(login, contact)
  if #contact.uri > MAX_URI or #contact.params > MAX_PARAMS then return "Contact" end
  if #(contact.instance or "") > MAX_NAME then return "Instance" end
  if #login.device > MAX_NAME then return "Device Name" end
  if #login.call_id > MAX_CALL_ID then return "Call-ID" end
end

local OUT_OF_ORDER = refusal("500", "CSeq Not Higher Than The Binding's")

--- Makes or refreshes the one binding of a REGISTER. Nothing is stored if it is refused.
local function bind(login, contact, record, time)
  local graceful, duplicate = login.policy == "graceful", login.policy == "duplicate"
  local ousted = {}
  local function is_rival(binding)
    return binding.tag == login.tag and not owns(login, contact, binding)
  end
  local holder
  for _, binding in ipairs(record.bindings) do
    if is_rival(binding) then holder = binding break end
  end
  if holder then
    local forced = contact.instance ~= nil and login.forced == "1"
    local banned = contains(record.outcasts, login.call_id)
    if not forced and (graceful or duplicate and banned) then return conflict(login, holder) end
    if graceful or duplicate then
      local seconds = force_again_in(login, record, time)
      if seconds then
        return refusal("503", "Too Many Takeovers", "Retry-After: " .. seconds .. "\r\n")
      end
      -- No more of them than can count.
      if login.force_limit > 0 then table.insert(record.forces, time) end
    end
    ousted = take(record, "bindings", is_rival)
  end

  -- What this client left behind on its device, or had at this very address.
  local mine = take(record, "bindings", function(binding)
    return binding.uri == contact.uri or binding.tag == login.tag
  end)
  local old
  for _, binding in ipairs(mine) do
    if is_late(login, binding) then return OUT_OF_ORDER end
    if binding.tag == login.tag then old = old or binding end
  end

  local limit = login.limit > 0 and math.min(login.limit, MAX_DEVICES) or MAX_DEVICES
  local listing = #contact.uri + #contact.params
  for _, one in ipairs(record.bindings) do listing = listing + #one.uri + #one.params end
  if #record.bindings >= limit or listing > MAX_LISTING then
    return refusal("503", "Service Unavailable", "P-Registrar-Error: Too many registered contacts\r\n")
  end
  local binding = {
    uri = contact.uri, params = contact.params, contact_user = contact.user, line = login.line,
    device = login.device, tag = login.tag,
    -- A Cisco client refreshes with zeros what it forced with its own id.
    instance = contact.instance or old and old.instance or nil,
    node = login.node, boot = login.boot,
    flow = login.flow, received = login.received, socket = login.socket,
    call_id = login.call_id, cseq = login.cseq, agent = login.agent:sub(1, MAX_TEXT),
    persists = login.persists == "1", gruu = login.gruu == "1",
    since = old and old.since or time, expires = time + contact.seconds * 1000,
  }
  table.insert(record.bindings, binding)

  if graceful or duplicate then
    local outcasts = {}
    for _, id in ipairs(record.outcasts) do
      if id ~= login.call_id then outcasts[#outcasts + 1] = id end
    end
    for _, one in ipairs(ousted) do outcasts[#outcasts + 1] = one.call_id end
    while #outcasts > MAX_OUTCASTS do table.remove(outcasts, 1) end
    record.outcasts = outcasts
  else
    ousted = {} -- nobody is told
  end
  return nil, binding, ousted
end

--- Removes what a REGISTER names with an expiry of 0. With graceful and duplicate a client may
--- remove its own bindings only: else removing would be a way around forcing.
local function unbind(login, contact, record)
  local late = false
  take(record, "bindings", function(binding)
    if binding.uri ~= contact.uri then return false end
    local same = contact.instance and same_text(contact.instance, binding.instance)
    if login.policy ~= "normal" and not same and not is_own(login, binding) then return false end
    late = late or is_late(login, binding)
    return not late
  end)
  return late and OUT_OF_ORDER or nil
end

local function unbind_all(login, record)
  for _, binding in ipairs(record.bindings) do
    local going = login.policy == "normal" or is_own(login, binding)
    if going and is_late(login, binding) then return OUT_OF_ORDER end
  end
  take(record, "bindings", function(binding) return login.policy == "normal" or is_own(login, binding) end)
end

--- The Contact headers of the answer. As Cisco's registrar has it, everybody sees only their own;
--- with policy normal, all.
local function listing(login, record, bound, time)
  local lines, granted = {}, 0
  for _, binding in ipairs(record.bindings) do
    if login.policy == "normal" or binding == bound or is_own(login, binding) then
      local seconds = math.ceil((binding.expires - time) / 1000)
      granted = math.max(granted, seconds)
      lines[#lines + 1] = "Contact: <" .. binding.uri .. ">" .. binding.params .. ";expires=" .. seconds
      if binding.gruu and binding.instance then
        lines[#lines] = lines[#lines] .. ';pub-gruu="sip:' .. login.user .. "@" .. login.domain
          .. ";gr=" .. binding.instance .. '"'
      end
    end
  end
  if #lines > 0 then lines[#lines + 1] = "Expires: " .. granted end
  lines[#lines + 1] = ""
  return table.concat(lines, "\r\n")
end

local REGISTER = {
  "policy", "limit", "force_limit", "min", "max", "default", "unnamed",
  "node", "boot", "flow", "received", "socket", "cluster_socket",
  "user", "domain", "device", "device_tag", "contacts", "expires",
  "call_id", "cseq", "agent", "forced", "persists", "gruu",
}

--- Seconds granted to a Contact (RFC 3261 §10.3 step 6). What cannot be read counts as not said.
local function granted(login, contact)
  local wish = contact.expires or tonumber(login.expires:match("^%d+$")) or login.default
  if wish > 0 and wish < login.min then return nil end
  return math.min(wish, login.max)
end

--- Notes for a node whom it has to close, unless it has been told to do so (see ousted).
local function note_ousted(key, binding, time)
  local list = "graceline:ousted:" .. binding.node
  redis.call("RPUSH", list, cjson.encode({ key = key, boot = binding.boot, flow = binding.flow, at = time }))
  redis.call("LTRIM", list, -MAX_UNTOLD, -1)
  redis.call("PEXPIRE", list, FORCE_WINDOW)
end

--- Seconds for which a connection has a binding; 0 if it has none.
local function bound_for(login, record, time)
  local last = time
  for _, binding in ipairs(record.bindings) do
    if on_flow(binding, login) then last = math.max(last, binding.expires) end
  end
  return tostring(math.ceil((last - time) / 1000))
end

--- One REGISTER of an authenticated user. Returns
---   status, reason, headers, name of the line, seconds for which the connection has a binding,
---   then for each NOTIFY to be sent
---   flow of this node that its receiver loses with it, or nothing; command that sends it.
local function register(keys, args)
  local login = read(args[1], REGISTER)
  if not login then return refusal("400", "Line Break In A Header") end
  for _, name in ipairs({ "limit", "force_limit", "min", "max", "default", "cseq" }) do
    login[name] = tonumber(login[name]) or 0
  end
  local contacts = read_contacts(login.contacts)
  if not contacts then return refusal("400", "Malformed Contact") end

  local time, address_of = now(), node_addresses()
  if not address_of(login) then return refusal("503", "Node Not Ready", "Retry-After: 1\r\n") end
  local record = load(keys[1], time, address_of)
  local bound, ousted
  if contacts == "*" then
    if tonumber(login.expires) ~= 0 then return refusal("400", "Wildcard Contact Needs Expires 0") end
    local late = unbind_all(login, record)
    if late then return late end
  else
    local adding
    for _, contact in ipairs(contacts) do
      contact.seconds = granted(login, contact)
      if not contact.seconds then
        return refusal("423", "Interval Too Brief", "Min-Expires: " .. login.min .. "\r\n")
      end
      if contact.seconds > 0 then
        -- One client has one place where it is; and who may take a device is decided for one.
        if adding then return refusal("400", "One Contact Per REGISTER") end
        adding = contact
      else
        local late = unbind(login, contact, record)
        if late then return late end
      end
    end
    if adding then
      set_device(login, adding)
      local what = too_long(login, adding)
      if what then return refusal("400", what .. " Too Long") end
      login.line = line_of(login)
      local refused
      refused, bound, ousted = bind(login, adding, record, time)
      if refused then return refused end
    end
  end
  local commands = {}
  if #contacts > 0 then
    commands = tell_watchers(record, "unregistered", login, address_of, time)
    save(keys[1], record, time)
  end

  local headers = listing(login, record, bound, time)
  if contacts == "*" then headers = "Expires: 0\r\n" .. headers end
  local reply = { "200", "OK", headers, bound and bound.line or "", bound_for(login, record, time) }
  for _, one in ipairs(ousted or {}) do
    if not one.held then
      note_ousted(keys[1], one, time)
      -- Another node closes the connection itself when the NOTIFY passes it.
      reply[#reply + 1] = one.node == login.node and one.flow or ""
      reply[#reply + 1] = service_control(one, login, address_of)
    end
  end
  for _, command in ipairs(commands) do
    reply[#reply + 1] = ""
    reply[#reply + 1] = command
  end
  return reply
end

-- The other calls --------------------------------------------------------------------------------

--- A connection is gone, and its bindings and subscriptions with it at once; but a client in a call
--- that announced X-cisco-sessionpersist may come back within the grace. Returns commands that send
--- NOTIFYs.
local function gone(keys, args)
  local lost = read(args[1], { "node", "boot", "flow", "cluster_socket", "in_call" })
  if not lost then return {} end
  local time, address_of = now(), node_addresses()
  local record = load(keys[1], time, address_of)
  take(record, "watchers", function(watcher) return on_flow(watcher, lost) end)
  take(record, "bindings", function(binding)
    if not on_flow(binding, lost) then return false end
    if not binding.persists or lost.in_call ~= "1" then return true end
    binding.held = math.min(binding.held or time + GRACE, time + GRACE)
    return false
  end)
  local commands = tell_watchers(record, "deactivated", lost, address_of, time)
  save(keys[1], record, time)
  return commands
end

--- A client says that it has no such subscription.
local function unsubscribe(keys, args)
  local time = now()
  local record = load(keys[1], time, node_addresses())
  take(record, "watchers", function(watcher) return watcher.call_id == args[1] end)
  -- Nobody is told here of what has lapsed.
  record.bindings = record.before
  for _, watcher in ipairs(record.ended) do table.insert(record.watchers, watcher) end
  save(keys[1], record, time)
  return "OK"
end

--- Connections of a node whose clients were ousted a while ago, and have not logged in since.
local function ousted(keys, args)
  local time, address_of, flows = now(), node_addresses(), {}
  while true do
    local text = redis.call("LINDEX", keys[1], 0)
    local one = text and cjson.decode(text)
    if not one or one.at + UNTOLD > time then return flows end
    redis.call("LPOP", keys[1])
    local back
    for _, binding in ipairs(load(one.key, time, address_of).bindings) do
      back = back or binding.flow == one.flow and binding.boot == one.boot
    end
    if one.boot == args[1] and not back then flows[#flows + 1] = one.flow end
  end
end

--- Whether a connection has a binding, which proves whose it is.
local function speaks(keys, args)
  local login, time = read(args[1], { "node", "boot", "flow" }), now()
  return login and bound_for(login, load(keys[1], time, node_addresses()), time) or "0"
end

--- Where a user is reached, or one instance of it (RFC 5627), those who were heard last first: for
--- each binding
---   next hop, Request-URI, sending socket.
local function lookup(keys, args)
  local asked = read(args[1], { "node", "cluster_socket", "instance" })
  local reply = {}
  if not asked then return reply end
  local time, address_of = now(), node_addresses()
  local bindings = load(keys[1], time, address_of).bindings
  for index = #bindings, 1, -1 do
    local binding = bindings[index]
    local wanted = asked.instance == "" or same_text(asked.instance, binding.instance)
    if wanted and not binding.held and #reply < 3 * MAX_BRANCHES then
      for _, value in ipairs({ route_to(binding, asked, address_of) }) do
        reply[#reply + 1] = value
      end
    end
  end
  return reply
end

--- Where a line is now: next hop, sending socket. Nothing if it is nowhere.
local function line(keys, args)
  local asked = read(args[1], { "node", "cluster_socket", "line" })
  if not asked then return {} end
  local address_of = node_addresses()
  for _, binding in ipairs(load(keys[1], now(), address_of).bindings) do
    if binding.line == asked.line and not binding.held then
      local next_hop, _, socket = route_to(binding, asked, address_of)
      return { next_hop, socket }
    end
  end
  return {}
end

--- Who is registered, for people and tests: each binding as JSON.
local function bindings(keys)
  local list = load(keys[1], now(), node_addresses()).bindings
  for index, binding in ipairs(list) do list[index] = cjson.encode(binding) end
  return list
end

--- A node says that it is alive, for so many milliseconds. Two of one name would take each other's
--- bindings for dead ones.
local function lease(keys, args)
  local node = read(args[1], { "boot", "address", "milliseconds" })
  local holder = redis.call("HGET", keys[1], "address")
  if holder and holder ~= node.address then
    return redis.error_reply("ERR the node at " .. holder .. " has this name")
  end
  redis.call("HSET", keys[1], "boot", node.boot, "address", node.address)
  redis.call("PEXPIRE", keys[1], node.milliseconds)
  return "OK"
end

redis.register_function("graceline_register", register)
redis.register_function("graceline_gone", gone)
redis.register_function("graceline_ousted", ousted)
redis.register_function("graceline_subscribe", subscribe)
redis.register_function("graceline_unsubscribe", unsubscribe)
redis.register_function("graceline_lease", lease)
redis.register_function({ function_name = "graceline_lookup", callback = lookup, flags = { "no-writes" } })
redis.register_function({ function_name = "graceline_speaks", callback = speaks, flags = { "no-writes" } })
redis.register_function({ function_name = "graceline_line", callback = line, flags = { "no-writes" } })
redis.register_function({ function_name = "graceline_bindings", callback = bindings, flags = { "no-writes" } })
