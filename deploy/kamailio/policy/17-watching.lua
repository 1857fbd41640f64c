-- How available users are, what waits in their mailboxes, calls of their devices ------------------------------
--
-- Subscriptions to that (RFC 3856, RFC 3842, RFC 4235) stand with whom they watch, in `graceline:watchers:user@domain`, a
-- hash of JSON by watch_id(), whose fields are those of new_watcher() and
--   package, aor   what is watched, and as whom
--   by             the subscriber, user@domain
--   told           hash of the last document
-- and `graceline:watches:user@domain`, a hash by the same of whom that user watches. What devices have published
-- (RFC 3903) is in 18-publishing. `graceline:looks` is a sorted set of who is watched, by when something may have
-- lapsed.
--
-- Whatever may change a document ends in watching.changed(), which tells those for whom it has changed.

do

local MAX_WATCHED = 300 -- subscriptions to one user
local MAX_WATCHES = 300 -- and of one user to others

--- What is watched beside the registrations, and the types of the documents.
watching.types = {
  presence = "application/pidf+xml", ["message-summary"] = "application/simple-message-summary",
  dialog = "application/dialog-info+xml",
}

local function watchers_key(who) return "graceline:watchers:" .. who end
local function watches_key(who) return "graceline:watches:" .. who end

local function watch_id(call_id, remote_tag)
  return redis.sha1hex(call_id .. "\n" .. remote_tag)
end

-- Documents ---------------------------------------------------------------------------------------------------

--- All that documents about a user are made of.
function watching.look_at(who, time, address_of)
  local record = load("graceline:" .. who, time, address_of)
  local text = redis.call("GET", "graceline:published:" .. who)
  local published = {}
  for _, one in ipairs(text and cjson.decode(text) or {}) do
    local lasts = one.expires > time and (not one.uri or find(record.bindings, "uri", one.uri))
    if lasts then published[#published + 1] = one end
  end
  return {
    who = who, record = record, published = published, made = {},
    account = load_account("graceline:account:" .. who),
  }
end

--- What tells of a user, as whom the watcher knows the user, to that watcher.
watching.documents = {}

do

--- Whether it is UTF-8 (RFC 3629 §4). What was seen leaves a mark, so that nothing is made of what is around it.
function watching.is_utf8(text)
  for _, form in ipairs({
    "[\194-\223][\128-\191]", "\224[\160-\191][\128-\191]", "[\225-\236\238\239][\128-\191][\128-\191]",
    "\237[\128-\159][\128-\191]", "\240[\144-\191][\128-\191][\128-\191]",
    "[\241-\243][\128-\191][\128-\191][\128-\191]", "\244[\128-\143][\128-\191][\128-\191]",
  }) do text = text:gsub(form, ".") end
  return not text:find("[\128-\255]")
end

--- Whether somebody is there, and the activity that says more.
local function shown(seen, state)
  if state == "offline" then return "closed" end
  if state == "busy" or seen.account.rules.doNotDisturb then return "open", "busy" end
  if watching.is_on_the_phone(seen.who) then return "open", "on-the-phone" end
  if state == "away" then return "open", "away" end
  return #seen.record.bindings > 0 and "open" or "closed"
end

function watching.documents.presence(seen, aor)
  local said = seen.published[#seen.published] or seen.account.manual
  local basic, activity = shown(seen, said.state)
  return table.concat({
    '<?xml version="1.0" encoding="UTF-8"?>\n<presence xmlns="urn:ietf:params:xml:ns:pidf"',
    ' xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="',
    xml(aor), '">\n  <tuple id="user"><status><basic>', basic, "</basic></status></tuple>\n",
    said.note and "  <note>" .. xml(said.note, watching.is_utf8(said.note)) .. "</note>\n" or "",
    activity and '  <dm:person id="person"><rpid:activities><rpid:' .. activity
      .. "/></rpid:activities></dm:person>\n" or "",
    "</presence>\n",
  })
end

watching.documents["message-summary"] = function(seen, aor)
  local mailbox = seen.account.mailbox
  return "Messages-Waiting: " .. (mailbox.new > 0 and "yes" or "no") .. "\r\nMessage-Account: " .. aor
    .. "\r\nVoice-Message: " .. mailbox.new .. "/" .. mailbox.old .. " (0/0)\r\n"
end

end

-- Telling -----------------------------------------------------------------------------------------------------

--- What a watcher is told: the same to all, but of dialogs, which are others for each device.
local function document_for(watcher, seen)
  local name = watcher.package .. " " .. watcher.aor
  local body = seen.made[name] or watching.documents[watcher.package](seen, watcher.aor, watcher)
  if watcher.package ~= "dialog" then seen.made[name] = body end
  return body
end

--- The command that tells a watcher, for the node of its connection; nothing if it knows that already.
local function news_for(watcher, seen, address_of, time, over)
  local body = document_for(watcher, seen)
  local hash = redis.sha1hex(body)
  if hash == watcher.told and not over then return nil end
  watcher.told = hash
  if watcher.package == "dialog" then body = body:gsub(' version="0"', ' version="' .. watcher.version .. '"', 1) end
  return notify_watcher(watcher, watching.types[watcher.package], body, watcher, address_of, time, over)
end

local function drop(who, id, watcher)
  redis.call("HDEL", watchers_key(who), id)
  redis.call("HDEL", watches_key(watcher.by), id)
end

local function save_watcher(who, id, watcher)
  redis.call("HSET", watchers_key(who), id, cjson.encode(watcher))
end

--- Of one that subscribes its user is known, too, as long as that may last.
local function keep_watcher(who, id, watcher)
  save_watcher(who, id, watcher)
  redis.call("HSET", watches_key(watcher.by), id, who)
  redis.call("PEXPIRE", watches_key(watcher.by), MAX_SUBSCRIPTION * 1000)
end

--- Somebody looks at that user when the first of what is there ends, and in a while anyway: a node may die.
local function look_later(who, seen, watchers, time)
  local at = time + LOOK
  for _, list in ipairs({ watchers, seen.published, seen.record.bindings }) do
    for _, one in ipairs(list) do at = math.min(at, one.held or one.expires) end
  end
  redis.call("ZADD", "graceline:looks", at, who)
end

--- Tells those who watch a user what has changed for them.
local function tell(who, time)
  local address_of, watchers = node_addresses(), {}
  local known, seen = pcall(watching.look_at, who, time, address_of)
  if not known then return redis.call("ZADD", "graceline:looks", time + LOOK, who) end
  local stored = redis.call("HGETALL", watchers_key(who))
  for index = 1, #stored, 2 do
    local id, watcher = stored[index], cjson.decode(stored[index + 1])
    local there, over = address_of(watcher), watcher.expires <= time
    local command = there and news_for(watcher, seen, address_of, time, over)
    if command then leave(watcher, command) end
    if over or not there then
      drop(who, id, watcher)
    else
      watchers[#watchers + 1] = watcher
      if command then save_watcher(who, id, watcher) end
    end
  end
  if #watchers == 0 then return redis.call("ZREM", "graceline:looks", who) end
  look_later(who, seen, watchers, time)
end

function watching.changed(who)
  if redis.call("EXISTS", watchers_key(who)) == 1 then tell(who, now()) end
end

--- Forgets those subscriptions of a user that `goes` says.
function watching.forget(key, goes)
  local by = key:match("^graceline:(.+)$")
  local stored = redis.call("HGETALL", watches_key(by))
  for index = 1, #stored, 2 do
    local id, who = stored[index], stored[index + 1]
    local text = redis.call("HGET", watchers_key(who), id)
    local watcher = text and cjson.decode(text)
    if not watcher then redis.call("HDEL", watches_key(by), id)
    elseif goes(watcher) then drop(who, id, watcher)
    end
  end
end

--- Looks at those of whom something may have lapsed.
local function looks(keys, args)
  local time = now()
  for _, who in ipairs(redis.call("ZRANGEBYSCORE", keys[1], "-inf", time, "LIMIT", 0, tonumber(args[1]) or 0)) do
    tell(who, time)
  end
  return "OK"
end

-- SUBSCRIBE, PUBLISH ------------------------------------------------------------------------------------------

--- A SUBSCRIBE of a user who is authenticated, and may watch that one. Answered as `subscribe` is.
local function watch(keys, args)
  local time, address_of = now(), node_addresses()
  local login, refused = read_subscribe(args[1], { "package", "watched", "aor", unpack(SUBSCRIBE) }, address_of)
  if not login then return refused end
  local by, id = keys[1]:match("^graceline:(.+)$"), watch_id(login.call_id, login.remote_tag)
  local who = redis.call("HGET", watches_key(by), id) or login.to_tag == "" and login.watched
  local text = who and redis.call("HGET", watchers_key(who), id)
  local watcher = text and cjson.decode(text)
  if login.to_tag ~= "" and (not watcher or watcher.tag ~= login.to_tag or watcher.package ~= login.package) then
    return refusal("481", "Subscription Does Not Exist")
  end
  if not watcher then
    if redis.call("HLEN", watches_key(by)) >= MAX_WATCHES then
      watching.forget(keys[1], function(one) return one.expires <= time or not address_of(one) end)
    end
    if redis.call("HLEN", watches_key(by)) >= MAX_WATCHES or redis.call("HLEN", watchers_key(who)) >= MAX_WATCHED then
      return refusal("503", "Too Many Subscriptions", "Retry-After: 60\r\n")
    end
    watcher = new_watcher(login)
    watcher.package, watcher.aor, watcher.by = login.package, login.aor, by
  end
  if login.cseq <= watcher.heard then return refusal("500", "CSeq Out Of Order") end
  renew_watcher(watcher, login, time)
  local seen, over = watching.look_at(who, time, address_of), login.seconds == 0
  -- Whoever asks is told, be it news or not (RFC 6665 §4.2.1.2).
  watcher.told = nil
  local command = news_for(watcher, seen, address_of, time, over)
  if over then
    drop(who, id, watcher)
  else
    keep_watcher(who, id, watcher)
    local next_look = tonumber(redis.call("ZSCORE", "graceline:looks", who) or nil)
    if not next_look or next_look > time then look_later(who, seen, { watcher }, time) end
  end
  return subscribed(login, command)
end

redis.register_function("graceline_looks", looks)
redis.register_function("graceline_watch", watch)

end
