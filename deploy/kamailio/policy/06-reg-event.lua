-- Registration event package (RFC 3680) ----------------------------------------------------------
--
-- A block of its own, but for what tells of other events, too (17-watching).
local xml, notify_watcher, tell_watchers, SUBSCRIBE, read_subscribe, new_watcher, renew_watcher, subscribed
do

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
function xml(text, is_utf8)
  local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }
  if not is_utf8 then text = text:gsub("[\128-\255]", "?") end
  return (text:gsub('[&<>"]', entities))
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
function notify_watcher(watcher, media_type, body, login, address_of, time, over)
  local state = "terminated;reason=timeout"
  if not over then state = "active;expires=" .. math.ceil((watcher.expires - time) / 1000) end
  watcher.version, watcher.cseq = watcher.version + 1, watcher.cseq + 1
  return notify(watcher, login, address_of, {
    "From: <" .. watcher.local_uri .. ">;tag=" .. watcher.tag,
    "To: <" .. watcher.remote_uri .. ">;tag=" .. watcher.remote_tag,
    "Call-ID: " .. watcher.call_id, "CSeq: " .. watcher.cseq .. " NOTIFY",
    "Contact: <sip:" .. watcher.domain .. ">",
    "Event: " .. watcher.event, "Subscription-State: " .. state,
    "Content-Type: " .. media_type,
  }, body)
end

--- The same of the registrations.
local function notify_reg(watcher, record, changes, login, address_of, time, over)
  local body = reginfo(record, changes, watcher.version, time)
  return notify_watcher(watcher, "application/reginfo+xml", body, login, address_of, time, over)
end

--- What everybody who watches is to be told of what has become of the bindings.
function tell_watchers(record, cause, login, address_of, time)
  local commands, changes = {}, changes_of(record, cause)
  for _, watcher in ipairs(#changes > 0 and record.watchers or {}) do
    commands[#commands + 1] = notify_reg(watcher, record, changes, login, address_of, time)
  end
  for _, watcher in ipairs(record.ended) do
    commands[#commands + 1] = notify_reg(watcher, record, changes, login, address_of, time, true)
  end
  return commands
end

SUBSCRIBE = {
  "node", "boot", "flow", "received", "socket", "cluster_socket",
  "domain", "local_uri", "remote_uri", "contact", "expires",
  "call_id", "cseq", "remote_tag", "to_tag", "tag", "event",
}

--- Reads a SUBSCRIBE, from a node that is alive: what it says, the URI of its Contact and the seconds; or a refusal.
function read_subscribe(text, names, address_of)
  local login = #text <= MAX_SUBSCRIBE and read(text, names)
  if not login then return nil, refusal("400", "SUBSCRIBE Too Long") end
  login.cseq = tonumber(login.cseq) or 0
  -- Kamailio puts addresses in place of two exclamation marks.
  if login.event:find("[^%w;=._ -]") then return nil, refusal("400", "Malformed Event") end
  local contacts = read_contacts(login.contact)
  local contact = contacts ~= "*" and contacts and contacts[1]
  if not contact then return nil, refusal("400", "Malformed Contact") end
  local wish = tonumber(login.expires:match("^%d+$")) or MAX_SUBSCRIPTION
  login.uri, login.seconds = contact.uri, math.min(wish, MAX_SUBSCRIPTION)
  if not address_of(login) then return nil, refusal("503", "Node Not Ready", "Retry-After: 1\r\n") end
  return login
end

function new_watcher(login)
  return {
    call_id = login.call_id, tag = login.tag, remote_tag = login.remote_tag,
    local_uri = login.local_uri, remote_uri = login.remote_uri, domain = login.domain,
    event = login.event, heard = 0, cseq = 0, version = 0,
  }
end

--- A SUBSCRIBE of the watcher was taken.
function renew_watcher(watcher, login, time)
  watcher.heard, watcher.uri, watcher.expires = login.cseq, login.uri, time + login.seconds * 1000
  for _, name in ipairs({ "node", "boot", "flow", "received", "socket" }) do
    watcher[name] = login[name]
  end
end

function subscribed(login, ...)
  local headers = "Expires: " .. login.seconds .. "\r\nContact: <sip:" .. login.domain .. ">\r\n"
  return { "200", "OK", headers, ... }
end

--- A SUBSCRIBE of the user to its own address-of-record, who is authenticated. Returns
---   status, reason, headers, commands that send NOTIFYs.
local function subscribe(keys, args)
  local time, address_of = now(), node_addresses()
  local login, refused = read_subscribe(args[1], SUBSCRIBE, address_of)
  if not login then return refused end
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
  local watcher = record.watchers[index] or new_watcher(login)
  if login.cseq <= watcher.heard then return refusal("500", "CSeq Out Of Order") end

  -- What has lapsed is seen here first, perhaps.
  local commands = tell_watchers(record, "expired", login, address_of, time)
  renew_watcher(watcher, login, time)
  if index then table.remove(record.watchers, index) end
  if login.seconds > 0 then table.insert(record.watchers, watcher) end
  table.insert(commands, notify_reg(watcher, record, {}, login, address_of, time, login.seconds == 0))
  save(keys[1], record, time)
  return subscribed(login, unpack(commands))
end

--- A client says that it has no such subscription.
local function unsubscribe(keys, args)
  local time = now()
  watching.forget(keys[1], function(watcher) return watcher.call_id == args[1] end)
  local record = load(keys[1], time, node_addresses())
  take(record, "watchers", function(watcher) return watcher.call_id == args[1] end)
  keep_lapsed(record)
  save(keys[1], record, time)
  return "OK"
end

redis.register_function("graceline_subscribe", subscribe)
redis.register_function("graceline_unsubscribe", unsubscribe)

end
