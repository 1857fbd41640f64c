-- One record a call, for who calls and for each user that it was for ----------------------------------------
--
-- A call is known by its INVITE: Call-ID and the caller's tag. It has a record from the INVITE on, and is over
-- when neither the INVITE nor a dialog of it is left: several may answer, and another device may take the call
-- over by an INVITE of its own (RFC 3891). Each user has a part in it, which is listed when it is over: of who
-- forwards, before the call is. The same is src/account/records.rs; tests/rules/history.txt has the cases.
--
-- A record (`graceline:call:ID`) has
--   id, key        `call_id` and `tag`
--   start, ended   times; ended when it is over
--   caller         `who` and `device`, if a user
--   from, to       `uri` and `displayName`
--   legs           of each who was called: `who`, `rang`, and as it came `answered`, `by`, `forwarded`, `ended`
--   open           INVITEs and dialogs: `call_id`, `tag`; of a dialog `callee`, the tag of who answered, and
--                  `sides`, who is in it with which device, the caller first; of an
--                  INVITE `node` and `boot` of who has it, `given_up`, when the caller took it back, if it
--                  takes the call over `taker`, and `rings`, of each device at which it does `who`, `device`
--                  and `callee`, the tag of its early dialog
--   parties        who is in it: `who` and `device`
--   answered, outcome, told, names
--   course, pending  see 14-routing
-- An INVITE's is found by `graceline:call-of:HASH`, a user's by `graceline:history:user@domain`, a sorted set by
-- start, and, while they are under way, by `graceline:in-calls:user@domain`. All of these stand in
-- `graceline:calls`, a sorted set by when somebody looks after them next.

--- What the parts after this one use.
local Calls = {}

do

local function call_key(id)
  return "graceline:call:" .. id
end

local function history_key(who)
  return "graceline:history:" .. who
end

local function hash_of(call_id, tag)
  return redis.sha1hex(call_id .. "\n" .. tag)
end

local function pointer_to(call)
  return "graceline:call-of:" .. hash_of(call.call_id, call.tag)
end

local function load_call(id)
  local text = id and redis.call("GET", call_key(id))
  return text and cjson.decode(text) or nil
end

--- The record of an INVITE or of a dialog of it.
local function call_of(call)
  return load_call(redis.call("GET", pointer_to(call)))
end

local function index_of(list, is_it)
  for index, one in ipairs(list) do if is_it(one) then return index end end
end

local function is_invite(call)
  return function(one) return one.call_id == call.call_id and one.tag == call.tag and not one.callee end
end

local function is_dialog(call, callee)
  return function(one) return one.call_id == call.call_id and one.tag == call.tag and one.callee == callee end
end

local function is_caller(record, who)
  return record.caller ~= nil and record.caller.who == who
end

local function leg_of(record, who)
  return (find(record.legs, "who", who))
end

--- Users who have part in it, each once.
local function readers(record)
  local list = { record.caller and record.caller.who }
  for _, leg in ipairs(record.legs) do
    if not is_caller(record, leg.who) then list[#list + 1] = leg.who end
  end
  return list
end

--- When the part of a user was over, if it is.
local function ended_for(record, who)
  local leg = not is_caller(record, who) and leg_of(record, who)
  return leg and leg.ended or record.ended
end

--- The call is for this user now.
local function is_for(record, who)
  if who == "" then return end
  local leg = leg_of(record, who)
  if leg then leg.ended = nil else table.insert(record.legs, { who = who, rang = {} }) end
end

--- What became of it for the caller.
local function result(record)
  if record.answered then return "answered" end
  local words = { busy = "busy", undisturbed = "busy", declined = "declined", cancelled = "cancelled" }
  return words[record.outcome] or "failed"
end

--- What became of it for who was called.
local function result_of(record, leg)
  if leg.answered then return "answered" end
  if leg.forwarded and leg.forwarded ~= "voicemail" then return "forwarded" end
  if leg.forwarded then return leg.ended and "voicemail" or "missed" end
  local own = not record.answered and (record.outcome == "busy" or record.outcome == "declined")
  return own and record.outcome or "missed"
end

--- As a user sees it, whose part in it is over.
local function seen_by(record, who)
  local ended, leg, calls = ended_for(record, who), leg_of(record, who), is_caller(record, who)
  if not ended then return nil end
  local answered = calls and record.answered or not calls and leg.answered or nil
  local told = cjson.encode({
    id = record.id, direction = calls and "outgoing" or "incoming", from = record.from, to = record.to,
    start = record.start, answered = answered, ["end"] = ended,
    result = calls and result(record) or result_of(record, leg),
    answeredBy = leg and leg.by, device = calls and record.caller.device or nil, forwardedTo = leg and leg.forwarded,
  })
  return told:sub(1, -2) .. ',"rang":' .. json_list(leg and leg.rang or {}) .. "}"
end

--- Forgets records that nobody reads any more.
local function drop_unread(ids)
  for _, id in ipairs(ids) do
    local record, read_by = load_call(id), 0
    for _, who in ipairs(record and readers(record) or {}) do
      if redis.call("ZSCORE", history_key(who), id) then read_by = read_by + 1 end
    end
    if record and record.ended and read_by == 0 then redis.call("DEL", call_key(id)) end
  end
end

--- Lists it for a user, and forgets what is too old or too much.
local function list_call(record, who, time)
  local key = history_key(who)
  redis.call("ZADD", key, record.start, record.id)
  redis.call("ZREMRANGEBYSCORE", key, "-inf", "(" .. (time - LISTED))
  local gone = redis.call("ZRANGE", key, 0, -MAX_HISTORY - 1)
  redis.call("ZREMRANGEBYRANK", key, 0, -MAX_HISTORY - 1)
  redis.call("PEXPIRE", key, LISTED)
  drop_unread(gone)
  publish(who, "history", record.id)
end

local function in_calls_key(who)
  return "graceline:in-calls:" .. who
end

--- What is under way for a user, for who watches.
local function note_under_way(record, who, time)
  local key = in_calls_key(who)
  if ended_for(record, who) then
    redis.call("ZREM", key, record.id)
  else
    redis.call("ZREMRANGEBYSCORE", key, "-inf", time)
    redis.call("ZADD", key, record.start + LONGEST, record.id)
    redis.call("PEXPIRE", key, LONGEST)
  end
end

--- The calls that are under way for a user, in which the user's part is not over.
function watching.calls_of(who)
  local list = {}
  for _, id in ipairs(redis.call("ZRANGE", in_calls_key(who), 0, -1)) do
    local record = load_call(id)
    if record and not ended_for(record, who) then list[#list + 1] = record end
  end
  return list
end

--- Whether a user has called somebody, or answered, and goes on.
function watching.is_on_the_phone(who)
  for _, record in ipairs(watching.calls_of(who)) do
    local leg = leg_of(record, who)
    if is_caller(record, who) or leg and leg.answered then return true end
  end
  return false
end

local function save_call(record, time)
  for _, who in ipairs(readers(record)) do
    note_under_way(record, who, time)
    if ended_for(record, who) and not contains(record.told, who) then
      table.insert(record.told, who)
      list_call(record, who, time)
    end
  end
  local lasts = record.ended and #readers(record) == 0 and AGAIN or LISTED
  redis.call("SET", call_key(record.id), cjson.encode(record), "PX", lasts)
  if record.ended then
    redis.call("ZREM", "graceline:calls", record.id)
    -- Who is to ask again is known for as long as it may.
    for _, name in ipairs(record.names) do redis.call("PEXPIRE", "graceline:call-of:" .. name, AGAIN) end
  end
  for _, who in ipairs(readers(record)) do watching.changed(who) end
end

--- Ends what of it fits, and the call with the last.
local function close_call(record, time, is_closed)
  local open = {}
  for _, one in ipairs(record.open) do
    if not is_closed(one) then open[#open + 1] = one end
  end
  record.open = open
  if #open == 0 then record.ended = record.ended or time end
end

local function open_invite(record, call, taker)
  table.insert(record.open, {
    call_id = call.call_id, tag = call.tag, node = call.node, boot = call.boot, taker = taker,
  })
  table.insert(record.parties, taker)
  local name = hash_of(call.call_id, call.tag)
  if not contains(record.names, name) then table.insert(record.names, name) end
  redis.call("SET", pointer_to(call), record.id, "PX", LONGEST)
end

--- The call that an INVITE takes over (RFC 3891 §6.1): one with this dialog, in which its sender has part.
local function replaced(begun)
  local call_id = begun.replaces:match("^%s*([^;%s]+)")
  local one, other = begun.replaces:match(";%s*to%-tag=([^;%s]+)"), begun.replaces:match(";%s*from%-tag=([^;%s]+)")
  if not (call_id and one and other) or begun.who == "" then return nil end
  for _, tags in ipairs({ { one, other }, { other, one } }) do
    local record = call_of({ call_id = call_id, tag = tags[1] })
    local has_part = record and contains(readers(record), begun.who)
    local there = has_part and index_of(record.open, function(use)
      return use.call_id == call_id and use.tag == tags[1] and (not use.callee or use.callee == tags[2])
    end)
    if there then return record end
  end
end

--- An INVITE was let in. `begun` has `call_id`, `tag`; `who` calls, with `device`, if a user; `from_uri`,
--- `from_name`, `to_uri`; `callee`, if a user; `replaces`, the header; and `node` and `boot`; `unbound` if no
--- binding says whether the caller is there. Returns the record, which is to be saved.
function Calls.begin(begun, time)
  local record = call_of(begun)
  local pending = record and index_of(record.open, is_invite(begun))
  local asked_to = record and record.ended and record.ended + AGAIN > time
    and (record.outcome == "redirected" or record.outcome == "otherwise")
  local caller = begun.who ~= "" and { who = begun.who, device = begun.device ~= "" and begun.device or nil } or nil
  local own = record and record.key.call_id == begun.call_id and record.key.tag == begun.tag
  if own and (pending or asked_to) then
    if not pending then open_invite(record, begun) end
    is_for(record, begun.callee)
    record.ended = nil
    local told = {}
    for _, who in ipairs(record.told) do
      if ended_for(record, who) then told[#told + 1] = who end
    end
    record.told = told
  else
    record = replaced(begun)
    if record then
      open_invite(record, begun, caller)
    else
      record = {
        id = redis.sha1hex(begun.call_id .. "\n" .. begun.tag .. "\n" .. time):sub(1, 32), start = time,
        key = { call_id = begun.call_id, tag = begun.tag },
        caller = caller, parties = { not begun.unbound and caller or nil },
        from = { uri = begun.from_uri:sub(1, MAX_ADDRESS), displayName = begun.from_name:sub(1, MAX_TEXT) },
        to = { uri = begun.to_uri:sub(1, MAX_ADDRESS), displayName = "" },
        legs = {}, open = {}, names = {}, told = {}, course = {},
      }
      open_invite(record, begun)
      is_for(record, begun.callee)
    end
  end
  redis.call("ZADD", "graceline:calls", time + LOOK, record.id)
  return record
end

--- The record of an INVITE that is under way.
function Calls.of_invite(call)
  local record = call_of(call)
  return record and index_of(record.open, is_invite(call)) and record
end

--- Does something with the record of an INVITE that is under way.
local function with_invite(call, time, deed)
  local record = Calls.of_invite(call)
  if not record then return end
  deed(record)
  save_call(record, time)
end

local function call_rings(call, callee, who, device, time)
  with_invite(call, time, function(record)
    local leg, invite = leg_of(record, who), record.open[index_of(record.open, is_invite(call))]
    if leg and not contains(leg.rang, device) then table.insert(leg.rang, device) end
    invite.rings = invite.rings or {}
    local there = find(invite.rings, "callee", callee)
    if not there then table.insert(invite.rings, { who = who, device = device, callee = callee }) end
  end)
end

--- The rules of a user send it elsewhere, to `heir` if that is a user. Whether the mailbox takes it is seen when
--- it answers.
function Calls.forwarded(record, who, to, heir, time)
  local leg = leg_of(record, who)
  if leg then leg.forwarded, leg.ended = to, to ~= "voicemail" and time or nil end
  for _, one in ipairs(record.open) do one.rings = nil end
  is_for(record, heir)
end

--- Who has the tag `callee` has answered, a device of a user if `who` says so.
local function call_answered(call, callee, who, device, time)
  with_invite(call, time, function(record)
    local invite = table.remove(record.open, index_of(record.open, is_invite(call)))
    local sides = { invite.taker or record.caller or {}, { who = who, device = device ~= "" and device or nil } }
    table.insert(record.open, { call_id = call.call_id, tag = call.tag, callee = callee, sides = sides })
    if record.answered then return end
    record.answered = time
    for _, party in ipairs({ { who = who, device = device ~= "" and device or nil }, invite.taker }) do
      local leg = leg_of(record, party.who)
      if leg then leg.answered, leg.by = time, party.device end
      if party.who ~= "" then table.insert(record.parties, party) end
    end
    for _, leg in ipairs(record.legs) do
      if leg.forwarded == "voicemail" and not leg.answered then leg.ended = leg.ended or time end
    end
  end)
end

--- An INVITE came to nothing: busy, undisturbed, declined, cancelled, otherwise (the caller is to ask otherwise),
--- redirected to another address, failed; or unknown, where who was called last is none of our users.
function Calls.fail(record, call, outcome, to, time)
  Calls.arrive(record, "", time)
  local last = record.legs[#record.legs]
  if outcome == "redirected" and last and not last.ended then last.forwarded, last.ended = to, time end
  if outcome == "unknown" and last then
    table.remove(record.legs)
    redis.call("ZREM", in_calls_key(last.who), record.id)
  end
  close_call(record, time, is_invite(call))
  if record.key.call_id == call.call_id and record.key.tag == call.tag then record.outcome = outcome end
end

--- A dialog is over. Either side may say so: the tags are tried both ways.
local function call_hung_up(call_id, one, other, time)
  for _, tags in ipairs({ { one, other }, { other, one } }) do
    local record = call_of({ call_id = call_id, tag = tags[1] })
    local is_it = is_dialog({ call_id = call_id, tag = tags[1] }, tags[2])
    if record and index_of(record.open, is_it) then
      close_call(record, time, is_it)
      return save_call(record, time)
    end
  end
end

--- Whether a user has that device here, or any, if it is not known which.
local function is_there(party, time, address_of)
  local known = load_if_known("graceline:" .. party.who, time, address_of)
  for _, binding in ipairs(known and known.bindings or {}) do
    if not party.device or party.device == binding.device_id then return true end
  end
  return false
end

--- Whether nobody could tell that a call is over: who had the INVITE, or who was in the dialog, is gone.
local function is_lost(record, time)
  local address_of = node_addresses()
  for _, one in ipairs(record.open) do
    if not one.callee and address_of(one) then return false end
  end
  if not index_of(record.open, function(one) return one.callee end) then return true end
  for _, party in ipairs(record.parties) do
    if is_there(party, time, address_of) then return false end
  end
  return #record.parties > 0
end

--- Ends INVITEs that their callers have taken back. Where a phone refused at the same moment, no node is told.
local function end_given_up(record, time)
  for _, one in ipairs({ unpack(record.open) }) do
    if one.given_up and one.given_up + GIVEN_UP <= time then Calls.fail(record, one, "cancelled", "", time) end
  end
end

--- Looks after calls that nobody has looked after for a while. One that is lost is over if it is lost the next
--- time, too.
local function sweep(_, args)
  local time, most = now(), tonumber(args[1]) or 0
  for _, id in ipairs(redis.call("ZRANGEBYSCORE", "graceline:calls", "-inf", time, "LIMIT", 0, most)) do
    local record = load_call(id)
    if not record then
      redis.call("ZREM", "graceline:calls", id)
    else
      end_given_up(record, time)
      local lost = is_lost(record, time)
      if record.start + LONGEST <= time or lost and record.lost then
        close_call(record, time, function() return true end)
      end
      record.lost = lost
      redis.call("ZADD", "graceline:calls", time + (lost and GRACE or LOOK), id)
      save_call(record, time)
    end
  end
  return 1
end

redis.register_function("graceline_sweep", sweep)

verb("history", { ["before?"] = text_of(64), ["limit?"] = number_of(1, MAX_PAGE) }, function(user, argument)
  local key, from = history_key(user.who), 0
  if argument.before then
    local rank = redis.call("ZREVRANK", key, argument.before)
    if not rank then return refuse("unknown") end
    from = rank + 1
  end
  local list = {}
  for _, id in ipairs(redis.call("ZREVRANGE", key, from, from + (argument.limit or PAGE) - 1)) do
    local record = load_call(id)
    if record and record.start + LISTED >= user.time then list[#list + 1] = seen_by(record, user.who) end
  end
  return "[" .. table.concat(list, ",") .. "]"
end)

verb("history_record", { id = text_of(64) }, function(user, argument)
  local record = load_call(argument.id)
  local there = record and contains(readers(record), user.who) and seen_by(record, user.who)
  if not there then return refuse("unknown") end
  return there
end)

-- What nodes tell -------------------------------------------------------------------------------------------

--- Registers what a node tells of a call, as named fields.
local function call_told(name, fields, deed)
  redis.register_function("graceline_call_" .. name, function(_, args)
    local told = read(args[1], fields)
    if told then deed(told, now()) end
    return told and 1 or 0
  end)
end

call_told("began", {
  "call_id", "tag", "who", "device", "from_uri", "from_name", "to_uri", "callee", "replaces", "node", "boot",
}, function(told, time)
  save_call(Calls.begin(told, time), time)
end)

call_told("rings", { "call_id", "tag", "callee", "who", "device" }, function(told, time)
  call_rings(told, told.callee, told.who, told.device, time)
end)

call_told("forwarded", { "call_id", "tag", "who", "target", "heir" }, function(told, time)
  with_invite(told, time, function(record) Calls.forwarded(record, told.who, told.target, told.heir, time) end)
end)

call_told("answered", { "call_id", "tag", "callee", "who", "device" }, function(told, time)
  call_answered(told, told.callee, told.who, told.device, time)
end)

call_told("failed", { "call_id", "tag", "outcome", "target" }, function(told, time)
  with_invite(told, time, function(record) Calls.fail(record, told, told.outcome, told.target, time) end)
end)

call_told("hung_up", { "call_id", "tag", "callee" }, function(told, time)
  call_hung_up(told.call_id, told.tag, told.callee, time)
end)

--- The caller takes an INVITE back. Whether somebody takes its call over by another one (RFC 3891), or has: the
--- caller may have answered that, and be heard of it later, as it went another way.
local function given_up(_, args)
  local told, time = read(args[1], { "call_id", "tag" }), now()
  local record = told and Calls.of_invite(told)
  if not record then return 0 end
  record.open[index_of(record.open, is_invite(told))].given_up = time
  redis.call("SET", call_key(record.id), cjson.encode(record), "PX", LISTED)
  redis.call("ZADD", "graceline:calls", time + GIVEN_UP, record.id)
  return (record.answered or index_of(record.open, function(one) return one.taker end)) and 1 or 0
end

redis.register_function("graceline_call_given_up", given_up)

Calls.save, Calls.load = save_call, load_call

end
